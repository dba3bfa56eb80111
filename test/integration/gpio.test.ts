/** GPIO lines through processes: the tools of both versions, as scripts that answer like them. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Gateway } from '../adapters/fixture.ts'
import { FakeTools } from '../adapters/gpio/fake-tool.ts'
import { until } from '../adapters/machine-tree.ts'

const lines = `
[[adapters.gpio.line]]
name = "door"
line = 17
bias = "pull-up"
active_low = true
[[adapters.gpio.line]]
name = "relay"
line = 27
direction = "out"
[[adapters.gpio.line]]
name = "stuck"
line = 99
direction = "out"`

async function board(context: TestContext, version: string) {
  const tools = new FakeTools(context, version)
  tools.level(17, 0)
  const gateway = await new Gateway().start()
  const host = await gateway.hostOne('gpio', `[adapters.gpio]\nenabled = true\ntools = "${tools.directory}"${lines}`)
  context.after(() => host.stop())
  await until(() => tools.calls.some((call) => call.startsWith('gpiomon')))
  const panel = await gateway.register('panel')
  const command = async (name: string, content: string) => {
    await panel.create(`onem2m/gpio/${name}/commands`, 4, { 'm2m:cin': { con: content } })
    await until(async () => /confirmed|failed/.test(String(await gateway.latest(`gpio/${name}/command`))))
    return JSON.parse(String(await gateway.latest(`gpio/${name}/command`)))
  }
  return { tools, gateway, host, command }
}

describe('GPIO lines', () => {
  for (const version of ['1.6.3', '2.1.3']) {
    it(`are watched with version ${version}, through an unplug and a replug`, async (context) => {
      const { tools, gateway, host } = await board(context, version)
      const door = () => gateway.latest('gpio/door')
      await until(async () => (await door()) === 'false')
      tools.edge('17 1\n')
      await until(async () => (await door()) === 'true')
      tools.edge(version.startsWith('1') ? '17 0\n' : '17 2\n')
      await until(async () => (await door()) === 'false')
      tools.edge('what?\n')
      await until(() => host.statuses[0]?.reason?.includes('gpiomon says "what?"') === true)
      tools.level(17, 1)
      tools.unplug()
      await until(() => host.statuses[0]?.reason?.includes('ended with 0') === true)
      await gateway.clock.pass(1000)
      await until(async () => (await door()) === 'true')
      await until(() => host.statuses[0]?.state === 'ok')
    })
  }

  it('are asked for in the words of version 1', async (context) => {
    const { tools, command } = await board(context, '1.6.3')
    assert.equal((await command('relay', 'on')).state, 'confirmed')
    const stuck = await command('stuck', 'on')
    assert.deepEqual([stuck.state, /resource busy/.test(stuck.reason)], ['failed', true])
    assert.ok(tools.calls.includes('gpiomon --active-low --bias=pull-up --line-buffered --format=%o %e gpiochip0 17'))
    assert.ok(tools.calls.includes('gpioget --active-low --bias=pull-up gpiochip0 17'))
    assert.ok(tools.calls.includes('gpioset --mode=signal gpiochip0 27=1'))
  })

  it('are asked for in the words of version 2, and one process holds an output', async (context) => {
    const { tools, gateway, command } = await board(context, '2.1.3')
    assert.equal((await command('relay', '1')).state, 'confirmed')
    await gateway.clientFor('Cpanel').create('onem2m/gpio/relay/commands', 4, { 'm2m:cin': { con: 'off' } })
    await until(async () => (await gateway.latest('gpio/relay')) === 'false')
    const calls = tools.calls.filter((call) => call.startsWith('gpioset'))
    assert.deepEqual(calls, ['gpioset --interactive --unquoted --chip gpiochip0 27=1'])
    assert.ok(tools.calls.includes('gpioget --active-low --bias=pull-up --numeric --chip gpiochip0 17'))
  })

  it('of a machine without the tools have failed, with what is missing', async () => {
    const gateway = await new Gateway().start()
    const host = await gateway.hostOne('gpio', `[adapters.gpio]\nenabled = true\ntools = "/nowhere"${lines}`)
    await until(() => host.statuses[0]?.state === 'failed')
    assert.match(host.statuses[0]?.reason ?? '', /\/nowhere\/gpiodetect is not installed/)
    await host.stop()
  })
})
