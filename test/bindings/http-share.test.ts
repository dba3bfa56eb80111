/** What one principal, or one address of the network, may have of HTTP; and that nobody else notices. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { duplexPair } from 'node:stream'
import test from 'node:test'
import type { HttpBindingOptions } from '../../src/bindings/http.ts'
import type { RequestContext, RequestHandler } from '../../src/cse/handler.ts'
import { ManualClock } from './fixture.ts'
import { httpBinding, message, sendRaw } from './http-client.ts'

const from = (address: string) =>
  message('GET', '/onem2m', { 'X-M2M-Origin': 'CAE01', 'X-M2M-RI': '42', From: address, Connection: 'close' })

/** A binding whose clients say in a header where they come from, and a CSE that answers when it is told to. */
function house(allowance: Partial<HttpBindingOptions['allowance'] & object>) {
  const clock = new ManualClock()
  const answers: (() => void)[] = []
  const handler: RequestHandler = {
    handle: (_request, _context, respond) =>
      void answers.push(() => respond({ responseStatusCode: 2000, requestIdentifier: '42' })),
  }
  const binding = httpBinding(handler, {
    clock,
    identify({ headers }) {
      const { from: remoteAddress = '' } = headers
      const context: RequestContext = { source: remoteAddress === '127.0.0.1' ? 'local' : 'network', remoteAddress }
      return { context }
    },
    allowance: { maxOutstanding: 100, admits: () => true, take: () => 0, ...allowance },
  })
  const answered = async (count: number) => {
    while (answers.length < count) await new Promise((resolve) => setImmediate(resolve))
    for (const answer of answers.splice(0)) answer()
  }
  return { binding, clock, answers, answered }
}

test('a request too many under way is answered with 429, and says when to come again', async () => {
  const { binding, answers, answered } = house({ maxOutstanding: 1 })
  const first = sendRaw(binding, from('192.0.2.1'))
  while (answers.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const second = await sendRaw(binding, from('192.0.2.1'))
  assert.deepEqual([second.status, second.headers['retry-after'], second.headers['x-m2m-ri']], [429, '1', '42'])
  assert.match(second.body, /http\.max_outstanding/)
  assert.equal(binding.statistics.httpRefusedRequests, 1)
  const others = ['192.0.2.2', '127.0.0.1', '127.0.0.1'].map((address) => sendRaw(binding, from(address)))
  await answered(4)
  for (const answer of [first, ...others]) assert.equal((await answer).status, 200)
  const third = sendRaw(binding, from('192.0.2.1'))
  await answered(1)
  assert.equal((await third).status, 200)
})

test('a request beyond the rate waits for its turn', async () => {
  const { binding, clock, answers, answered } = house({ take: (sender) => (sender === '192.0.2.1' ? 500 : 0) })
  const patient = sendRaw(binding, from('192.0.2.1'))
  const other = sendRaw(binding, from('192.0.2.2'))
  await answered(1)
  assert.equal((await other).status, 200)
  assert.equal(answers.length, 0)
  assert.equal(binding.statistics.httpPaced, 1)
  clock.advance(500)
  await answered(1)
  assert.equal((await patient).status, 200)
})

test('a request that would wait for longer than ten seconds is answered with 429', async () => {
  const { binding, answers } = house({ take: () => 20_000 })
  const { status, headers } = await sendRaw(binding, from('192.0.2.1'))
  assert.deepEqual([status, headers['retry-after']], [429, '20'])
  assert.equal(answers.length, 0)
})

test('a connection that may not stay is closed and counted', async () => {
  const { binding } = house({ admits: () => false })
  const [near, far] = duplexPair()
  far.once('close', () => near.destroy())
  binding.createServer().emit('connection', far)
  await once(near, 'close')
  assert.equal(binding.statistics.httpRefusedConnections, 1)
})
