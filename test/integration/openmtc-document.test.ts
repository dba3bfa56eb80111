/**
 * What OpenMTC's document about its MQTT client walks through, step by step, with its own configuration files: a broker, a gateway, a backend, the
 * gateway registered over MQTT, and applications whose endpoint is all that changes between MQTT and HTTP.
 */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect, type JsonObject, type OneM2MClient, OneM2MMQTTClient, OneM2MResponseError } from '../../src/index.ts'
import { openmtcConfiguration } from '../appliance/openmtc-file.ts'
import { freePort } from '../free-port.ts'
import { type GatewayProcess, startGateway } from './gateway-process.ts'
import { startMosquitto, until, withoutMosquitto } from './neighbour-process.ts'

const root = mkdtempSync(join(tmpdir(), 'fieldgate-openmtc-'))
after(() => rmSync(root, { recursive: true, force: true }))

const only = (content: JsonObject): JsonObject => Object.values(content)[0] as JsonObject

for (const [broker, skip] of [
  ['the built-in broker', false],
  ['a mosquitto', withoutMosquitto],
] as const) {
  describe(`the document of OpenMTC's MQTT client, with ${broker}`, { skip, timeout: 60_000 }, () => {
    let mosquitto: ChildProcess | undefined
    let gateway: GatewayProcess
    let backend: GatewayProcess
    /** `localhost:1883` in the document. */
    let place: string
    const http = { gateway: '', backend: '' }
    const clients: OneM2MClient[] = []

    /** A client as the document has them: its endpoint, and who it is. */
    const client = (url: string, originator: string): OneM2MClient => {
      const made = connect(url, { originator, releaseVersionIndicator: '2a' })
      clients.push(made)
      return made
    }

    const start = async (command: 'gateway' | 'backend', mqttPort: number): Promise<GatewayProcess> => {
      const port = await freePort()
      http[command] = `127.0.0.1:${port}`
      const dataDirectory = mkdtempSync(join(root, 'data-'))
      const document = openmtcConfiguration({
        kind: command,
        http: { interface: '127.0.0.1', port },
        mqtt: { interface: 'localhost', port: mqttPort },
        poa: [`mqtt://${place}`],
        ownPoa: [`mqtt://${place}`],
      })
      writeFileSync(join(dataDirectory, `config-${command}.json`), JSON.stringify(document))
      const environment = { FIELDGATE_LOG_LEVEL: 'info', FIELDGATE_ADAPTERS_SYSTEM_ENABLED: 'false' }
      return startGateway({ command, dataDirectory, configuration: `config-${command}.json`, environment })
    }

    before(async () => {
      const port = await freePort()
      place = `localhost:${port}`
      if (broker === 'a mosquitto') mosquitto = startMosquitto(root, port)
      gateway = await start('gateway', port)
      backend = await start('backend', port)
    })
    after(async () => {
      for (const each of clients) await each.close()
      for (const each of [gateway, backend]) if (each?.process.exitCode === null) await each.end('SIGTERM')
      mosquitto?.kill('SIGKILL')
    })

    it('example 8a: a client over MQTT retrieves the CSEBase, which names every way to the CSE', async () => {
      const example = new OneM2MMQTTClient(`mqtt://${place}#mn-cse-1`, { originator: 'CExample' })
      clients.push(example)
      const { csi, poa } = only(await example.retrieve('onem2m'))
      assert.equal(csi, '/mn-cse-1')
      const ways = (poa as readonly string[]).join(' ')
      assert.ok(ways.includes('mqtt://') && ways.includes(`http://${http.gateway}`), ways)
    })

    it('the gateway is registered with the backend via MQTT', async () => {
      const auditor = client(`mqtt://${place}#in-cse-1`, 'CAuditor')
      await until(
        () =>
          auditor.retrieve('onem2m/mn-cse-1').then(
            () => true,
            () => false,
          ),
        'registered',
      )
      const { poa, lbl, csi } = only(await auditor.retrieve('onem2m/mn-cse-1'))
      assert.deepEqual({ poa, lbl, csi }, { poa: [`mqtt://${place}`], lbl: ['openmtc'], csi: '/mn-cse-1' })
      const { csi: above } = only(await client(`mqtt://${place}#mn-cse-1`, 'CAuditor').retrieve('onem2m/in-cse-1'))
      assert.equal(above, '/in-cse-1')
    })

    it('what is created over one protocol is there over the other, and errors are errors', async () => {
      const originator = '//openmtc.org/mn-cse-1/CMixed'
      const overMqtt = client(`mqtt://${place}#mn-cse-1`, originator)
      const overHttp = client(`http://${http.gateway}`, originator)
      await overMqtt.create('onem2m', 2, { 'm2m:ae': { rn: 'mixed', api: 'dummy', rr: true, poa: null, lbl: [] } })
      await overHttp.create('onem2m/mixed', 3, { 'm2m:cnt': { rn: 'c' } })
      assert.equal(only(await overMqtt.retrieve('onem2m/mixed/c'))['rn'], 'c')
      assert.equal(only(await overHttp.retrieve('/mn-cse-1/onem2m/mixed'))['aei'], 'CMixed')
      for (const each of [overMqtt, overHttp]) {
        await assert.rejects(
          each.retrieve('onem2m/absent'),
          (error) => error instanceof OneM2MResponseError && error.responseStatusCode === 4004,
        )
      }
    })

    for (const protocol of ['mqtt', 'http'] as const) {
      it(`the training applications, the one with the window over ${protocol.toUpperCase()} at the backend`, async () => {
        const name = protocol === 'mqtt' ? 'M' : 'H'
        const sensors = client(`mqtt://${place}#mn-cse-1`, `//openmtc.org/mn-cse-1/CTestIPE${name}`)
        await sensors.create('onem2m', 2, { 'm2m:ae': { rn: `TestIPE${name}`, api: 'dummy', rr: true } })
        await sensors.create(`onem2m/TestIPE${name}`, 3, { 'm2m:cnt': { rn: 'devices' } })
        for (const device of ['Temp-1', 'Humi-1']) {
          await sensors.create(`onem2m/TestIPE${name}/devices`, 3, { 'm2m:cnt': { rn: device } })
          const measurements = { rn: 'measurements', lbl: ['measurements', name], mni: 3 }
          await sensors.create(`onem2m/TestIPE${name}/devices/${device}`, 3, { 'm2m:cnt': measurements })
        }

        const originator = `//openmtc.org/in-cse-1/CTestGUI${name}`
        const host = protocol === 'mqtt' ? `mqtt://${place}#in-cse-1` : `http://${http.backend}`
        const window = client(host, originator)
        const shown: string[] = []
        const poa = await window.onNotification(({ subscription, content }) => {
          shown.push(`${subscription} ${only(content)['con']}`)
        })
        const poas = protocol === 'mqtt' ? [`mqtt://${place}`] : [poa]
        await window.create('onem2m', 2, { 'm2m:ae': { rn: `TestGUI${name}`, api: 'dummy', rr: true, poa: poas } })
        const found = await window.discover('/mn-cse-1/onem2m', { labels: [name] })
        assert.deepEqual(
          found.toSorted(),
          ['Humi-1', 'Temp-1'].map((device) => `/mn-cse-1/onem2m/TestIPE${name}/devices/${device}/measurements`),
        )
        for (const address of found) {
          const sub = { rn: 'gui', nu: [originator], su: originator, enc: { net: [3] } }
          await window.create(address, 23, { 'm2m:sub': sub })
        }
        for (const [device, con] of [
          ['Temp-1', '21'],
          ['Humi-1', '55'],
        ] as const)
          await sensors.create(`onem2m/TestIPE${name}/devices/${device}/measurements`, 4, { 'm2m:cin': { con } })
        await until(() => shown.length >= 2, 'both values are shown')
        assert.deepEqual(shown.toSorted(), [
          `/mn-cse-1/onem2m/TestIPE${name}/devices/Humi-1/measurements/gui 55`,
          `/mn-cse-1/onem2m/TestIPE${name}/devices/Temp-1/measurements/gui 21`,
        ])
      })
    }

    it('a clean stop takes the registration back', async () => {
      const auditor = client(`http://${http.backend}`, 'CAuditor')
      assert.equal(await gateway.end('SIGTERM'), 0)
      await assert.rejects(auditor.retrieve('onem2m/mn-cse-1'), /4004/)
    })
  })
}
