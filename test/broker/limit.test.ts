/** Every bound of the broker: what happens at it, that it is counted, and that the log says so. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { readConfiguration } from '../../src/appliance/configuration.ts'
import { limitsOf } from '../../src/appliance/part/mqtt.ts'
import { Broker, type BrokerLimits, defaultBrokerLimits } from '../../src/broker/broker.ts'
import type { Log } from '../../src/onem2m/log.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { ManualClock, silent } from '../bindings/fixture.ts'
import { settle, TestClient } from './client.ts'

async function bounded(t: test.TestContext, limits: Partial<BrokerLimits>) {
  const clock = new ManualClock()
  const lines: string[] = []
  const note = (message: string, fields?: object) => lines.push(`${message} ${JSON.stringify(fields ?? {})}`)
  const log: Log = { debug() {}, info: note, warn: note, error: note }
  const broker = new Broker({ store: new MemoryStore({ clock }), clock, log, listen: [], limits })
  await broker.start()
  t.after(() => broker.stop())
  return { broker, clock, lines }
}

const text = (n: number, bytes = 10) => Buffer.from(String(n).padEnd(bytes, '.'))

test('connections beyond the bound are closed as they come; one that goes makes room', async (t) => {
  const { broker, lines } = await bounded(t, { maxConnections: 2 })
  const first = await TestClient.connect(broker, 'a')
  await TestClient.connect(broker, 'b')
  await assert.rejects(TestClient.connect(broker, 'c'), /closed/)
  assert.equal(broker.statistics.refusedConnections, 1)
  assert.match(lines.join(), /mqtt\.max_connections/)
  first.disconnect()
  await first.closed()
  await settle()
  await TestClient.connect(broker, 'c')
})

test('connections that do not say CONNECT are bounded apart from the others', async (t) => {
  const { broker } = await bounded(t, { maxConnecting: 2 })
  for (const name of ['a', 'b', 'c']) {
    await TestClient.connect(broker, name)
    await settle()
  }
  const extra = await TestClient.connect(broker, 'extra')
  await settle()
  const silent = [new TestClient(broker), new TestClient(broker)]
  await assert.rejects(TestClient.connect(broker, 'd'), /closed/)
  // Connections that are complete do not count, nor when they end.
  extra.drop()
  await settle()
  await assert.rejects(TestClient.connect(broker, 'd'), /closed/)
  silent[0]?.drop()
  await settle()
  await TestClient.connect(broker, 'd')
})

test('retained messages are bounded in number and in bytes; a message beyond is delivered, not retained', async (t) => {
  const { broker, lines } = await bounded(t, { maxRetainedMessages: 3, maxRetainedBytes: 60 })
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('#')
  const retain = (topic: string, bytes: number) =>
    broker.publish({ topic, payload: text(1, bytes), qos: 0, retain: true })
  for (const topic of ['a', 'b', 'c', 'd']) retain(topic, 10)
  assert.equal(broker.retainedMessages, 3)
  retain('a', 50)
  retain('b', 20)
  await settle()
  assert.equal(reader.messages.length, 6)
  assert.equal(broker.statistics.refusedRetained, 2, 'd as one too many, a as too large')
  assert.match(lines.join(), /mqtt\.max_retained/)
  broker.publish({ topic: 'c', payload: Buffer.alloc(0), qos: 0, retain: true })
  retain('d', 10)
  assert.equal(broker.retainedMessages, 3)
})

test('a queue is bounded in number and in bytes: what comes when it is full is dropped, what waits stays', async (t) => {
  for (const limits of [{ maxQueuedMessages: 4 }, { maxQueuedBytes: 40 }]) {
    const { broker, lines } = await bounded(t, limits)
    const sleeper = await TestClient.connect(broker, 'sleeper', { clean: false })
    await sleeper.subscribe('t', 1)
    sleeper.disconnect()
    await sleeper.closed()
    await settle()
    for (let n = 0; n < 6; n++) broker.publish({ topic: 't', payload: text(n), qos: 1, retain: false })
    assert.equal(broker.statistics.overflowedMessages, 2)
    assert.match(lines.join(), /mqtt\.max_queued/)
    const awake = await TestClient.connect(broker, 'sleeper', { clean: false })
    await settle()
    assert.deepEqual(
      awake.messages,
      [0, 1, 2, 3].map((n) => `t ${text(n)}`),
    )
    for (let n = 6; n < 10; n++) broker.publish({ topic: 't', payload: text(n), qos: 1, retain: false })
    await settle()
    assert.equal(awake.messages.length, 8, 'what was acknowledged made room')
  }
})

test('sessions that nobody comes back to end: by age, and the oldest first when there are too many', async (t) => {
  const { broker, clock } = await bounded(t, { maxSessions: 3, sessionExpiryMs: 60_000 })
  const visit = async (name: string) => {
    const client = await TestClient.connect(broker, name, { clean: false })
    client.disconnect()
    await client.closed()
    await settle()
    return client.sessionPresent
  }
  for (const name of ['a', 'b', 'c']) {
    await visit(name)
    clock.advance(10_000)
  }
  assert.equal(await visit('a'), true)
  assert.equal(await visit('d'), false)
  assert.equal(broker.statistics.endedSessions, 1)
  assert.equal(await visit('b'), false, 'it had been away for longest')
  clock.advance(59_000)
  assert.equal(await visit('a'), true)
  clock.advance(2_000)
  assert.equal(await visit('a'), true, 'its time began anew')
  assert.equal(await visit('d'), false)
})

test('QoS 2 messages that wait for their PUBREL are bounded', async (t) => {
  const { broker } = await bounded(t, { maxInflightInbound: 3 })
  const writer = await TestClient.connect(broker, 'writer')
  writer.acknowledges = false
  for (let n = 0; n < 3; n++) writer.send(writer.publication('t', String(n), 2))
  await settle()
  assert.equal(writer.isOpen, true)
  writer.send(writer.publication('t', 'one too many', 2))
  await writer.closed()
})

test('topics are bounded in levels and bytes', async (t) => {
  const { broker } = await bounded(t, { maxTopicLevels: 3, maxTopicBytes: 20 })
  const client = await TestClient.connect(broker, 'client')
  assert.equal(await client.subscribe('a/b/#'), 0)
  assert.equal(await client.subscribe('a/b/c/d'), 128)
  assert.equal(await client.subscribe('ü'.repeat(11)), 128)
  client.send(client.publication('a/b/c/d', 'x'))
  await client.closed()
  const other = await TestClient.connect(broker, 'other')
  other.send(other.publication('ü'.repeat(11), 'x'))
  await other.closed()
})

test('retained messages of any number reach a reader as fast as it reads', async (t) => {
  const { broker } = await bounded(t, { slowConsumerDropBytes: 65_536 })
  for (let n = 0; n < 2000; n++)
    broker.publish({ topic: `r/${n}`, payload: text(n, 1000), qos: (n % 2) as 0, retain: true })
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('#', 1)
  while (reader.messages.length < 2000) {
    const before = reader.messages.length
    await settle(100)
    assert.ok(reader.messages.length > before, `stopped at ${before}`)
  }
  assert.equal(broker.statistics.droppedMessages, 0)
})

test('a reader that hangs costs what the bounds say, and its neighbours nothing', async (t) => {
  const { broker, lines } = await bounded(t, { slowConsumerDropBytes: 65_536, slowConsumerCloseBytes: 262_144 })
  const readers = await Promise.all(['frozen', 'r1', 'r2'].map((name) => TestClient.connect(broker, name)))
  for (const reader of readers) await reader.subscribe('load', 1)
  const [frozen, ...others] = readers
  frozen?.freeze()
  const writer = await TestClient.connect(broker, 'writer')
  for (let n = 0; n < 300; n++) {
    writer.send(writer.publication('load', 'x'.repeat(2000), (n % 2) as 0))
    await settle(2)
  }
  await settle(20)
  for (const reader of others) assert.equal(reader.messages.length, 300)
  assert.equal(broker.statistics.closedSlow, 1)
  assert.ok(broker.statistics.droppedMessages > 10)
  assert.match(lines.join('\n'), /messages dropped[\s\S]*connection closed/)
})

test('a reader of QoS 1 alone that hangs is closed as well, though its queue is full long before', async (t) => {
  const limits = { slowConsumerDropBytes: 65_536, slowConsumerCloseBytes: 200_000, maxQueuedMessages: 5 }
  const { broker } = await bounded(t, limits)
  const frozen = await TestClient.connect(broker, 'frozen')
  await frozen.subscribe('load', 1)
  frozen.freeze()
  for (let n = 0; n < 300 && broker.statistics.closedSlow === 0; n++) {
    broker.publish({ topic: 'load', payload: text(n, 2000), qos: 1, retain: false })
    await settle(1)
  }
  assert.equal(broker.statistics.closedSlow, 1)
})

test('every bound has a key, with the default that the broker has by itself', () => {
  const { settings } = readConfiguration({ adapters: [] })
  assert.deepEqual(limitsOf(settings.mqtt), defaultBrokerLimits)
})

test('what waits for all clients together is bounded, and what goes makes room', async (t) => {
  const { broker, lines } = await bounded(t, { maxQueuedTotalBytes: 10_000 })
  for (const name of ['a', 'b', 'c']) {
    const sleeper = await TestClient.connect(broker, name, { clean: false })
    await sleeper.subscribe('x', 1)
    sleeper.disconnect()
    await sleeper.closed()
  }
  for (let n = 0; n < 4; n++) broker.publish({ topic: 'x', payload: text(n, 1000), qos: 1, retain: false })
  assert.equal(broker.statistics.overflowedMessages, 12 - 7)
  assert.match(lines.join(), /max_queued_total_size/)
  // One comes back and reads, another one starts anew: both leave room.
  const awake = await TestClient.connect(broker, 'a', { clean: false })
  await settle(20)
  assert.equal(awake.messages.length, 3)
  await TestClient.connect(broker, 'b')
  await settle()
  broker.statistics.overflowedMessages = 0
  for (let n = 0; n < 4; n++) {
    broker.publish({ topic: 'x', payload: text(n, 1000), qos: 1, retain: false })
    await settle(20)
  }
  assert.equal(broker.statistics.overflowedMessages, 0)
})

test('a connection that is closed over a bound, or because it breaks the protocol, is counted, and the log says why', async (t) => {
  const { broker, lines } = await bounded(t, { maxTopicBytes: 100 })
  const wordy = await TestClient.connect(broker, 'wordy')
  wordy.send(wordy.publication('x'.repeat(101), ''))
  await wordy.closed()
  assert.equal(broker.statistics.closedBeyondBound, 1)
  const rude = new TestClient(broker)
  rude.sendRaw(Buffer.from([0, 0]))
  await rude.closed()
  assert.equal(broker.statistics.closedMalformed, 1)
  assert.deepEqual(
    lines.map((line) => line.replace(/ \{.*/, '').replace(/.*: /, '')),
    ['a client went beyond a bound', 'a client broke the protocol'],
  )
})

test('what is kept takes no more memory than it has bytes, however much passes beside it', async (t) => {
  const clock = new ManualClock()
  // A disk, as far as memory is concerned.
  const data = Object.assign(new Map<string, Uint8Array>(), { set: () => data })
  const broker = new Broker({ store: new MemoryStore({ clock, data }), clock, log: silent, listen: [] })
  await broker.start()
  t.after(() => broker.stop())
  const client = await TestClient.connect(broker, 'client')
  const away = await TestClient.connect(broker, 'away', { clean: false })
  await away.subscribe('queued/#', 1)
  away.disconnect()
  await away.closed()
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const held = () => {
    collect()
    return process.memoryUsage().arrayBuffers
  }
  const before = held()
  for (let n = 0; n < 300; n++) {
    // Each in a slab of its own, were it cut out of one.
    for (let small = 0; small < 140; small++) Buffer.from(text(small, 500))
    await client.publish(`retained/${n}`, String(n).padEnd(500), 1, { retain: true })
    await client.publish(`queued/${n}`, String(n).padEnd(500), 1)
    broker.send({ topic: `parked/${n}`, payload: String(n).padEnd(500), qos: 1, parkMs: 1000 })
  }
  const heldBytes = held() - before
  assert.ok(heldBytes < 5_000_000, `${heldBytes} bytes are held for ${3 * 300 * 500}`)
})

test('loads are averages of what a counter gained a minute, though nothing is counted in between', async (t) => {
  const { broker, clock } = await bounded(t, {})
  const client = await TestClient.connect(broker, 'client')
  const loads = async () => {
    await client.subscribe('$SYS/broker/load/publish/received/+')
    await settle()
    return client.heard.splice(0).flatMap((packet) => (packet.cmd === 'publish' ? [Number(packet.payload)] : []))
  }
  clock.advance(60_000)
  await loads()
  for (let n = 0; n < 60; n++) client.send(client.publication('x', 'x'))
  await settle()
  clock.advance(60_000)
  const [one = 0, five = 0, fifteen = 0] = await loads()
  assert.equal(one.toFixed(1), (60 * (1 - Math.exp(-1))).toFixed(1))
  assert.equal(five.toFixed(1), (60 * (1 - Math.exp(-1 / 5))).toFixed(1))
  assert.equal(fifteen.toFixed(1), (60 * (1 - Math.exp(-1 / 15))).toFixed(1))
})

test('$SYS topics have the names of mosquitto, and nothing is published while nobody asks', async (t) => {
  const { broker, clock } = await bounded(t, {})
  const monitor = await TestClient.connect(broker, 'monitor')
  await monitor.subscribe('#')
  const client = await TestClient.connect(broker, 'client')
  await client.subscribe('$SYS/broker/clients/+')
  await client.subscribe('$SYS/broker/bounds/refusedConnections')
  await settle()
  assert.ok(client.messages.includes('$SYS/broker/bounds/refusedConnections 0'))
  assert.ok(client.messages.includes('$SYS/broker/clients/connected 2'))
  assert.ok(client.messages.includes('$SYS/broker/clients/maximum 2'))
  const { length } = client.messages
  clock.advance(10_000)
  await settle()
  client.heard.splice(0)
  clock.advance(10_000)
  await settle()
  assert.equal(client.messages.length, 0, `nothing has changed since the first ${length}`)
  await TestClient.connect(broker, 'another')
  clock.advance(10_000)
  await settle()
  assert.ok(client.messages.includes('$SYS/broker/clients/connected 3'))
  client.send(client.publication('$SYS/broker/uptime', 'for ever', 1))
  await client.until((packet) => packet.cmd === 'puback')
  client.drop()
  await settle()
  clock.advance(20_000)
  await settle()
  assert.deepEqual(monitor.messages, [], 'a wildcard at the start does not match them')
  assert.equal(clock.pending, 0, 'no timer is left')
})

test('a reader that acknowledges nothing is closed when it is that far behind; a slow one is not', async (t) => {
  const { broker } = await bounded(t, { maxInflight: 2, maxQueuedMessages: 4, slowConsumerCloseBytes: 20_000 })
  const deaf = await TestClient.connect(broker, 'deaf')
  await deaf.subscribe('x', 1)
  deaf.acknowledges = false
  const slow = await TestClient.connect(broker, 'slow')
  await slow.subscribe('x', 1)
  for (let n = 0; n < 40; n++) {
    broker.publish({ topic: 'x', payload: text(n, 1000), qos: (n % 2) as 0, retain: false })
    if (n % 8 === 0) await settle()
  }
  await settle()
  assert.equal(deaf.isOpen, false)
  assert.equal(slow.isOpen, true)
  assert.equal(broker.statistics.closedSlow, 1)
})
