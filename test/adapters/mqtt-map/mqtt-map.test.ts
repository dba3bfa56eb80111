import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { calm, Gateway, settingsFrom } from '../fixture.ts'
import { MessageBoard } from './message-board.ts'

async function mapping(toml: string, retained: Readonly<Record<string, string>> = {}) {
  const board = new MessageBoard()
  for (const [topic, text] of Object.entries(retained)) board.retained.set(topic, text)
  const gateway = await new Gateway().start()
  gateway.messages = board
  const host = await gateway.hostOne('mqtt-map', `[adapters.mqtt-map]\nenabled = true\n${toml}`)
  const values = () =>
    Object.fromEntries(
      (host.statuses[0]?.points ?? []).map(({ address, point, value }) => [
        address.replace('onem2m/mqtt-map/', ''),
        point.unit === undefined ? value : `${value} ${point.unit}`,
      ]),
    )
  const panel = await gateway.register('panel')
  const command = async (path: string, content: string) => {
    await panel.create(`onem2m/mqtt-map/${path}/commands`, 4, { 'm2m:cin': { con: content } })
    await calm()
  }
  const outcome = async (path: string) => JSON.parse(String(await gateway.latest(`mqtt-map/${path}/command`)))
  return { board, gateway, host, values, command, outcome }
}

/** A recorded dump: a topic and a payload a line. The topic of zigbee2mqtt may have spaces; payloads of such begin with a brace or bracket. */
function replay(board: MessageBoard, name: string): void {
  const text = readFileSync(new URL(`cases/${name}.txt`, import.meta.url), 'utf8')
  for (const line of text.trim().split('\n')) {
    const [, topic = '', payload = ''] = /^(.*?) ([[{].*|\S+)$/.exec(line) ?? []
    board.say(topic, payload)
  }
}

const dumps: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  zigbee2mqtt: {
    'attic/climate/battery': '91 %',
    'attic/climate/humidity': '48.61 %',
    'attic/climate/linkquality': 102,
    'attic/climate/temperature': '21.37 Cel',
    'attic/climate/voltage': '2995 V',
    'pump_plug/current': '0.02 A',
    'pump_plug/linkquality': 185,
    'pump_plug/power': '3 W',
    'pump_plug/state': false,
    'pump_plug/update/state': 'idle',
    'pump_plug/available': true,
    'attic/climate/available': false,
  },
  tasmota: {
    'greenhouse/available': true,
    'greenhouse/POWER': true,
    'greenhouse/Wifi/AP': 1,
    'greenhouse/Wifi/Channel': 6,
    'greenhouse/Wifi/RSSI': '74 dBm',
    'greenhouse/Wifi/Signal': '-63 dBm',
    'greenhouse/DS18B20/Temperature': '18.4 Cel',
    'greenhouse/AM2301/Temperature': '19.1 Cel',
    'greenhouse/AM2301/Humidity': '62.5 %RH',
    'greenhouse/AM2301/DewPoint': '11.8 Cel',
    'greenhouse/ENERGY/Total': '12.345 kWh',
    'greenhouse/ENERGY/Power': '41 W',
    'greenhouse/ENERGY/Voltage': '231 V',
    'greenhouse/ENERGY/Current': '0.183 A',
  },
  shelly: {
    'shelly1pm-84CCA8/online': true,
    'shelly1pm-84CCA8/relay/0': false,
    'shelly1pm-84CCA8/relay/0/power': '12.75 W',
    'shelly1pm-84CCA8/relay/0/energy': '1 kWh',
    'shelly1pm-84CCA8/temperature': '41.2 Cel',
    'shellyplus1pm-a8032ab11964/switch-0/output': false,
    'shellyplus1pm-a8032ab11964/switch-0/apower': '8.9 W',
    'shellyplus1pm-a8032ab11964/switch-0/voltage': '232.3 V',
    'shellyplus1pm-a8032ab11964/switch-0/current': '0.045 A',
    'shellyplus1pm-a8032ab11964/switch-0/aenergy/total': '11.679 Wh',
    'shellyplus1pm-a8032ab11964/switch-0/temperature/tC': '53.3 Cel',
    'shellyplus1pm-a8032ab11964/switch-0/temperature/tF': '128 degF',
  },
  homeassistant: {
    'stove/Flue': '143.5 Cel',
    'stove/Fan': false,
    'flower/soil': '17 %',
    'meter/power': '412 W',
    'meter/door': true,
  },
  chirpstack: {
    'silo/TempC_SHT': 22.8,
    'silo/level/cm': 134,
    'silo/battery': '88.5 %',
    'silo/rssi': '-48 dBm',
    'silo/snr': '9 dB',
    'silo/margin': 14,
  },
  senml: {
    'barn/box-1/temperature': '20.5 Cel',
    'barn/box-1/open': true,
    'barn/box-1/mode': 'auto',
    'barn/box-2/weight': '12.5 kg',
  },
}

describe('what devices say on plain topics', () => {
  for (const [name, expected] of Object.entries(dumps)) {
    it(`is mapped as ${name} says it`, async () => {
      const { board, values, gateway } = await mapping(`templates = ["${name}"]`)
      replay(board, name)
      await calm()
      assert.deepEqual(values(), {
        ...expected,
        ...(name === 'chirpstack' && { 'silo/battery': values()['silo/battery'] }),
      })
      assert.deepEqual(board.published, [])
      assert.equal(gateway.warnings.length, name === 'homeassistant' ? 1 : 0)
    })
  }

  it('is found by the labels that OpenMTC looks for', async () => {
    const { board, gateway } = await mapping('templates = ["senml"]')
    replay(board, 'senml')
    await calm()
    const found = await gateway.clientFor('Capp').discover('onem2m', { labels: ['openmtc:sensor_data'] })
    assert.equal(found.length, 4)
  })

  it('is mapped by rules of the operator, retained messages too', async () => {
    const rules = `
[[adapters.mqtt-map.rule]]
topic = "garden/{bed}/moisture"
path = "{bed}/moisture"
codec = "number"
unit = "%"
scale = 0.1
[[adapters.mqtt-map.rule]]
topic = "meter/#"
path = "meter"
select = "/total"
[[adapters.mqtt-map.rule]]
topic = "scale"
path = "scale"
codec = "csv"`
    const { board, values } = await mapping(rules, { 'garden/roses/moisture': '412' })
    board.say('meter/1', '{"total":{"kWh":7.5},"other":1}')
    board.say('scale', '12.5;kg')
    await calm()
    assert.deepEqual(values(), { 'roses/moisture': '41.2 %', 'meter/kWh': 7.5, 'scale/1': 12.5, 'scale/2': 'kg' })
  })

  it('that is nonsense is said once, keeps the last value, and hurts no other', async () => {
    const { board, gateway, host, values } = await mapping('templates = ["tasmota", "shelly"]')
    board.say('tele/greenhouse/SENSOR', '{"DS18B20":{"Temperature":18.4}}')
    for (const payload of ['{"DS18B20":{"Temp', '', '\u0000\uFFFF', '[[[[[[[[[1]]]]]]]]]', '"text"', 'null'])
      board.say('tele/greenhouse/SENSOR', payload)
    board.say('tele/greenhouse/SENSOR', '{"DS18B20":')
    board.say('shellies/plug/temperature', '40')
    await calm()
    assert.equal(values()['greenhouse/DS18B20/Temperature'], '18.4 Cel')
    assert.equal(values()['plug/temperature'], '40 Cel')
    assert.equal(host.statuses[0]?.state, 'degraded')
    assert.match(host.statuses[0]?.reason ?? '', /tele\/greenhouse\/SENSOR: expected JSON/)
    assert.equal(gateway.warnings.length, 2, 'once, and that it fails on and off')
  })

  it('of a device that goes away keep their last values beside the word that it is gone, and go on when it is back', async () => {
    const { board, gateway, host, values } = await mapping('templates = ["tasmota"]')
    board.say('tele/greenhouse/LWT', 'Online')
    board.say('tele/greenhouse/SENSOR', '{"DS18B20":{"Temperature":18.4}}')
    board.say('tele/greenhouse/LWT', 'Offline')
    await calm()
    assert.deepEqual(values(), { 'greenhouse/available': false, 'greenhouse/DS18B20/Temperature': '18.4 Cel' })
    assert.equal(await gateway.latest('mqtt-map/greenhouse/available'), 'false')
    board.say('tele/greenhouse/LWT', 'Online')
    board.say('tele/greenhouse/SENSOR', '{"DS18B20":{"Temperature":17.9}}')
    await calm()
    assert.deepEqual(values(), { 'greenhouse/available': true, 'greenhouse/DS18B20/Temperature': '17.9 Cel' })
    assert.equal(await gateway.latest('mqtt-map/greenhouse/DS18B20/Temperature'), '17.9')
    assert.deepEqual([host.statuses[0]?.state, gateway.warnings], ['ok', []])
  })

  it('as a flood is bounded, and that is said once', async () => {
    const { board, gateway, host } = await mapping(
      'max_rate = 10\n[[adapters.mqtt-map.rule]]\ntopic = "flood"\npath = "flood"\ncodec = "number"',
    )
    for (let count = 0; count < 1000; count++) board.say('flood', `${count}`)
    await calm()
    assert.equal((await gateway.contents('mqtt-map/flood')).length, 10)
    assert.match(host.statuses[0]?.reason ?? '', /more than 10 a second: the rest is dropped/)
    assert.equal(gateway.warnings.length, 1)
    await gateway.clock.pass(61_000)
    board.say('flood', '7')
    await calm()
    assert.equal(host.statuses[0]?.state, 'ok')
  })

  it('on the topics of oneM2M is never mapped, nor what the adapter itself publishes', async () => {
    const rule = '[[adapters.mqtt-map.rule]]\ntopic = "#"\npath = "all"\ncodec = "string"'
    const { board, values } = await mapping(rule)
    board.say('/oneM2M/req/Cpanel/mn-cse-1/json', '{}')
    board.publish({ topic: 'own', payload: 'echo' })
    assert.deepEqual(values(), {})
    assert.throws(
      () => settingsFrom('mqtt-map', `[adapters.mqtt-map]\nenabled = true\n${rule.replace('"#"', '"/oneM2M/#"')}`),
      /fieldgate\.toml:4: adapters\.mqtt-map\.rule\[1\]\.topic: \/oneM2M\/#: topics of oneM2M/,
    )
  })

  it('is heard no more when the adapter stops', async () => {
    const { board, host } = await mapping('templates = ["zigbee2mqtt", "tasmota"]')
    assert.ok(board.subscriptions > 1)
    await host.stop()
    assert.equal(board.subscriptions, 0)
  })
})

describe('a command to a device on plain topics', () => {
  it('is published, and confirmed by what the device says then', async () => {
    const { board, command, outcome, gateway } = await mapping('templates = ["zigbee2mqtt"]')
    replay(board, 'zigbee2mqtt')
    await calm()
    await command('pump_plug/state', 'on')
    assert.deepEqual(board.published, ['zigbee2mqtt/pump plug/set {"state":"ON"}'])
    assert.equal((await outcome('pump_plug/state')).state, 'pending')
    board.say('zigbee2mqtt/pump plug', '{"state":"ON"}')
    await calm()
    assert.deepEqual(await outcome('pump_plug/state'), { state: 'confirmed', value: 'on' })
    const count = async () => (await gateway.attributes('mqtt-map/pump_plug/state'))?.['cni']
    const confirmed = await count()
    board.say('zigbee2mqtt/pump plug', '{"state":"OFF"}')
    await calm()
    assert.deepEqual(
      [confirmed, await count()],
      [2, 3],
      'what was before the command, the command, what is now: once each',
    )
  })

  it('that the device does not follow has failed', async () => {
    const { board, command, outcome, gateway } = await mapping('templates = ["tasmota"]')
    replay(board, 'tasmota')
    await calm()
    await command('greenhouse/POWER', 'false')
    board.say('stat/greenhouse/RESULT', '{"POWER":"ON"}')
    await gateway.clock.pass(5000)
    assert.deepEqual(board.published, ['cmnd/greenhouse/POWER OFF'])
    assert.equal((await outcome('greenhouse/POWER')).reason, 'not confirmed within 5000 ms')
  })

  it('is written as each kind of device wants it', async () => {
    const { board, command } = await mapping('templates = ["shelly", "homeassistant"]')
    replay(board, 'shelly')
    replay(board, 'homeassistant')
    await calm()
    await command('shelly1pm-84CCA8/relay/0', 'true')
    await command('shellyplus1pm-a8032ab11964/switch-0/output', 'true')
    await command('stove/Fan', 'true')
    assert.deepEqual(board.published, [
      'shellies/shelly1pm-84CCA8/relay/0/command on',
      'shellyplus1pm-a8032ab11964/rpc {"id":1,"src":"fieldgate","method":"Switch.Set","params":{"id":0,"on":true}}',
      'esphome/stove/switch/fan/command ON',
    ])
  })

  it('of a rule fills in the names of its topic', async () => {
    const rule = `[[adapters.mqtt-map.rule]]
topic = "valve/{bed}/state"
path = "{bed}/valve"
codec = "string"
command_topic = "valve/{bed}/set"
command_payload = '{"open":"{value}"}'`
    const { board, command, outcome } = await mapping(rule)
    board.say('valve/roses/state', 'shut')
    await calm()
    await command('roses/valve', 'wide')
    assert.deepEqual(board.published, ['valve/roses/set {"open":"wide"}'])
    assert.equal((await outcome('roses/valve')).state, 'confirmed')
  })

  it('is an UPDATE of the flexContainer that stands for it, which shows what the device says', async () => {
    const rule = `[[adapters.mqtt-map.rule]]
topic = "plug/{name}/state"
path = "{name}"
codec = "boolean"
quantity = "switch"
command_topic = "plug/{name}/set"
[[adapters.mqtt-map.point]]
path = "*"
form = "flexContainer"`
    const { board, gateway } = await mapping(rule)
    board.say('plug/pump/state', 'off')
    await calm()
    assert.equal((await gateway.attributes('mqtt-map/pump'))?.['state'], false)
    const panel = gateway.clientFor('Cpanel')
    await panel.update('onem2m/mqtt-map/pump', { 'cod:binSh': { state: true } })
    await calm()
    assert.deepEqual(board.published, ['plug/pump/set true'])
    board.say('plug/pump/state', 'on')
    await calm()
    assert.equal((await gateway.attributes('mqtt-map/pump'))?.['state'], true)
    board.say('plug/pump/state', 'off')
    await calm()
    assert.equal((await gateway.attributes('mqtt-map/pump'))?.['state'], false)
  })
})
