/** Rules of MQTT 3.1.1 that a broker is easily wrong about, each by its clause. */

import assert from 'node:assert/strict'
import test from 'node:test'
import mqtt, { type IPublishPacket } from 'mqtt-packet'
import { StoreError } from '../../src/store/store.ts'
import { settle, startBroker, TestClient } from './client.ts'

const published = (client: TestClient) =>
  client.heard.flatMap((packet) => (packet.cmd === 'publish' ? [packet as IPublishPacket] : []))

test('what was not acknowledged comes again, marked as a duplicate, under its identifier [MQTT-4.4.0-1]', async () => {
  const { broker } = await startBroker()
  const first = await TestClient.connect(broker, 'reader', { clean: false })
  await first.subscribe('t', 2)
  first.acknowledges = false
  for (const qos of [1, 2] as const)
    broker.publish({ topic: 't', payload: Buffer.from(`at ${qos}`), qos, retain: false })
  await settle()
  const before = published(first)
  assert.deepEqual(
    before.map(({ dup, qos }) => [dup, qos]),
    [
      [false, 1],
      [false, 2],
    ],
  )
  // The QoS 2 message has arrived; only its PUBREL may come again. [MQTT-4.3.3-1]
  first.send({ cmd: 'pubrec', messageId: before[1]?.messageId ?? 0 })
  await first.until((packet) => packet.cmd === 'pubrel')
  first.drop()
  await first.closed()
  await settle(1)
  broker.publish({ topic: 't', payload: Buffer.from('meanwhile'), qos: 0, retain: false })
  broker.publish({ topic: 't', payload: Buffer.from('later'), qos: 1, retain: false })
  await settle()
  const second = await TestClient.connect(broker, 'reader', { clean: false })
  await settle()
  assert.deepEqual(
    published(second).map(({ payload, dup }) => [String(payload), dup]),
    [
      ['at 1', true],
      ['later', false],
    ],
  )
  assert.equal(published(second)[0]?.messageId, before[0]?.messageId)
  assert.ok(second.heard.some((packet) => packet.cmd === 'pubrel' && packet.messageId === before[1]?.messageId))
  const third = await TestClient.connect(broker, 'reader', { clean: false })
  await settle()
  assert.deepEqual(
    third.heard.map(({ cmd }) => cmd),
    ['connack'],
    'all of it was acknowledged',
  )
})

test('a message published while a session comes back is delivered once', async () => {
  const { broker } = await startBroker()
  const first = await TestClient.connect(broker, 'reader', { clean: false })
  await first.subscribe('t', 2)
  first.disconnect()
  await first.closed()
  const second = new TestClient(broker)
  second.send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId: 'reader',
    clean: false,
    keepalive: 0,
  })
  // One message in every step of the handshake.
  for (let n = 0; n < 30; n++) {
    broker.publish({ topic: 't', payload: Buffer.from(String(n)), qos: 2, retain: false })
    await settle(1)
  }
  await settle()
  assert.equal(second.heard[0]?.cmd, 'connack')
  assert.deepEqual(
    second.messages,
    Array.from({ length: 30 }, (_, n) => `t ${n}`),
  )
})

test('no more messages than the window are unacknowledged, and no identifier is used twice [MQTT-2.3.1-4]', async () => {
  for (const clean of [true, false]) {
    const { broker } = await startBroker({ limits: { maxInflight: 5 } })
    const reader = await TestClient.connect(broker, 'reader', { clean })
    await reader.subscribe('t', 1)
    reader.acknowledges = false
    for (let n = 0; n < 12; n++) broker.publish({ topic: 't', payload: Buffer.from(String(n)), qos: 1, retain: false })
    await settle()
    const window = published(reader)
    assert.equal(window.length, 5)
    assert.equal(new Set(window.map(({ messageId }) => messageId)).size, 5)
    // The third is acknowledged: one more comes, and not under an identifier that is in use.
    reader.send({ cmd: 'puback', messageId: window[2]?.messageId ?? 0 })
    await settle()
    assert.equal(published(reader).length, 6)
    reader.acknowledges = true
    for (const { messageId } of published(reader)) reader.send({ cmd: 'puback', messageId: messageId ?? 0 })
    await settle(40)
    assert.deepEqual(
      reader.messages,
      Array.from({ length: 12 }, (_, n) => `t ${n}`),
    )
  }
})

test('SUBACK answers each filter in order, also one that is named twice [MQTT-3.8.4-5]', async () => {
  const { broker } = await startBroker({ limits: { maxTopicLevels: 3 } })
  const client = await TestClient.connect(broker, 'client')
  const subscriptions = [
    { topic: 'a', qos: 0 as const },
    { topic: 'too/many/levels/here', qos: 1 as const },
    { topic: 'a', qos: 2 as const },
    { topic: '+/#', qos: 1 as const },
  ]
  client.send({ cmd: 'subscribe', messageId: 7, subscriptions })
  const suback = await client.until((packet) => packet.cmd === 'suback')
  assert.deepEqual((suback as { granted?: unknown }).granted, [0, 128, 2, 1])
})

test('a subscription that was refused is not there after a reconnect either', async () => {
  const { broker } = await startBroker({ limits: { maxSubscriptionsPerClient: 1 } })
  const first = await TestClient.connect(broker, 'client', { clean: false })
  assert.equal(await first.subscribe('a', 1), 1)
  assert.equal(await first.subscribe('b', 1), 128)
  assert.equal(await first.subscribe('a', 2), 2, 'one that is there may change')
  first.disconnect()
  await first.closed()
  const second = await TestClient.connect(broker, 'client', { clean: false })
  for (const topic of ['a', 'b']) broker.publish({ topic, payload: Buffer.from('x'), qos: 1, retain: false })
  await settle()
  assert.deepEqual(second.messages, ['a x'])
})

test('subscribing again sends the retained messages again, at the lower QoS of the two [MQTT-3.8.4-3]', async () => {
  const { broker } = await startBroker()
  broker.publish({ topic: 'r', payload: Buffer.from('kept'), qos: 2, retain: true })
  const client = await TestClient.connect(broker, 'client')
  await client.subscribe('r', 1)
  await client.subscribe('#', 0)
  await settle()
  assert.deepEqual(
    published(client).map(({ qos, retain }) => [qos, retain]),
    [
      [1, true],
      [0, true],
    ],
  )
  broker.publish({ topic: 'r', payload: Buffer.from('new'), qos: 0, retain: true })
  await settle()
  assert.equal(published(client).at(-1)?.retain, false, 'not retained for those who are there [MQTT-3.3.1-9]')
  broker.publish({ topic: 'r', payload: Buffer.alloc(0), qos: 0, retain: true })
  await settle()
  assert.equal(broker.retainedMessages, 0)
  assert.equal(published(client).length, 4, 'forgetting is a message like any other')
})

test('a clean session forgets all of the one before it [MQTT-3.1.2-6]', async () => {
  const { broker, store } = await startBroker()
  const first = await TestClient.connect(broker, 'client', { clean: false })
  await first.subscribe('t', 1)
  first.disconnect()
  await first.closed()
  broker.publish({ topic: 't', payload: Buffer.from('queued'), qos: 1, retain: false })
  const second = await TestClient.connect(broker, 'client')
  assert.equal(second.sessionPresent, false)
  await settle()
  assert.deepEqual(second.messages, [])
  second.drop()
  await settle()
  const third = await TestClient.connect(broker, 'client', { clean: false })
  assert.equal(third.sessionPresent, false)
  third.disconnect()
  await broker.stop()
  await store.flush()
  assert.deepEqual(
    [...store.data.keys()].filter((key) => !key.startsWith('b/c/')),
    [],
    'nor does the store remember',
  )
})

test('the session passes to the connection that takes over, and nothing is lost or doubled', async () => {
  const { broker } = await startBroker()
  let current = await TestClient.connect(broker, 'same', { clean: false })
  await current.subscribe('t', 2)
  const seen: string[] = []
  for (let n = 0; n < 20; n++) {
    broker.publish({ topic: 't', payload: Buffer.from(String(n)), qos: 2, retain: false })
    if (n % 4 === 3) {
      await settle(20)
      seen.push(...current.messages)
      current = await TestClient.connect(broker, 'same', { clean: false })
      assert.equal(current.sessionPresent, true)
    }
  }
  await settle(20)
  assert.deepEqual(
    [...seen, ...current.messages],
    Array.from({ length: 20 }, (_, n) => `t ${n}`),
  )
  assert.equal(broker.connectedClients, 1)
})

test('a half-open second connection of the same name does not forget the first', async () => {
  const { broker } = await startBroker()
  const first = await TestClient.connect(broker, 'same')
  const second = new TestClient(broker)
  second.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId: 'same', clean: true, keepalive: 0 })
  second.drop()
  await settle(20)
  const third = await TestClient.connect(broker, 'same')
  await settle()
  assert.equal(first.isOpen, false)
  assert.equal(third.isOpen, true)
  assert.equal(broker.connectedClients, 1)
})

const invalid: Readonly<Record<string, readonly number[]>> = {
  'an empty topic [MQTT-4.7.3-1]': [0x30, 2, 0, 0],
  'a topic with a wildcard [MQTT-3.3.2-2]': [0x30, 5, 0, 3, 0x61, 0x2f, 0x23],
  'a topic with U+0000 [MQTT-1.5.3-2]': [0x30, 4, 0, 2, 0x61, 0],
  'a topic that is not UTF-8 [MQTT-1.5.3-1]': [0x30, 4, 0, 2, 0xc3, 0x28],
  'a surrogate in UTF-8 [MQTT-1.5.3-1]': [0x30, 5, 0, 3, 0xed, 0xa0, 0x80],
  'a duplicate at QoS 0 [MQTT-3.3.1-2]': [0x38, 3, 0, 1, 0x61],
  'wrong flags of a PUBACK [MQTT-2.2.2-2]': [0x42, 2, 0, 1],
  'QoS 3 [MQTT-3.3.1-4]': [0x36, 5, 0, 1, 0x61, 0, 1],
  'a message identifier of zero [MQTT-2.3.1-1]': [0x32, 5, 0, 1, 0x61, 0, 0],
  'a topic longer than its packet': [0x30, 3, 0, 9, 0x61],
  'a filter with half a wildcard [MQTT-4.7.1-3]': [0x82, 7, 0, 1, 0, 2, 0x61, 0x2b, 0],
  'a filter after # [MQTT-4.7.1-2]': [0x82, 8, 0, 1, 0, 3, 0x23, 0x2f, 0x61, 0],
  'a SUBSCRIBE without filters [MQTT-3.8.3-3]': [0x82, 2, 0, 1],
  'a SUBSCRIBE with QoS 3 [MQTT-3-8.3-4]': [0x82, 6, 0, 1, 0, 1, 0x61, 3],
  'wrong flags of a SUBSCRIBE [MQTT-3.8.1-1]': [0x80, 6, 0, 1, 0, 1, 0x61, 0],
  'an UNSUBSCRIBE without filters [MQTT-3.10.3-2]': [0xa2, 2, 0, 1],
  'a packet of type 0': [0x00, 0],
  'a packet of type 15': [0xf0, 0],
  'a CONNACK from a client': [0x20, 2, 0, 0],
  'a length of five bytes [MQTT-2.2.3]': [0x30, 0xff, 0xff, 0xff, 0xff, 1],
  'a PUBACK of three bytes': [0x40, 3, 0, 1, 0],
  'a PINGREQ with something in it': [0xc0, 1, 0],
  'a DISCONNECT with something in it': [0xe0, 1, 0],
  'a second CONNECT [MQTT-3.1.0-2]': [0x10, 12, 0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 0, 0, 0],
}

for (const [name, bytes] of Object.entries(invalid))
  test(`closes a connection that sends ${name}`, async () => {
    const { broker } = await startBroker()
    const reader = await TestClient.connect(broker, 'reader')
    await reader.subscribe('#')
    const client = await TestClient.connect(broker, 'client')
    client.sendRaw(Buffer.from(bytes))
    await client.closed()
    await settle()
    assert.deepEqual(reader.messages, [])
    assert.equal(reader.isOpen, true)
  })

test('a client of MQTT 3.1 hears nothing of its session, and may send again as it did then', async () => {
  const { broker } = await startBroker()
  const connect = Buffer.from([0x10, 15, 0, 6, ...Buffer.from('MQIsdp'), 3, 0, 0, 0, 0, 1, 0x61])
  for (let time = 1; time <= 2; time++) {
    const client = new TestClient(broker)
    client.acknowledges = false
    client.sendRaw(connect)
    const connack = await client.until(({ cmd }) => cmd === 'connack')
    // MQTT 3.1 section 3.2: the first byte is reserved.
    assert.deepEqual([(connack as { sessionPresent?: unknown }).sessionPresent, client.isOpen], [false, true])
    // DUP in SUBSCRIBE, PUBREL and UNSUBSCRIBE: MQTT 3.1 section 2.1.
    client.sendRaw(Buffer.from([0x8a, 6, 0, 9, 0, 1, 0x79, 1]))
    client.sendRaw(Buffer.from([0x34, 6, 0, 1, 0x7a, 0, 5, 0x31]))
    client.sendRaw(Buffer.from([0x6a, 2, 0, 5]))
    client.sendRaw(Buffer.from([0xaa, 5, 0, 10, 0, 1, 0x79]))
    await client.until(({ cmd }) => cmd === 'unsuback')
    assert.deepEqual(
      client.heard.map(({ cmd }) => cmd),
      ['connack', 'suback', 'pubrec', 'pubcomp', 'unsuback'],
    )
    client.drop()
    await settle()
  }
})

test('a connection that begins with anything but CONNECT is closed [MQTT-3.1.0-1]', async () => {
  const { broker } = await startBroker()
  const client = new TestClient(broker)
  client.send(client.publication('t', 'x'))
  await client.closed()
})

test('packets cut anywhere are the same packets', async () => {
  const { broker } = await startBroker()
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('#', 2)
  const writer = await TestClient.connect(broker, 'writer')
  // Its PUBREL would come between the halves of a packet.
  writer.acknowledges = false
  const bytes = Buffer.concat(
    Array.from({ length: 12 }, (_, n) => mqtt.generate(writer.publication(`t/${n}`, 'x'.repeat(n * 20), (n % 3) as 0))),
  )
  for (let at = 0; at < bytes.length; at += 1 + (at % 7)) {
    writer.sendRaw(bytes.subarray(at, at + 1 + (at % 7)))
    if (at % 5 === 0) await settle(1)
  }
  await settle(400)
  assert.equal(reader.messages.length, 12)
  assert.equal(new Set(reader.messages).size, 12)
})

test('CONNECT, SUBSCRIBE and PUBLISH in one chunk are handled one after the other', async () => {
  const { broker } = await startBroker()
  const client = new TestClient(broker)
  client.send(
    { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId: 'hasty', clean: false, keepalive: 0 },
    { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 't', qos: 1 }] },
    client.publication('t', 'to myself', 1),
    { cmd: 'pingreq' },
  )
  await client.until((packet) => packet.cmd === 'pingresp')
  await settle()
  assert.deepEqual(client.messages, ['t to myself'])
})

test('a subscription that could not be stored is not acknowledged, and not there', async () => {
  const { broker, store } = await startBroker()
  const client = await TestClient.connect(broker, 'client', { clean: false })
  await settle()
  store.failNext(new StoreError('full', 'the disk is full'))
  await assert.rejects(client.subscribe('t', 1), /closed/)
  const again = await TestClient.connect(broker, 'client', { clean: false })
  broker.publish({ topic: 't', payload: Buffer.from('x'), qos: 1, retain: false })
  await settle()
  assert.deepEqual(again.messages, [])
})

test('a QoS 2 message whose storing failed is taken as new when it comes again', async () => {
  const { broker, store } = await startBroker()
  const first = await TestClient.connect(broker, 'writer', { clean: false })
  await settle()
  store.failNext(new StoreError('full', 'the disk is full'))
  const packet = first.publication('state', 'on', 2, { retain: true })
  first.send(packet)
  await first.closed()
  assert.equal(broker.retainedMessages, 0)
  const second = await TestClient.connect(broker, 'writer', { clean: false })
  second.send({ ...packet, dup: true } as typeof packet)
  await second.until((heard) => heard.cmd === 'pubcomp')
  assert.equal(broker.retainedMessages, 1)
})

test('a will is subject to the rules of any other message', async () => {
  const { broker } = await startBroker()
  const client = new TestClient(broker)
  const will = { topic: 'w/+', payload: Buffer.from('x'), qos: 0 as const, retain: false }
  client.send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId: 'c',
    clean: true,
    keepalive: 0,
    will,
  })
  await client.closed()
  const persistent = await TestClient.connect(broker, 'p', {
    clean: false,
    will: { topic: 'w/p', payload: Buffer.from('gone'), qos: 1, retain: true },
  })
  persistent.drop()
  await settle(20)
  assert.equal(broker.retainedMessages, 1)
})
