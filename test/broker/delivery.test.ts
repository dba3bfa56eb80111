import assert from 'node:assert/strict'
import test from 'node:test'
import { defaultBrokerLimits } from '../../src/broker/limits.ts'
import { StoreError } from '../../src/store/store.ts'
import { settle, startBroker, TestClient } from './client.ts'

test('messages arrive in order, at the QoS granted, once however many subscriptions match', async () => {
  const { broker } = await startBroker()
  const reader = await TestClient.connect(broker, 'reader')
  assert.equal(await reader.subscribe('a/#', 1), 1)
  assert.equal(await reader.subscribe('a/b', 0), 0)
  const writer = await TestClient.connect(broker, 'writer')
  const packets = Array.from({ length: 30 }, (_, n) => writer.publication('a/b', `m${n}`, (n % 3) as 0))
  writer.send(...packets)
  await settle(40)
  const published = reader.heard.flatMap((packet) => (packet.cmd === 'publish' ? [packet] : []))
  assert.deepEqual([...new Set(reader.messages)].length, 30)
  assert.equal(published.length, 30)
  assert.ok(
    published.every(({ qos }) => qos <= 1),
    'a wildcard subscription of QoS 1 never receives QoS 2',
  )
  assert.deepEqual(
    reader.messages,
    Array.from({ length: 30 }, (_, n) => `a/b m${n}`),
  )
})

test('what waits for the disk, or for room in the window, is not overtaken by what does not have to', async () => {
  const { broker, store } = await startBroker({ limits: { maxInflight: 4 } })
  const reader = await TestClient.connect(broker, 'reader', { clean: false })
  await reader.subscribe('a', 2)
  const writer = await TestClient.connect(broker, 'writer')
  store.hold()
  const texts = Array.from({ length: 30 }, (_, n) => String(n))
  writer.send(...texts.map((text, n) => writer.publication('a', text, ((29 - n) % 3) as 0)))
  await settle()
  assert.deepEqual(reader.messages, [], 'the first is one of QoS 2')
  store.release()
  await settle(60)
  assert.deepEqual(
    reader.messages,
    texts.map((text) => `a ${text}`),
  )
})

test('what was in flight before a restart comes again in its order, whatever the disk knows of it', async () => {
  const first = await startBroker({ limits: { maxInflight: 3 } })
  const sleeper = await TestClient.connect(first.broker, 'sleeper', { clean: false })
  await sleeper.subscribe('n', 2)
  sleeper.drop()
  const writer = await TestClient.connect(first.broker, 'writer')
  for (const [n, qos] of ([1, 2, 1, 2, 1] as const).entries()) await writer.publish('n', String(n), qos)
  await TestClient.connect(first.broker, 'sleeper', { clean: false, acknowledges: false })
  await settle()
  await first.store.flush()
  const second = await startBroker({ store: first.store })
  const awake = await TestClient.connect(second.broker, 'sleeper', { clean: false })
  await settle(30)
  assert.deepEqual(awake.messages, ['n 0', 'n 1', 'n 2', 'n 3', 'n 4'])
  const isDuplicate = awake.heard.flatMap((packet) => (packet.cmd === 'publish' ? [packet.dup] : []))
  assert.deepEqual(isDuplicate.slice(0, 2), [true, true], 'they were sent before')
  assert.deepEqual(isDuplicate.slice(3), [false, false], 'the window did not reach them')
})

test('in-process publishers: QoS 1 and QoS 0 in the same tick, none lost', async () => {
  const { broker } = await startBroker()
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('x/+', 1)
  for (let n = 0; n < 100; n++) {
    broker.publish({ topic: 'x/1', payload: Buffer.from(`one ${n}`), qos: 1, retain: false })
    broker.publish({ topic: 'x/0', payload: Buffer.from(`zero ${n}`), qos: 0, retain: false })
  }
  await settle(20)
  assert.equal(reader.messages.length, 200)
})

test('two writers back to back, with an offline persistent subscriber: the online one gets all of both', async () => {
  const { broker } = await startBroker()
  const sleeper = await TestClient.connect(broker, 'sleeper', { clean: false })
  await sleeper.subscribe('w/#', 1)
  sleeper.disconnect()
  await sleeper.closed()
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('w/#', 1)
  const writers = await Promise.all(['w1', 'w2'].map((name) => TestClient.connect(broker, name)))
  await Promise.all(
    writers.flatMap((writer, index) =>
      Array.from({ length: 100 }, (_, n) => writer.publish(`w/${index}`, String(n), 1)),
    ),
  )
  await settle()
  assert.equal(reader.messages.length, 200)
  const awake = await TestClient.connect(broker, 'sleeper', { clean: false })
  await settle(600)
  assert.equal(awake.messages.length, 200)
  for (const writer of [0, 1])
    assert.deepEqual(
      awake.messages.filter((text) => text.startsWith(`w/${writer} `)),
      Array.from({ length: 100 }, (_, n) => `w/${writer} ${n}`),
    )
})

test('a QoS 2 message and its duplicate in one chunk are one message [MQTT-4.3.3-2]', async () => {
  const { broker } = await startBroker()
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('q', 2)
  const writer = await TestClient.connect(broker, 'writer')
  const packet = writer.publication('q', 'once', 2)
  writer.send(packet, { ...packet, dup: true } as typeof packet)
  await writer.until((heard) => heard.cmd === 'pubcomp')
  await settle()
  assert.deepEqual(reader.messages, ['q once'])
})

test('a client that sends thousands of QoS 2 messages before it reads one answer keeps its connection, and each arrives once', async () => {
  const { broker } = await startBroker({
    limits: { ...defaultBrokerLimits, maxQueuedMessages: 10_000, slowConsumerDropBytes: 10_000_000 },
  })
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('t', 2)
  const writer = await TestClient.connect(broker, 'writer')
  writer.send(...Array.from({ length: 5000 }, (_, n) => writer.publication('t', String(n), 2)))
  const isDone = () => writer.heard.filter(({ cmd }) => cmd === 'pubcomp').length === 5000
  while (!isDone() && writer.isOpen) await settle()
  assert.deepEqual(
    reader.messages,
    Array.from({ length: 5000 }, (_, n) => `t ${n}`),
  )
})

test('a frozen reader does not hold up its neighbours: it loses QoS 0, then its connection', async () => {
  const { broker } = await startBroker()
  const frozen = await TestClient.connect(broker, 'frozen')
  await frozen.subscribe('load', 1)
  frozen.freeze()
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('load', 1)
  const writer = await TestClient.connect(broker, 'writer')
  const payload = 'x'.repeat(4000)
  for (let n = 0; n < 40; n++) {
    writer.send(writer.publication('load', payload, 0))
    await settle(4)
  }
  assert.equal(reader.messages.length, 40)
  assert.ok(broker.statistics.droppedMessages > 0, 'QoS 0 is dropped first')
  assert.equal(broker.statistics.closedSlow, 0)
  for (let n = 0; n < 80; n++) await writer.publish('load', payload, 1)
  await settle(20)
  assert.equal(broker.statistics.closedSlow, 1)
  assert.equal(reader.messages.length, 120)
  assert.equal(broker.connectedClients, 2)
})

test('a packet that announces too much is refused at its header', async () => {
  const { broker } = await startBroker({ limits: { maxPacketBytes: 10_000 } })
  const writer = await TestClient.connect(broker, 'writer')
  await writer.publish('ok', 'x'.repeat(9000), 1)
  writer.send(writer.publication('too/large', 'x'.repeat(10_001), 1))
  await writer.closed()
  assert.equal(broker.statistics.closedOversized, 1)
})

test('a session that is kept needs a client identifier [MQTT-3.1.3-8]', async () => {
  const { broker } = await startBroker()
  const nameless = new TestClient(broker)
  nameless.sendRaw(Buffer.from([0x10, 12, 0, 4, ...Buffer.from('MQTT'), 4, 0, 0, 0, 0, 0]))
  const connack = await nameless.until((packet) => packet.cmd === 'connack')
  assert.equal((connack as { returnCode?: number }).returnCode, 2)
  await nameless.closed()
  assert.equal((await TestClient.connect(broker, '')).isOpen, true)
})

test('offline queueing survives other subscriptions of the same session coming and going', async () => {
  const { broker } = await startBroker()
  const sleeper = await TestClient.connect(broker, 'sleeper', { clean: false })
  await sleeper.subscribe('x/#', 1)
  await sleeper.subscribe('x/y', 0)
  await sleeper.subscribe('#', 1)
  sleeper.send({ cmd: 'unsubscribe', messageId: 99, unsubscriptions: ['#'] })
  await sleeper.until((packet) => packet.cmd === 'unsuback')
  sleeper.disconnect()
  await sleeper.closed()
  const writer = await TestClient.connect(broker, 'writer')
  await writer.publish('x/z', 'kept', 1)
  await writer.publish('other', 'not subscribed', 1)
  const awake = await TestClient.connect(broker, 'sleeper', { clean: false })
  await settle()
  assert.equal(awake.sessionPresent, true)
  assert.deepEqual(awake.messages, ['x/z kept'])
})

test('PUBACK for a retained message, or one for a persistent session, waits for the disk; others do not', async () => {
  const { broker, store } = await startBroker()
  const sleeper = await TestClient.connect(broker, 'sleeper', { clean: false })
  await sleeper.subscribe('kept/#', 1)
  const writer = await TestClient.connect(broker, 'writer')
  store.hold()
  let acknowledged = 0
  const count = () => acknowledged++
  const waiting = [
    writer.publish('kept/x', 'queued', 1).then(count),
    writer.publish('state', 'on', 1, { retain: true }).then(count),
    writer.publish('state2', 'on', 2, { retain: true }).then(count),
  ]
  await writer.publish('plain', 'for nobody', 1)
  await settle()
  assert.equal(acknowledged, 0)
  assert.deepEqual(sleeper.messages, ['kept/x queued'], 'readers need not wait')
  store.release()
  await Promise.all(waiting)
})

test('what could not be stored is not acknowledged, not kept, and its writer is disconnected to send it again', async () => {
  const { broker, store } = await startBroker()
  const writer = await TestClient.connect(broker, 'writer')
  await writer.publish('state', 'before', 1, { retain: true })
  store.fail(new StoreError('full', 'the disk is full'))
  await assert.rejects(writer.publish('state', 'lost', 1, { retain: true }), /closed/)
  assert.equal(broker.statistics.notStored, 1)
  store.heal()
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('state')
  await settle()
  assert.deepEqual(reader.messages, ['state before'])
})

test('retained messages and sessions are there after a restart, queues in order', async () => {
  const first = await startBroker()
  const sleeper = await TestClient.connect(first.broker, 'sleeper', { clean: false })
  await sleeper.subscribe('n/#', 2)
  sleeper.disconnect()
  await sleeper.closed()
  const writer = await TestClient.connect(first.broker, 'writer')
  for (let n = 0; n < 20; n++) await writer.publish('n/1', String(n), ((n % 2) + 1) as 1)
  await writer.publish('état/ü', 'an', 1, { retain: true })
  // The last one that there can be.
  await writer.publish('\u{10ffff}\u{10ffff}', 'far', 1, { retain: true })
  await first.broker.stop()
  await first.store.flush()
  const second = await startBroker({ store: first.store })
  assert.equal(second.broker.retainedMessages, 2)
  const awake = await TestClient.connect(second.broker, 'sleeper', { clean: false })
  await awake.subscribe('état/+', 0)
  await settle(30)
  assert.deepEqual(
    awake.messages.filter((text) => text.startsWith('n/1')),
    Array.from({ length: 20 }, (_, n) => `n/1 ${n}`),
  )
  assert.ok(awake.messages.includes('état/ü an'))
  const again = await TestClient.connect(second.broker, 'sleeper', { clean: false })
  await settle(20)
  assert.deepEqual(again.messages, [], 'what was acknowledged does not come again')
})

test('bursts of retained messages: a subscriber sees every one', async () => {
  const { broker } = await startBroker()
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('r')
  const writer = await TestClient.connect(broker, 'writer')
  for (let burst = 0; burst < 8; burst++)
    writer.send(...Array.from({ length: 100 }, (_, n) => writer.publication('r', `${burst}.${n}`, 0, { retain: true })))
  await settle(40)
  assert.equal(reader.messages.length, 800)
})

test('a will is published when a connection breaks, and not when it is ended', async () => {
  const { broker } = await startBroker()
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('will/#')
  const will = (name: string) => ({
    topic: `will/${name}`,
    payload: Buffer.from('gone'),
    qos: 1 as const,
    retain: false,
  })
  const broken = await TestClient.connect(broker, 'broken', { will: will('broken') })
  const ended = await TestClient.connect(broker, 'ended', { will: will('ended') })
  ended.disconnect()
  broken.drop()
  await settle(20)
  assert.deepEqual(reader.messages, ['will/broken gone'])
})

test('a second connection with the same client identifier takes over [MQTT-3.1.4-2]', async () => {
  const { broker } = await startBroker()
  const first = await TestClient.connect(broker, 'same')
  const second = await TestClient.connect(broker, 'same')
  await first.closed()
  assert.equal(second.isOpen, true)
  assert.equal(broker.connectedClients, 1)
})

test('wildcards at the start do not match $ topics [MQTT-4.7.2-1]', async () => {
  const { broker } = await startBroker()
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('#')
  await reader.subscribe('+/x')
  broker.publish({ topic: '$other/x', payload: Buffer.from('hidden'), qos: 0, retain: true })
  broker.publish({ topic: 'a/x', payload: Buffer.from('seen'), qos: 0, retain: false })
  await TestClient.connect(broker, 'another')
  await settle()
  assert.deepEqual(reader.messages, ['a/x seen'])
})

test('an in-process subscriber that publishes in turn: everybody sees both messages, in order', async () => {
  const { broker } = await startBroker()
  broker.subscribe('a', () => broker.publish({ topic: 'b', payload: Buffer.from('second'), qos: 0, retain: false }))
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('#')
  broker.publish({ topic: 'a', payload: Buffer.from('first'), qos: 0, retain: false })
  await settle()
  assert.deepEqual(reader.messages, ['a first', 'b second'])
})
