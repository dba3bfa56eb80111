/** The broker's listeners with a real client: TCP over IPv4 and IPv6, WebSocket, a Unix socket. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import mqtt, { type MqttClient } from 'mqtt'
import { WebSocket } from 'ws'
import { Broker, type BrokerLimits, type ListenPoint } from '../../src/broker/broker.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { ManualClock, silent } from '../bindings/fixture.ts'

async function start(t: test.TestContext, listen: readonly ListenPoint[], limits: Partial<BrokerLimits> = {}) {
  const clock = new ManualClock()
  const broker = new Broker({ store: new MemoryStore({ clock }), clock, log: silent, listen, limits })
  t.after(() => broker.stop())
  return { broker, clock, addresses: await broker.start() }
}

/** Resolves when the other end has closed a connection on which nothing was said. */
const closedBy = (port: number) =>
  new Promise<void>((resolve) =>
    connect({ port, host: '127.0.0.1' })
      .on('error', () => {})
      .once('close', resolve)
      .resume(),
  )

/** Sends itself a message larger than what is written at once. */
async function converse(client: MqttClient): Promise<void> {
  try {
    if (!client.connected) await new Promise((resolve, reject) => client.once('connect', resolve).once('error', reject))
    await client.subscribeAsync('t', { qos: 1 })
    const heard = new Promise<string>((resolve) =>
      client.once('message', (_topic, payload) => resolve(String(payload))),
    )
    const payload = 'x'.repeat(100_000)
    await client.publishAsync('t', payload, { qos: 1 })
    assert.equal(await heard, payload)
  } finally {
    await client.endAsync(true)
  }
}

test('TCP over IPv4, and over IPv6 where there is any', async (t) => {
  const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))
  const hosts = hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']
  const { addresses } = await start(
    t,
    hosts.map((host) => ({ host, port: 0 })),
  )
  assert.equal(addresses.length, hosts.length)
  for (const { host, port } of addresses) await converse(mqtt.connect({ host, port, protocol: 'mqtt' }))
})

test('WebSocket with the subprotocol mqtt', async (t) => {
  const { addresses } = await start(t, [{ host: '127.0.0.1', port: 0, transport: 'websocket' }])
  const url = `ws://127.0.0.1:${addresses[0]?.port}/mqtt`
  await converse(mqtt.connect(url))
  const refused = (protocols: string[], origin?: string) =>
    new Promise((resolve, reject) => {
      const webSocket = new WebSocket(url, protocols, origin === undefined ? {} : { origin })
      webSocket.once('open', () => reject(new Error('let in'))).once('error', resolve)
    })
  await refused(['chat'])
  await refused([])
  await refused(['mqtt'], 'https://elsewhere.example')
})

test('a socket too many is closed as it comes, also one that has not said what it is', async (t) => {
  const limits = { maxConnections: 1, maxConnecting: 1 }
  const { broker, addresses } = await start(t, [{ host: '127.0.0.1', port: 0, transport: 'websocket' }], limits)
  const port = addresses[0]?.port ?? 0
  const silentOnes = [0, 1].map(() => connect({ port, host: '127.0.0.1' }))
  await closedBy(port)
  assert.equal(broker.statistics.refusedConnections, 1)
  for (const socket of silentOnes) socket.destroy()
})

test('who does not ask for a WebSocket in time is closed; who has one stays', async (t) => {
  const { clock, addresses } = await start(t, [{ host: '127.0.0.1', port: 0, transport: 'websocket' }])
  const port = addresses[0]?.port ?? 0
  const client = mqtt.connect(`ws://127.0.0.1:${port}/mqtt`)
  await new Promise((resolve) => client.once('connect', resolve))
  const slow = connect({ port, host: '127.0.0.1' })
  slow.on('error', () => {}).write('GET /mqtt HTTP/1.1\r\n')
  const closed = new Promise((resolve) => slow.once('close', resolve))
  while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve))
  clock.advance(10_000)
  await closed
  await converse(client)
})

test('a WebSocket that is refused, and goes on with what is none, is closed and no more', async (t) => {
  const { broker, addresses } = await start(t, [{ host: '127.0.0.1', port: 0, transport: 'websocket' }], {
    maxConnections: 0,
  })
  const socket = connect({ port: addresses[0]?.port ?? 0, host: '127.0.0.1' })
    .on('error', () => {})
    .resume()
  const request = [
    'GET /mqtt HTTP/1.1',
    'Host: here',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: mqtt',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ]
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(Buffer.concat([Buffer.from(`${request.join('\r\n')}\r\n\r\n`), Buffer.alloc(100, 0xff)]))
  await closed
  assert.equal(broker.statistics.refusedConnections, 1)
})

test('a WebSocket that speaks in text is closed [MQTT-6.0.0-1]', async (t) => {
  const { broker, addresses } = await start(t, [{ host: '127.0.0.1', port: 0, transport: 'websocket' }])
  const client = new WebSocket(`ws://127.0.0.1:${addresses[0]?.port}/mqtt`, 'mqtt')
  const closed = new Promise((resolve) => client.once('close', resolve))
  const received: unknown[] = []
  client.on('message', (data) => received.push(data))
  client.once('open', () => {
    // A whole CONNECT, which is UTF-8 as it happens.
    client.send(Buffer.from([0x10, 0x0d, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 1, 97]).toString())
  })
  await closed
  assert.deepEqual(received, [])
  assert.equal(broker.statistics.closedMalformed, 1)
})

test('a message of a WebSocket may be as large as a packet, and is not collected from any number of pieces', async (t) => {
  const point = { host: '127.0.0.1', port: 0, transport: 'websocket' as const }
  const { broker, addresses } = await start(t, [point], { maxPacketBytes: 3_000_000, maxByteRate: 1e9 })
  const url = `ws://127.0.0.1:${addresses[0]?.port}/mqtt`
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 })
  await client.publishAsync('t', Buffer.alloc(2_900_000), { qos: 1 })
  await client.endAsync(true)
  const sentBy = async (send: (socket: WebSocket) => void): Promise<void> => {
    const socket = new WebSocket(url, 'mqtt')
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await new Promise((resolve) => socket.once('open', resolve))
    send(socket)
    await closed
  }
  await sentBy((socket) => socket.send(Buffer.alloc(3_000_001)))
  assert.equal(broker.statistics.closedOversized, 1)
  await sentBy((socket) => {
    for (let piece = 0; piece < 2000; piece++) socket.send(Buffer.of(0), { fin: false })
  })
  assert.equal(broker.statistics.closedMalformed, 1)
})

test('a Unix socket, also where a process that was killed left one', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'fieldgate-socket-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'mqtt.sock')
  const abandoned = createServer()
  await new Promise<void>((resolve) => abandoned.listen(path, resolve))
  await assert.rejects(start(t, [{ path }]), { code: 'EADDRINUSE' }, 'one that is in use is left alone')
  // Closed under another name, it stays as that of a process that was killed does.
  const moved = join(directory, 'moved.sock')
  renameSync(path, moved)
  await new Promise((resolve) => abandoned.close(resolve))
  renameSync(moved, path)
  const { addresses } = await start(t, [{ path }])
  assert.deepEqual(addresses, [])
  await converse(mqttOver(path))
})

test('a file that is no socket is not taken away', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'fieldgate-socket-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'notes.txt')
  writeFileSync(path, 'years of work')
  await assert.rejects(start(t, [{ path }]), { code: 'EADDRINUSE' })
  assert.equal(readFileSync(path, 'utf8'), 'years of work')
})

function mqttOver(path: string): MqttClient {
  return new mqtt.MqttClient(() => connect(path), { protocol: 'mqtt', clientId: 'unix', reconnectPeriod: 0 } as never)
}
