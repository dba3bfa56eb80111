/** What suites for interoperability try on every broker (Eclipse Paho's, for MQTT 3.1.1), each scenario as a case of ours. */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { IPublishPacket } from 'mqtt-packet'
import { settle, startBroker, TestClient } from './client.ts'

const qualities = [0, 1, 2] as const

/** `topic payload QoS retain` of what was heard since the last look. */
function look(client: TestClient): readonly string[] {
  return client.heard.splice(0).flatMap((packet) => {
    if (packet.cmd !== 'publish') return []
    const { topic, payload, qos, retain } = packet as IPublishPacket
    return [`${topic} ${payload} ${qos}${retain ? ' retained' : ''}`]
  })
}

test('basic: each QoS arrives as the lower one of the two [MQTT-3.8.4-6]', async () => {
  const { broker } = await startBroker()
  const client = await TestClient.connect(broker, 'client')
  for (const granted of qualities) {
    await client.subscribe(`t/${granted}`, granted)
    for (const qos of qualities) await client.publish(`t/${granted}`, `at ${qos}`, qos)
    await settle()
    assert.deepEqual(
      look(client),
      qualities.map((qos) => `t/${granted} at ${qos} ${Math.min(qos, granted)}`),
    )
  }
})

test('retained messages: marked for whoever subscribes, not for who is there, and gone after an empty one [MQTT-3.3.1-6] [MQTT-3.3.1-8] [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]', async () => {
  const { broker } = await startBroker()
  const present = await TestClient.connect(broker, 'present')
  await present.subscribe('+/+', 2)
  const writer = await TestClient.connect(broker, 'writer')
  for (const qos of qualities) await writer.publish(`r/${qos}`, 'kept', qos, { retain: true })
  await writer.publish('r/0', 'not kept', 0)
  await settle()
  assert.deepEqual(look(present), ['r/0 kept 0', 'r/1 kept 1', 'r/2 kept 2', 'r/0 not kept 0'])
  const later = await TestClient.connect(broker, 'later')
  await later.subscribe('+/+', 2)
  await settle()
  assert.deepEqual([...look(later)].sort(), ['r/0 kept 0 retained', 'r/1 kept 1 retained', 'r/2 kept 2 retained'])
  for (const qos of qualities) await writer.publish(`r/${qos}`, '', qos, { retain: true })
  await settle()
  assert.deepEqual(look(present), ['r/0  0', 'r/1  1', 'r/2  2'], 'an empty one is a message like any other')
  const last = await TestClient.connect(broker, 'last')
  await last.subscribe('+/+', 2)
  await settle()
  assert.deepEqual(look(last), [])
})

test('offline queueing: QoS 1 and 2 wait, QoS 0 does not, and so for every filter [MQTT-3.1.2-5]', async () => {
  const { broker } = await startBroker()
  const sleeper = await TestClient.connect(broker, 'sleeper', { clean: false })
  await sleeper.subscribe('+/+', 2)
  sleeper.disconnect()
  await sleeper.closed()
  const writer = await TestClient.connect(broker, 'writer')
  for (const qos of qualities) await writer.publish(`q/${qos}`, 'x', qos)
  const awake = await TestClient.connect(broker, 'sleeper', { clean: false })
  await settle(20)
  assert.equal(awake.sessionPresent, true)
  assert.deepEqual(look(awake), ['q/1 x 1', 'q/2 x 2'])
})

test('a will: at its QoS, retained if it says so, and not after DISCONNECT [MQTT-3.1.2-8] [MQTT-3.1.2-10] [MQTT-3.1.2-17] [MQTT-3.14.4-3]', async () => {
  const { broker } = await startBroker()
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('will/#', 2)
  const will = { topic: 'will/2', payload: Buffer.from('gone'), qos: 2, retain: true } as const
  const ended = await TestClient.connect(broker, 'mortal', { will })
  ended.disconnect()
  await ended.closed()
  await settle()
  assert.deepEqual(look(reader), [])
  const broken = await TestClient.connect(broker, 'mortal', { will })
  broken.drop()
  await settle()
  assert.deepEqual(look(reader), ['will/2 gone 2'])
  const later = await TestClient.connect(broker, 'later')
  await later.subscribe('will/#', 2)
  await settle()
  assert.deepEqual(look(later), ['will/2 gone 2 retained'])
})

test('the will of a connection that is taken over is published [MQTT-3.1.4-2]', async () => {
  const { broker } = await startBroker()
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('will')
  const will = { topic: 'will', payload: Buffer.from('taken over'), qos: 0, retain: false } as const
  await TestClient.connect(broker, 'same', { will })
  await TestClient.connect(broker, 'same')
  await settle()
  assert.deepEqual(look(reader), ['will taken over 0'])
})

test('overlapping subscriptions: once, at the highest QoS [MQTT-3.3.5-1]', async () => {
  const { broker } = await startBroker()
  const client = await TestClient.connect(broker, 'client')
  await client.subscribe('o/#', 2)
  await client.subscribe('o/+', 1)
  await client.subscribe('o/x', 0)
  await client.publish('o/x', 'x', 2)
  await settle()
  assert.deepEqual(look(client), ['o/x x 2'])
})

test('unsubscribing: nothing more comes of that filter, the others stay [MQTT-3.10.4-1] [MQTT-3.10.4-2] [MQTT-3.10.4-4]', async () => {
  const { broker } = await startBroker()
  const client = await TestClient.connect(broker, 'client')
  for (const filter of ['u/a', 'u/b', 'u/+/c']) await client.subscribe(filter, 1)
  client.send({ cmd: 'unsubscribe', messageId: 77, unsubscriptions: ['u/a', 'never/there', 'u/+/c'] })
  await client.until((packet) => packet.cmd === 'unsuback' && packet.messageId === 77)
  for (const topic of ['u/a', 'u/b', 'u/b/c']) await client.publish(topic, 'x', 1)
  await settle()
  assert.deepEqual(look(client), ['u/b x 1'])
})

test('$ topics: not for a wildcard at the start, for one behind the $ level they are [MQTT-4.7.2-1]', async () => {
  const { broker } = await startBroker()
  const client = await TestClient.connect(broker, 'client')
  await client.subscribe('#', 1)
  await client.subscribe('+/x', 1)
  await client.publish('$own/x', 'hidden', 1)
  await settle()
  assert.deepEqual(look(client), [])
  await client.subscribe('$own/#', 1)
  await client.publish('$own/x', 'seen', 1)
  await settle()
  assert.deepEqual(look(client), ['$own/x seen 1'])
})

test('PINGREQ is answered [MQTT-3.12.4-1]', async () => {
  const { broker } = await startBroker()
  const client = await TestClient.connect(broker, 'client')
  client.send({ cmd: 'pingreq' })
  await client.until((packet) => packet.cmd === 'pingresp')
})

const names = { 'MQTT 3.1': ['MQIsdp', 3, 0], 'MQTT 3.1.1': ['MQTT', 4, 0], 'MQTT 5': ['MQTT', 5, 1] } as const

for (const [name, [protocol, level, returnCode]] of Object.entries(names))
  test(`CONNECT of ${name} is answered with return code ${returnCode} [MQTT-3.1.2-2]`, async () => {
    const { broker } = await startBroker()
    const client = new TestClient(broker)
    const body = Buffer.from([0, protocol.length, ...Buffer.from(protocol), level, 2, 0, 60, 0, 1, 0x61])
    client.sendRaw(Buffer.concat([Buffer.from([0x10, body.length]), body]))
    const connack = await client.until((packet) => packet.cmd === 'connack')
    assert.equal((connack as { readonly returnCode?: number }).returnCode, returnCode)
    if (returnCode > 0) await client.closed()
  })

test('clients that name nobody are each somebody else [MQTT-3.1.3-6] [MQTT-3.1.3-7]', async () => {
  const { broker } = await startBroker()
  const [one, other] = [await TestClient.connect(broker, ''), await TestClient.connect(broker, '')]
  await settle()
  assert.ok(one.isOpen && other.isOpen)
})

test('topics and filters are told apart by case, leading and trailing slashes, and every character [MQTT-4.7.3-4]', async () => {
  const { broker } = await startBroker()
  const client = await TestClient.connect(broker, 'client')
  for (const filter of ['a/b', '/a/b', 'a/b/', 'A/b', 'a/\u{1f600}', 'a//b', '\ufeffa/b']) {
    await client.subscribe(filter, 1)
    for (const topic of ['a/b', '/a/b', 'a/b/', 'A/b', 'a/\u{1f600}', 'a//b', '\ufeffa/b'])
      await client.publish(topic, 'x', 1)
    await settle()
    assert.deepEqual(look(client), [`${filter} x 1`])
    client.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: [filter] })
    await client.until((packet) => packet.cmd === 'unsuback')
    client.heard.splice(0)
  }
})
