/** Serial devices through pseudo-terminals: real terminals, real stty, no hardware. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Gateway } from '../adapters/fixture.ts'
import { until } from '../adapters/machine-tree.ts'
import { PtyPair } from './pty-pair.ts'

async function device(context: TestContext, settings: string) {
  const cable = new PtyPair(context)
  await cable.plug()
  const gateway = await new Gateway().start()
  const toml = `[adapters.serial-line]\nenabled = true\n[[adapters.serial-line.port]]\nname = "box"\npath = "${cable.port}"\n${settings}`
  const host = await gateway.hostOne('serial-line', toml)
  context.after(() => host.stop())
  await until(() => host.statuses[0]?.state === 'ok')
  const value = (path: string) => gateway.latest(`serial-line/box/${path}`)
  return {
    cable,
    gateway,
    host,
    value,
    state: () => host.statuses[0]?.state,
    reason: () => host.statuses[0]?.reason ?? '',
  }
}

describe('a device on a serial port', () => {
  it('is read line by line, and goes on after garbage, an unplug and a replug', async (context) => {
    const { cable, gateway, value, state, reason } = await device(context, 'format = "json"')
    await cable.write('{"temperature": 21.5, "door": {"open": true}}\r\n{"temperature": 21')
    await until(async () => (await value('temperature')) === '21.5')
    assert.equal(await value('door/open'), 'true')
    await cable.write('.75}\n')
    await until(async () => (await value('temperature')) === '21.75')
    await cable.write('\u0000\u00FF}{broken\n')
    await until(() => state() !== 'ok')
    assert.match(reason(), /box: expected JSON/)
    await cable.unplug()
    await until(() => reason().includes('unplugged') || reason().includes('EIO'))
    await gateway.clock.pass(1000)
    await until(() => reason().includes('there is no'))
    await cable.plug()
    await gateway.clock.pass(2000)
    await until(() => state() === 'ok')
    await cable.write('{"temperature": 22}\n')
    await until(async () => (await value('temperature')) === '22')
    assert.equal(await value('door/open'), 'true')
  })

  it('may write anything that a pattern finds values in', async (context) => {
    const { cable, value, reason } = await device(
      context,
      `format = "regex"\npattern = 'T=(?<temperature>[-.\\d]+)C( H=(?<humidity>\\d+)%)?'`,
    )
    await cable.write('S300TH 1 T=-3.5C H=81%\nS300TH 1 T=-3.75C\nhello\n')
    await until(async () => (await value('temperature')) === '-3.75')
    assert.equal(await value('humidity'), '81')
    await until(() => reason().includes('not regex: "hello"'))
  })

  it('may write columns', async (context) => {
    const { cable, value } = await device(context, 'format = "csv"\ncolumns = ["", "level", "mode"]\ndelimiter = ";"')
    await cable.write('2026;1.25;"auto; fast"\n2026;1.5\n')
    await until(async () => (await value('level')) === '1.25')
    assert.equal(await value('mode'), 'auto; fast')
  })

  it('may be a GPS receiver', async (context) => {
    const { cable, value } = await device(context, 'format = "nmea"')
    await cable.write(
      '$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n' +
        '$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n' +
        '$GPGGA,123520,4807.038,N,01131.000,E,1,09,0.9,545.4,M,46.9,M,,*47\r\n',
    )
    await until(async () => (await value('course')) === '84.4')
    const values = await Promise.all(['latitude', 'longitude', 'altitude', 'satellites', 'speed'].map(value))
    assert.deepEqual(values, ['48.1173', '11.516667', '545.4', '8', '11.524'])
  })

  it('takes commands as lines, confirmed by its answer', async (context) => {
    const { cable, gateway, value } = await device(
      context,
      '[[adapters.serial-line.port.command]]\nname = "relay"\nline = "RELAY {value}"\nanswer = "^OK"',
    )
    const panel = await gateway.register('panel')
    await panel.create('onem2m/serial-line/box/relay/commands', 4, { 'm2m:cin': { con: '1' } })
    assert.equal(await cable.read(), 'RELAY 1\n')
    await cable.write('OK\n')
    await until(async () => String(await value('relay/command')).includes('confirmed'))
  })

  it('that floods the line is bounded', async (context) => {
    const { cable, gateway, host } = await device(context, 'format = "number"\nmax_rate = 5')
    await cable.write('1\n'.repeat(500))
    await until(() => host.statuses[0]?.reason?.includes('more than 5 a second') === true)
    await until(async () => (await gateway.contents('serial-line/box/value')).length === 5)
    await cable.write('x'.repeat(70_000))
    await until(() => host.statuses[0]?.reason?.includes('does not end') === true)
  })
})
