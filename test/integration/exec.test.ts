/** Values that other programs write, and values over HTTP: real processes, a real server. */

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { Gateway } from '../adapters/fixture.ts'
import { until } from '../adapters/machine-tree.ts'

async function host(context: TestContext, name: string, toml: string) {
  const gateway = await new Gateway().start()
  const running = await gateway.hostOne(name, `[adapters.${name}]\nenabled = true\n${toml}`)
  context.after(() => running.stop())
  return { gateway, state: () => running.statuses[0]?.state, reason: () => running.statuses[0]?.reason ?? '' }
}

const command = (name: string, words: readonly string[], rest = '') =>
  `[[adapters.exec.command]]\nname = "${name}"\ncommand = ${JSON.stringify(words)}\n${rest}\n`

describe('other programs', () => {
  it('are run without a shell; those that fail, hang or are missing hold up no other', async (context) => {
    const { gateway, reason, state } = await host(
      context,
      'exec',
      command('good', ['echo', '{"a": 1, "b": "$HOME"}']) +
        command('failing', ['sh', '-c', 'echo no such sensor >&2; exit 3']) +
        command('missing', ['no-such-program']) +
        command('nonsense', ['echo', 'twelve'], 'codec = "number"') +
        command('slow', ['sleep', '60'], 'timeout = "100ms"'),
    )
    await until(() => reason().includes('no such sensor') || state() === 'starting')
    await gateway.clock.pass(300)
    await until(async () => (await gateway.latest('exec/good/a')) === '1')
    assert.equal(await gateway.latest('exec/good/b'), '$HOME')
    await until(() => reason().includes('slow: no answer within 100 ms'))
    await until(() => reason().includes('failing: sh ended with 3: no such sensor'))
    assert.match(reason(), /missing: no-such-program is not installed/)
    assert.match(reason(), /nonsense: expected a number, got "twelve"/)
  })

  it('may keep running, and are started again when they end', async (context) => {
    const { gateway, state, reason } = await host(
      context,
      'exec',
      command('meter', ['sh', '-c', 'echo 1; echo 2; echo x; echo 3; sleep 0.05'], 'period = 0\ncodec = "number"'),
    )
    await until(async () => (await gateway.latest('exec/meter')) === '3')
    assert.deepEqual(await gateway.contents('exec/meter'), ['1', '2', '3'])
    await until(() => reason().includes('ended with 0'))
    await gateway.clock.pass(1000)
    await until(async () => (await gateway.contents('exec/meter')).length === 6)
    await until(() => state() !== 'ok')
  })
})

describe('an address over HTTP', () => {
  it('is fetched at a steady pace, and goes on after it was gone', async (context) => {
    let answer: readonly [status: number, body: string] = [200, '{"main":{"temp":281.4,"humidity":87},"other":1}']
    let seen: string | undefined
    const server = createServer((request, response) => {
      seen = request.headers['x-key'] as string
      response.writeHead(answer[0]).end(answer[1])
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    context.after(() => server.close())
    const source = `[[adapters.http-poll.source]]\nname = "weather"\nurl = "http://127.0.0.1:${port}/now"\nselect = "/main"\nheaders = ["X-Key: a: b"]\nperiod = "1s"`
    const { gateway, state, reason } = await host(context, 'http-poll', source)
    await until(async () => (await gateway.latest('http-poll/weather/temp')) === '281.4')
    assert.equal(seen, 'a: b')
    answer = [503, 'busy']
    await gateway.clock.pass(1000)
    await until(() => reason().includes('answers 503'))
    answer = [200, '{"main":{"temp":282.5}}']
    await gateway.clock.pass(2000)
    await until(async () => (await gateway.latest('http-poll/weather/temp')) === '282.5')
    assert.equal(state(), 'ok')
    answer = [200, `"${'x'.repeat(300_000)}"`]
    await gateway.clock.pass(1000)
    await until(() => reason().includes('more than 262144 bytes'))
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await gateway.clock.pass(4000)
    await until(() => reason().includes('ECONNREFUSED'))
    const again = createServer((_, response) => void response.end('{"main":{"temp":283.6}}'))
    await new Promise<void>((resolve) => again.listen(port, '127.0.0.1', resolve))
    context.after(() => again.close())
    await gateway.clock.pass(8000)
    await until(async () => (await gateway.latest('http-poll/weather/temp')) === '283.6')
    assert.equal(state(), 'ok')
  })
})
