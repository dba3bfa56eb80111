/** What one client may ask for in one packet, and that nobody else waits for it. */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { Broker } from '../../src/broker/broker.ts'
import { settle, startBroker, TestClient } from './client.ts'

function retain(broker: Broker, count: number, bytes: number, qos: 0 | 1 = 0): void {
  for (let n = 0; n < count; n++)
    broker.publish({ topic: `r/${n}`, payload: Buffer.alloc(bytes, 0x61), qos, retain: true })
}

const ample = { maxRetainedMessages: 30_000, maxRetainedBytes: 30_000_000, maxQueuedMessages: 30_000 }

/** A PINGREQ, until it is answered. */
async function ping(client: TestClient): Promise<void> {
  const count = () => client.heard.filter(({ cmd }) => cmd === 'pingresp').length
  const before = count()
  client.send({ cmd: 'pingreq' })
  while (count() === before) await settle(1)
}

test('a SUBSCRIBE that names one filter as often as fits in a packet costs no more than its bytes', async () => {
  const { broker } = await startBroker({ limits: { ...ample, maxSubscriptionsPerClient: 100_000 } })
  retain(broker, 600, 1000)
  const client = await TestClient.connect(broker, 'greedy')
  client.freeze()
  const startMs = performance.now()
  const subscriptions = Array.from({ length: 60_000 }, () => ({ topic: '#', qos: 0 as const }))
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions })
  await ping(await TestClient.connect(broker, 'neighbour'))
  assert.ok(performance.now() - startMs < 10_000)
})

test('one SUBSCRIBE names as many filters as a client may have', async () => {
  const { broker } = await startBroker({ limits: { maxSubscriptionsPerClient: 3 } })
  const client = await TestClient.connect(broker, 'greedy')
  const subscriptions = Array.from({ length: 5 }, () => ({ topic: 'a', qos: 0 as const }))
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions })
  const suback = await client.until(({ cmd }) => cmd === 'suback')
  assert.deepEqual((suback as { granted?: unknown }).granted, [0, 0, 0, 128, 128])
  assert.equal(broker.statistics.refusedSubscriptions, 2)
})

test('filters that match nothing among many retained messages are looked for a little at a time', async () => {
  const { broker } = await startBroker({ limits: { ...ample, maxSubscriptionsPerClient: 4000 } })
  retain(broker, 10_000, 1)
  const neighbour = await TestClient.connect(broker, 'neighbour')
  const client = await TestClient.connect(broker, 'greedy')
  const subscriptions = Array.from({ length: 4000 }, (_, n) => ({ topic: `+/+/${n}`, qos: 0 as const }))
  let worstMs = 0
  for (let round = 0; round < 20; round++) {
    const startMs = performance.now()
    if (round === 0) client.send({ cmd: 'subscribe', messageId: 1, subscriptions })
    await ping(neighbour)
    worstMs = Math.max(worstMs, performance.now() - startMs)
  }
  assert.ok(worstMs < 500, `somebody else waited for ${worstMs.toFixed(0)} ms`)
  client.drop()
})

test('however many retained messages are sent at once, none is sent from within another', async () => {
  const { broker } = await startBroker({ limits: { ...ample, maxInflight: 30_000, slowConsumerDropBytes: 10_000_000 } })
  retain(broker, 10_000, 1, 1)
  await settle()
  const client = await TestClient.connect(broker, 'kept', { clean: false })
  await client.subscribe('r/#', 1)
  while (client.messages.length < 10_000) await settle(10)
})

test('after UNSUBACK no retained message of the filter is begun [MQTT-3.10.4-2]', async () => {
  const { broker } = await startBroker({ limits: { ...ample, maxInflight: 2 } })
  retain(broker, 100, 1, 1)
  const client = await TestClient.connect(broker, 'client', { acknowledges: false })
  await client.subscribe('r/#', 1)
  client.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['r/#'] })
  await client.until(({ cmd }) => cmd === 'unsuback')
  const before = client.messages.length
  client.acknowledges = true
  for (const packet of client.heard)
    if (packet.cmd === 'publish') client.send({ cmd: 'puback', messageId: packet.messageId as number })
  await settle(50)
  assert.equal(client.messages.length, before)
})

test('a retained message that is replaced while an answer is under way comes once', async () => {
  const { broker } = await startBroker({ limits: { ...ample, slowConsumerDropBytes: 10_000_000 } })
  retain(broker, 5000, 1)
  const client = await TestClient.connect(broker, 'client')
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'r/#', qos: 0 }] })
  await client.until(({ cmd }) => cmd === 'suback')
  broker.publish({ topic: 'r/4999', payload: Buffer.from('new'), qos: 0, retain: true })
  while (client.messages.length < 5000) await settle(1)
  await settle(100)
  assert.deepEqual(
    client.messages.filter((text) => text.startsWith('r/4999 ')),
    ['r/4999 new'],
  )
})
