/** Adapters in a gateway of its own: plain topics on the real broker, commands back, the state of all at a shell, and the gateway in its own tree. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import mqtt, { type MqttClient } from 'mqtt'
import { runCommandLine } from '../../src/appliance/command-line.ts'
import { until } from '../adapters/machine-tree.ts'
import { type GatewayProcess, startGateway } from './gateway-process.ts'

const configuration = `
[adapters.mqtt-map]
enabled = true
templates = ["tasmota"]
[adapters.csv-replay]
enabled = true
[[adapters.csv-replay.file]]
path = "/nowhere/day.csv"
[adapters.w1]
enabled = true
root = "/nowhere"
[adapters.system]
enabled = false
[adapters.node]
inventory = false
`

describe('the adapters of a running gateway', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fieldgate-sensors-'))
  let gateway: GatewayProcess
  let plug: MqttClient
  before(async () => {
    writeFileSync(join(directory, 'fieldgate.toml'), configuration)
    gateway = await startGateway({ dataDirectory: directory })
    plug = await mqtt.connectAsync(`mqtt://${gateway.mqtt}`, { clientId: 'plug' })
  })
  after(async () => {
    await plug.endAsync()
    await gateway.end('SIGTERM')
    rmSync(directory, { recursive: true, force: true })
  })

  async function type(line: string) {
    const printed: string[] = []
    await runCommandLine(line.split(' '), {
      environment: { FIELDGATE_URL: `http://${gateway.http}` },
      isTerminal: false,
      print: (text) => printed.push(text),
      complain: (text) => printed.push(text),
      readInput: async () => '',
    })
    return printed.join('\n')
  }

  it('map plain topics both ways, beside one that is broken and one that has nothing to read', async () => {
    plug.on('message', (topic, payload) => {
      if (topic === 'cmnd/kettle/POWER') plug.publish('stat/kettle/RESULT', `{"POWER":"${payload}"}`)
    })
    await plug.subscribeAsync('cmnd/kettle/#')
    await plug.publishAsync('tele/kettle/SENSOR', '{"ENERGY":{"Power":41},"TempUnit":"C"}')
    await plug.publishAsync('tele/kettle/STATE', '{"POWER":"OFF"}')
    await until(async () => (await type('sensors list')).includes('kettle/POWER'))
    await type('create onem2m/mqtt-map/kettle/POWER/commands contentInstance con=on')
    await until(async () => (await type('get onem2m/mqtt-map/kettle/POWER/la --value')) === 'true')
    assert.match(await type('get onem2m/mqtt-map/kettle/POWER/command/la --value'), /"state":"confirmed"/)

    const list = await type('sensors list')
    assert.match(list, /^mqtt-map: ok$/m)
    assert.match(list, /^ {2}kettle\/ENERGY\/Power +41 W +\d+ s ago$/m)
    assert.match(list, /^csv-replay: failed: \/nowhere\/day\.csv: ENOENT/m)
    assert.doesNotMatch(list, /w1/)
    const warnings = gateway.events.filter(({ level }) => level === 'warn' || level === 'error')
    assert.deepEqual(
      warnings.map((event) => [event['adapter'], event['part']]),
      [['csv-replay', '/nowhere/day.csv']],
    )
  })

  it('are seen in the node of the gateway, with the clients of the broker', async () => {
    await until(async () => (await type('get onem2m/gateway/deviceInfo')).includes('"dty": "gateway"'))
    assert.match(await type('get onem2m/gateway/software'), /"swn": "fieldgate"/)
    assert.match(await type('set onem2m/gateway/reboot rbo=true'), /4103/)
  })
})
