/** TLS on a real socket: who a certificate says somebody is, certificates that are not good, and certificates that change meanwhile. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { connectAsync, connect as connectMqtt, type IClientOptions, type MqttClient } from 'mqtt'
import { systemClock } from '../../src/appliance/system-clock.ts'
import { Broker, type ConnectAttempt } from '../../src/broker/broker.ts'
import { Listener } from '../../src/broker/listener.ts'
import { createAuthority, type Issued, issue, type KeyPairPem, revoke } from '../../src/security/certificate-issue.ts'
import { TlsIdentity } from '../../src/security/tls-identity.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { silent } from '../bindings/fixture.ts'

const directory = mkdtempSync(join(tmpdir(), 'fieldgate-tls-'))
const files = {
  certificate: join(directory, 'server.pem'),
  key: join(directory, 'server-key.pem'),
  clientAuthority: join(directory, 'ca.pem'),
  revoked: join(directory, 'revoked.pem'),
}
const uri = '//openmtc.org/mn-cse-1/Cpump'
const attempts: ConnectAttempt[] = []
let authority: KeyPairPem
let pump: Issued
let identity: TlsIdentity
let broker: Broker
let port: number
let webSocketPort: number

const server = async (nowMs = Date.now()) => {
  const { certificate, key } = await issue(authority, { commonName: 'here', hosts: ['localhost', '127.0.0.1'] }, nowMs)
  writeFileSync(files.certificate, certificate)
  writeFileSync(files.key, key)
}

before(async () => {
  authority = await createAuthority('an authority', Date.now())
  writeFileSync(files.clientAuthority, authority.certificate)
  await server()
  pump = await issue(authority, { commonName: 'Cpump', uri }, Date.now())
  identity = new TlsIdentity({ files, clientCertificates: 'optional', log: silent })
  broker = new Broker({
    store: new MemoryStore({ clock: systemClock }),
    clock: systemClock,
    log: silent,
    listen: [
      { host: '127.0.0.1', port: 0, tls: identity },
      { host: '127.0.0.1', port: 0, tls: identity, transport: 'websocket' },
    ],
    authority: {
      authenticate(attempt, decided) {
        attempts.push(attempt)
        decided({ principal: undefined })
      },
      mayPublish: () => true,
      mayReceive: () => true,
    },
  })
  ;[port, webSocketPort] = (await broker.start()).map((address) => address.port) as [number, number]
})

after(async () => {
  await broker.stop()
  rmSync(directory, { recursive: true })
})

function connect(options: IClientOptions = {}, url = `mqtts://localhost:${port}`): Promise<MqttClient> {
  return connectAsync(url, { ca: authority.certificate, reconnectPeriod: 0, connectTimeout: 5000, ...options }, false)
}

const urls = () => [`mqtts://localhost:${port}`, `wss://localhost:${webSocketPort}`]

const credentials = ({ certificate, key }: KeyPairPem) => ({ cert: certificate, key })

test('a certificate says which AE somebody is (TS-0003 10.1)', async () => {
  for (const url of urls()) {
    const client = await connect(credentials(pump), url)
    assert.deepEqual(attempts.at(-1)?.certificateUris, [uri])
    await client.endAsync()
  }
})

test('without one somebody is whoever their password says', async () => {
  const client = await connect({ username: 'meter', password: 'secret' })
  assert.deepEqual(attempts.at(-1)?.certificateUris, [])
  assert.equal(attempts.at(-1)?.username, 'meter')
  await client.endAsync()
})

test('a certificate that has expired, or that somebody else has signed, is not taken for one', async () => {
  const stranger = await createAuthority('another', Date.now())
  const expired = await issue(authority, { commonName: 'Cpump', uri }, Date.UTC(2020, 0, 1))
  const foreign = await issue(stranger, { commonName: 'Cpump', uri }, Date.now())
  const seen = attempts.length
  for (const bad of [expired, foreign]) for (const url of urls()) await assert.rejects(connect(credentials(bad), url))
  assert.equal(attempts.length, seen)
})

test('TLS 1.1 is not spoken', async () => {
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    ca: authority.certificate,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
  })
  await assert.rejects(once(socket, 'secureConnect'), /version|protocol/i)
})

test('certificates change while others are connected, and what is revoked is not let in again', async () => {
  const client = await connect(credentials(pump))
  await server()
  writeFileSync(files.revoked, await revoke(authority, [pump.serialNumber], Date.now()))
  identity.reload()
  for (const url of urls()) await assert.rejects(connect(credentials(pump), url))
  const other = await connect(credentials(await issue(authority, { commonName: 'Cmeter', uri }, Date.now())))
  await client.publishAsync('still', 'here', { qos: 1 })
  await other.endAsync()
  await client.endAsync()
})

test('little is read ahead of a connection that is not read from, in pieces as small as they may be', async (t) => {
  const ways = [
    { url: 'mqtt://localhost', point: {} },
    { url: 'mqtts://localhost', point: { tls: identity } },
    { url: 'ws://localhost', point: { transport: 'websocket' } },
    { url: 'wss://localhost', point: { transport: 'websocket', tls: identity } },
  ] as const
  for (const { url, point } of ways) {
    const accepted = Promise.withResolvers<Duplex>()
    const listener = new Listener({
      point: { host: '127.0.0.1', port: 0, ...point },
      clock: systemClock,
      connectTimeoutMs: 10_000,
      maxPacketBytes: 262_144,
      admits: () => true,
      accept: accepted.resolve,
      closedMalformed() {},
      closedOversized() {},
      closedLate() {},
    })
    const address = await listener.start()
    t.after(() => listener.close())
    const client = connectMqtt(`${url}:${'port' in address ? address.port : 0}`, { ca: authority.certificate })
    client.on('error', () => {})
    assert.equal((await accepted.promise).readableHighWaterMark, 1024, url)
    client.end(true)
    listener.destroyConnections()
  }
})
