/** A bridge to a real mosquitto, over TLS with certificates on both sides; it goes away and comes back. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { bridgesOf } from '../../src/appliance/bridge.ts'
import { readConfiguration } from '../../src/appliance/configuration.ts'
import { systemClock } from '../../src/appliance/system-clock.ts'
import { Broker } from '../../src/broker/broker.ts'
import type { Log } from '../../src/onem2m/log.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { TestClient } from '../broker/client.ts'
import { freePort } from '../free-port.ts'
import { Mosquitto, withoutMosquitto } from './mosquitto.ts'

/** An authority, and what it signed for a server and a client. */
function makeCertificates(directory: string): void {
  const openssl = (...parameters: string[]) => execFileSync('openssl', parameters, { cwd: directory, stdio: 'ignore' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=authority')
  for (const name of ['localhost', 'gateway']) {
    writeFileSync(join(directory, `${name}.ext`), `subjectAltName=DNS:${name}\n`)
    openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    const signed = ['-in', `${name}.csr`, '-out', `${name}.pem`, '-extfile', `${name}.ext`]
    openssl('x509', '-req', ...signed, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial')
  }
}

test('over TLS to a mosquitto that restarts: everything arrives there and here, once and in order', {
  skip: withoutMosquitto,
}, async (t) => {
  const upstream = await Mosquitto.prepare(t)
  const { directory } = upstream
  makeCertificates(directory)
  const securePort = await freePort()
  const lines = [
    ...['persistence true', `persistence_location ${directory}/`, `listener ${securePort} localhost`],
    ...['cafile ca.pem', 'certfile localhost.pem', 'keyfile localhost.key', 'require_certificate true'],
  ]
  await upstream.start(lines)

  const file = (name: string) => JSON.stringify(join(directory, name))
  const text = `
    [[bridge.upstream]]
    url = "mqtts://localhost:${securePort}"
    topics = ['data/# out 2 "" site-7/', 'command/# in 2 "" site-7/', "shared both 1"]
    ca_file = ${file('ca.pem')}
    cert_file = ${file('gateway.pem')}
    key_file = ${file('gateway.key')}`
  const { settings, problems } = readConfiguration({ adapters: [], file: { name: 'fieldgate.toml', text } })
  assert.deepEqual(problems, [])
  const notes: string[] = []
  let ups = 0
  let wake = () => {}
  const note = (message: string) => {
    notes.push(message)
    if (message === 'mqtt: bridge up') ups++
    wake()
  }
  const up = async (times: number) => {
    while (ups < times)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
  }
  const log: Log = { debug() {}, info: note, warn: note, error: note }
  const clock = systemClock
  const bridges = bridgesOf(settings).map((bridge) => ({ ...bridge, random: () => 0 }))
  const broker = new Broker({ store: new MemoryStore({ clock }), clock, log, listen: [], bridges })
  await broker.start()
  t.after(() => broker.stop())
  await up(1)

  const above = await TestClient.connect(upstream, 'above', { clean: false })
  await above.subscribe('#', 2)
  const below = await TestClient.connect(broker, 'below')
  await below.subscribe('#', 2)
  const publish = (n: number) =>
    new Promise<void>((resolve, reject) =>
      broker.publish(
        { topic: 'data/n', payload: Buffer.from(String(n)), qos: (n % 2) + 1 === 1 ? 1 : 2, retain: false },
        (error) => (error ? reject(error) : resolve()),
      ),
    )
  for (let n = 0; n < 20; n++) await publish(n)
  await above.until((packet) => packet.cmd === 'publish' && String(packet.payload) === '19')
  await above.publish('site-7/command/go', 'now', 2)
  await below.until((packet) => packet.cmd === 'publish' && packet.topic === 'command/go')
  broker.publish({ topic: 'shared', payload: Buffer.from('from below'), qos: 1, retain: false })
  await above.publish('shared', 'from above', 1)
  await below.until((packet) => packet.cmd === 'publish' && String(packet.payload) === 'from above')

  await upstream.stop()
  for (let n = 20; n < 40; n++) await publish(n)
  await upstream.start(lines)
  const again = await TestClient.connect(upstream, 'above', { clean: false })
  await up(2)
  for (let n = 40; n < 60; n++) await publish(n)
  await again.until((packet) => packet.cmd === 'publish' && String(packet.payload) === '59')
  await again.publish('site-7/command/go', 'again', 2)
  await below.until((packet) => packet.cmd === 'publish' && String(packet.payload) === 'again')

  const numbers = [...above.messages, ...again.messages].flatMap((text) => {
    const [, number] = /^site-7\/data\/n (\d+)$/.exec(text) ?? []
    return number === undefined ? [] : [Number(number)]
  })
  // mosquitto passes a message of QoS 2 on when it is released, so that others overtake it.
  for (const remainder of [0, 1])
    assert.deepEqual(
      numbers.filter((n) => n % 2 === remainder),
      Array.from({ length: 30 }, (_, n) => 2 * n + remainder),
    )
  const shared = (client: TestClient) => client.messages.filter((text) => text.startsWith('shared')).sort()
  assert.deepEqual(shared(below), ['shared from above', 'shared from below'], 'mosquitto knows that a bridge calls')
  assert.deepEqual(shared(above), ['shared from above', 'shared from below'])
  assert.ok(notes.some((text) => text.startsWith('mqtt: bridge down')))
})
