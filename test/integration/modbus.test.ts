/** Modbus devices by another implementation (pymodbus): a TCP server, and an RTU slave on a pseudo-terminal. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Gateway } from '../adapters/fixture.ts'
import { until } from '../adapters/machine-tree.ts'
import { freePort } from '../free-port.ts'
import { PtyPair } from './pty-pair.ts'

const script = fileURLToPath(new URL('modbus-server.py', import.meta.url))

function serve(context: TestContext, kind: 'tcp' | 'rtu', place: string): ChildProcess {
  const server = spawn('/usr/bin/python3', [script, kind, place], { stdio: ['ignore', 'ignore', 'inherit'] })
  context.after(() => server.kill('SIGKILL'))
  return server
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

/** A server of another language takes its time to start: the gateway's time passes along with ours, for eight seconds at most; a round that is still at work does not notice. */
async function passUntil(gateway: Gateway, condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 160; tries++) {
    if (condition()) return
    await gateway.clock.pass(1000)
    await pause(50)
  }
  throw new Error('what was waited for did not come about')
}

const points = (rows: readonly string[]) => rows.map((row) => `[[adapters.modbus.device.point]]\n${row}\n`).join('')

const boiler = points([
  'name = "temperature"\nregister = 0\ntype = "int16"\nscale = 0.1\ndigits = 1\nunit = "Cel"\nwritable = true',
  'name = "voltage"\nregister = 2\ntype = "float32"',
  'name = "energy"\nregister = 4\ntype = "uint32"\nword_order = "CDAB"',
  'name = "outside"\ntable = "input"\nregister = 0\ntype = "int16"\nscale = 0.1\ndigits = 1',
  'name = "alarm"\ntable = "discrete"\nregister = 2',
  'name = "pump"\ntable = "coil"\nregister = 0\nwritable = true',
  'name = "nowhere"\nregister = 62',
])

async function gatewayOf(context: TestContext, address: string, timeout: string) {
  const gateway = await new Gateway().start()
  const head = `[adapters.modbus]\nenabled = true\n[[adapters.modbus.device]]\nname = "boiler"\naddress = "${address}"\nunit = 7\nbaud = 19200\nperiod = "1s"\ntimeout = "${timeout}"\nmax_gap = 60\n`
  const host = await gateway.hostOne('modbus', head + boiler)
  context.after(() => host.stop())
  const panel = await gateway.register('panel')
  const values = () =>
    Object.fromEntries(
      (host.statuses[0]?.points ?? []).map(({ address: at, value }) => [
        at.replace('onem2m/modbus/boiler/', ''),
        value,
      ]),
    )
  const command = async (name: string, content: string) => {
    await panel.create(`onem2m/modbus/boiler/${name}/commands`, 4, { 'm2m:cin': { con: content } })
    const latest = () => gateway.latest(`modbus/boiler/${name}/command`)
    await until(async () => /confirmed|failed/.test(String(await latest())))
    return JSON.parse(String(await latest())) as { readonly state: string; readonly reason?: string }
  }
  return { gateway, host, values, command, reason: () => host.statuses[0]?.reason ?? '' }
}

const expected = { temperature: 21.5, voltage: 230.2, energy: 123_456, outside: -20, alarm: true, pump: true }

describe('a Modbus device', () => {
  it('over TCP is read and written; a register that it has not is the only one missing; it may go and come back', async (context) => {
    const port = await freePort()
    const server = serve(context, 'tcp', String(port))
    for (let tries = 0; tries < 100 && !(await answers(port)); tries++) await pause(100)
    const { gateway, host, values, command, reason } = await gatewayOf(context, `127.0.0.1:${port}`, '1s')
    await until(() => Object.keys(values()).length === 6)
    assert.deepEqual(values(), expected)
    assert.match(reason(), /boiler\/nowhere: the device has no such address/)
    assert.equal(host.statuses[0]?.state, 'degraded')

    assert.equal((await command('temperature', '-3.5')).state, 'confirmed')
    assert.equal((await command('pump', 'off')).state, 'confirmed')
    assert.match((await command('temperature', '99999')).reason ?? '', /out of range/)
    await passUntil(gateway, () => values()['pump'] === false)
    assert.equal(values()['temperature'], -3.5)

    server.kill('SIGKILL')
    await new Promise((resolve) => server.once('close', resolve))
    await passUntil(gateway, () => /ECONNREFUSED|ECONNRESET|closed the connection/.test(reason()))
    serve(context, 'tcp', String(port))
    await passUntil(gateway, () => values()['temperature'] === 21.5)
  })

  it('on a serial line is read and written; pulled out and plugged in it goes on', async (context) => {
    const cable = new PtyPair(context)
    await cable.plug()
    const slave = serve(context, 'rtu', cable.device)
    const { gateway, values, command, reason } = await gatewayOf(context, cable.port, '500ms')
    await passUntil(gateway, () => Object.keys(values()).length === 6)
    assert.deepEqual(values(), expected)
    assert.equal((await command('temperature', '40')).state, 'confirmed')
    slave.kill('SIGKILL')
    await cable.unplug()
    await passUntil(gateway, () => /there is no|unplugged|EIO/.test(reason()))
    await cable.plug()
    serve(context, 'rtu', cable.device)
    await passUntil(gateway, () => values()['temperature'] === 21.5)
  })
})
