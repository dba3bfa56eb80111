import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { AdapterHost } from '../../../src/adapters/adapter-host.ts'
import { adapters } from '../../../src/adapters/index.ts'
import type { JsonObject } from '../../../src/onem2m/content.ts'
import { calm, Gateway, settingsFrom } from '../fixture.ts'
import { MachineTree, until } from '../machine-tree.ts'

/** Of a Raspberry Pi 4 with a UPS, a thermometer and Debian 12. */
const pi = {
  'proc/device-tree/model': 'Raspberry Pi 4 Model B Rev 1.4\0',
  'proc/device-tree/serial-number': '10000000a1b2c3d4\0',
  'proc/cpuinfo':
    'processor\t: 0\n\nRevision\t: c03114\nSerial\t\t: 10000000a1b2c3d4\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n',
  'proc/sys/kernel/hostname': 'barn-7\n',
  'proc/sys/kernel/osrelease': '6.6.51+rpt-rpi-v8\n',
  'proc/meminfo': 'MemTotal:        1886144 kB\nMemFree:          900000 kB\nMemAvailable:    1415224 kB\n',
  'etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n',
  'sys/class/power_supply/ups/capacity': '15\n',
  'sys/class/power_supply/ups/status': 'Discharging\n',
  'sys/class/gpio/gpiochip512/label': 'pinctrl-bcm2711\n',
  'sys/bus/w1/devices/28-0316a279f1ff/w1_slave':
    '4b 01 4b 46 7f ff 0c 10 d6 : crc=d6 YES\n4b 01 4b 46 7f ff 0c 10 d6 t=20687\n',
}

async function machine(context: TestContext, toml = '', survey?: Readonly<Record<string, string>>) {
  const tree = new MachineTree(context, pi)
  const gateway = await new Gateway().start()
  const text = `[adapters.node]\nroot = "${tree.root}"\n${toml.replaceAll('ROOT', tree.root)}\n[adapters.w1]\nenabled = true\nroot = "${tree.root}"`
  const client = gateway.clientFor('/mn-cse-1')
  const host = new AdapterHost({
    adapters: adapters.filter(({ name }) => name === 'node' || name === 'w1'),
    settings: { node: settingsFrom('node', text), w1: settingsFrom('w1', text) },
    clientFor: (originator) => gateway.clientFor(originator),
    gateway: {
      client,
      cseId: '/mn-cse-1',
      version: '1.2.3',
      recentLog: () => ['warn: the disk is nearly full {}'],
      clients: () => ['panel'],
      survey: survey && (async () => survey),
    },
    cseBaseName: 'onem2m',
    dataDirectory: tree.root,
    clock: gateway.clock,
    log: gateway.log,
    random: () => 0,
  })
  gateway.cse.use(host.inbox)
  context.after(() => host.stop())
  await host.start()
  await gateway.clock.pass(0)
  const object = (name: string) => gateway.attributes(`gateway/${name}`)
  await until(async () => (await object('eventLog')) !== undefined)
  await until(() => host.statuses.every(({ state }) => state === 'ok'))
  const update = async (name: string, content: JsonObject) => {
    await client.update(`onem2m/gateway/${name}`, content)
    await calm()
  }
  return { tree, gateway, host, object, update }
}

const pick = (attributes: JsonObject | undefined, ...names: readonly string[]) =>
  names.map((name) => attributes?.[name])

describe('the gateway in its own tree', () => {
  it('is a node that says what the machine is', async (context) => {
    const { gateway, object } = await machine(context)
    assert.deepEqual(pick(await gateway.attributes('gateway'), 'ni', 'hcl'), ['10000000a1b2c3d4', '/mn-cse-1'])
    assert.deepEqual(pick(await object('deviceInfo'), 'dlb', 'man', 'mod', 'dvnm', 'hwv', 'osv', 'swv'), [
      '10000000a1b2c3d4',
      'Raspberry Pi',
      'Raspberry Pi 4 Model B Rev 1.4',
      'barn-7',
      'c03114',
      'Debian GNU/Linux 12',
      '1.2.3',
    ])
    assert.deepEqual(pick(await object('firmware'), 'fwn', 'vr', 'ud'), [
      'Debian GNU/Linux',
      '12, Linux 6.6.51+rpt-rpi-v8',
      false,
    ])
    assert.deepEqual(pick(await object('software'), 'swn', 'vr'), ['fieldgate', '1.2.3'])
    assert.deepEqual(pick(await object('memory'), 'mmt', 'mma'), [1_931_411_456, 1_449_189_376])
    assert.deepEqual(pick(await object('battery-ups'), 'btl', 'bts'), [15, 5])
    assert.deepEqual(pick(await object('capability-gpiochip512'), 'can', 'att'), ['gpiochip512', true])
    assert.deepEqual(pick(await object('eventLog'), 'lgd'), ['warn: the disk is nearly full {}'])
    assert.deepEqual(gateway.warnings, [])
  })

  it('stays current: memory and devices, and only what has changed is written', async (context) => {
    const { tree, gateway, object } = await machine(context)
    // A round that is still at work does not notice that time has passed: there is another one.
    const untilAfterRounds = (condition: () => Promise<boolean>) =>
      until(async () => {
        await gateway.clock.pass(60_000)
        return condition()
      })
    await untilAfterRounds(async () => (await object('network-w1')) !== undefined)
    assert.deepEqual(pick(await object('device-w1-28-0316a279f1ff'), 'dvd', 'dvt', 'ss'), [
      '28-0316a279f1ff',
      'w1',
      'ok',
    ])
    assert.deepEqual(pick(await object('device-mqtt-panel'), 'dvd', 'ss'), ['panel', 'connected'])
    const { lt } = (await object('deviceInfo')) ?? {}
    tree.plug({ 'proc/meminfo': 'MemTotal:        1886144 kB\nMemFree:          100 kB\nMemAvailable:    400000 kB\n' })
    await untilAfterRounds(async () => (await object('memory'))?.['mma'] === 409_600_000)
    assert.equal((await object('deviceInfo'))?.['lt'], lt)
    tree.unplug('sys/bus/w1/devices/28-0316a279f1ff')
    await untilAfterRounds(async () => (await object('device-w1-28-0316a279f1ff')) === undefined)
    assert.equal(await object('network-w1'), undefined)
    assert.notEqual(await object('network-mqtt'), undefined)
  })

  it('takes from the survey what the files do not say', async (context) => {
    const survey = { firmwareVersion: '2024-09-01', model: 'something else' }
    const { gateway, object } = await machine(context, '', survey)
    await gateway.clock.pass(5000)
    await until(async () => (await object('deviceInfo'))?.['fwv'] === '2024-09-01')
    assert.equal((await object('deviceInfo'))?.['mod'], 'Raspberry Pi 4 Model B Rev 1.4')
  })
})

describe('an action of a mgmtObj', () => {
  it('runs the command that is configured, word by word, and takes the trigger back first', async (context) => {
    const command = 'firmware_command = ["sh", "-c", "printf %s \\"$1\\" > ROOT/asked", "update", "{url}"]'
    const { tree, object, update } = await machine(context, command)
    const url = 'http://updates.example/$(reboot);a.img'
    await update('firmware', { 'm2m:fwr': { url, ud: true } })
    await until(async () => ((await object('firmware'))?.['uds'] as JsonObject | undefined)?.['sus'] === 1)
    assert.equal((await object('firmware'))?.['ud'], false)
    const { readFileSync } = await import('node:fs')
    assert.equal(readFileSync(join(tree.root, 'asked'), 'utf8'), url)
  })

  it('without a command does nothing, and says so', async (context) => {
    const { host, object, update } = await machine(context)
    await update('reboot', { 'm2m:rbo': { rbo: true } })
    await until(async () => (await object('reboot'))?.['dc'] === 'reboot: failed')
    await until(() =>
      host.statuses.some(
        ({ reason }) => reason?.includes('reboot was asked for, and no command is configured') === true,
      ),
    )
  })

  it('whose command fails says why', async (context) => {
    const { host, object, update } = await machine(
      context,
      'software_command = ["sh", "-c", "echo no room >&2; exit 2"]',
    )
    await update('software', { 'm2m:swr': { in: true } })
    await until(() =>
      host.statuses.some(({ reason }) => reason?.includes('install: sh ended with 2: no room') === true),
    )
    assert.equal((await object('software'))?.['dc'], 'install: failed')
    await update('reboot', { 'm2m:rbo': { rbo: false } })
    assert.equal((await object('reboot'))?.['dc'], undefined)
  })

  it('is not for everybody', async (context) => {
    const { tree, gateway } = await machine(context, 'reboot_command = ["touch", "ROOT/rebooted"]')
    const panel = await gateway.register('panel')
    await assert.rejects(panel.update('onem2m/gateway/reboot', { 'm2m:rbo': { rbo: true } }), /4103/)
    assert.equal(existsSync(join(tree.root, 'rebooted')), false)
  })
})
