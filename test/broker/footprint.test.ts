/** What clients can make the broker hold in memory with little, and what bounds it. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { TopicRouter } from '../../src/broker/topic-router.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { StoreError } from '../../src/store/store.ts'
import { ManualClock } from '../bindings/fixture.ts'
import { settle, startBroker, TestClient } from './client.ts'

function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed
}

test('where topics lead to is remembered within bounds, however many filters match them', () => {
  const router = new TopicRouter()
  // A filter for each way to write ten levels with and without a wildcard.
  for (let n = 0; n < 1000; n++) {
    const levels = n.toString(2).padStart(10, '0').replaceAll('0', 'a/').replaceAll('1', '+/')
    router.listen(`${levels}+`, () => {})
  }
  const before = heapBytes()
  for (let n = 0; n < 2000; n++) assert.equal(router.routeOf(`${'a/'.repeat(10)}${n}`).filters.length, 1000)
  const heldBytes = heapBytes() - before
  assert.ok(heldBytes < 5_000_000, `${heldBytes} bytes are held`)
  assert.equal(router.subscriptions, 1000)
})

test('a client identifier is bounded: it is part of the key of everything that is kept for the client', async () => {
  const { broker } = await startBroker({ limits: { maxClientIdBytes: 30 } })
  await TestClient.connect(broker, 'x'.repeat(30))
  const wordy = await TestClient.connect(broker, 'ü'.repeat(16))
  assert.equal((wordy.heard[0] as { returnCode?: number }).returnCode, 2)
  await wordy.closed()
  assert.equal(broker.statistics.refusedConnections, 1)
})

test('the subscriptions of all clients together are bounded; one that goes makes room, also when its session ends', async () => {
  const store = new MemoryStore({ clock: new ManualClock() })
  // Three filters of ten bytes.
  const { broker } = await startBroker({ store, limits: { maxSubscriptionsTotalBytes: 1530 } })
  const kept = await TestClient.connect(broker, 'kept', { clean: false })
  const passing = await TestClient.connect(broker, 'passing')
  assert.equal(await kept.subscribe('filter/001', 1), 1)
  assert.equal(await passing.subscribe('filter/002', 1), 1)
  assert.equal(await passing.subscribe('filter/003', 1), 1)
  assert.equal(await kept.subscribe('filter/004', 1), 128)
  assert.equal(await kept.subscribe('filter/001', 2), 2, 'it is there already')
  passing.drop()
  await settle()
  assert.equal(await kept.subscribe('filter/004', 1), 1)

  store.failNext(new StoreError('full', 'the disk is full'))
  kept.send({ cmd: 'subscribe', messageId: 99, subscriptions: [{ topic: 'filter/005', qos: 1 }] })
  await kept.closed()
  const again = await TestClient.connect(broker, 'kept', { clean: false })
  assert.equal(await again.subscribe('filter/006', 1), 1, 'what could not be stored takes no room')
  again.send({ cmd: 'unsubscribe', messageId: 98, unsubscriptions: ['filter/001', 'filter/001'] })
  await again.until(({ cmd }) => cmd === 'unsuback')
  assert.equal(await again.subscribe('filter/007', 1), 1)
  assert.equal(await again.subscribe('filter/008', 1), 128)
})

test('packets that have come in part are bounded together: whose takes longest is given up', async () => {
  const { broker } = await startBroker({ limits: { maxUnfinishedBytes: 100_000 } })
  const publication = (bytes: number) =>
    Buffer.concat([Buffer.from([0x30, 0xd0, 0x86, 0x03, 0, 1, 0x78]), Buffer.alloc(bytes)])
  const [slow, steady, quick] = await Promise.all(
    ['slow', 'steady', 'quick'].map((name) => TestClient.connect(broker, name)),
  )
  slow?.sendRaw(publication(40_000))
  steady?.sendRaw(publication(40_000))
  await settle()
  // Fifty thousand bytes are a packet: this one is done, and the next one begins.
  slow?.sendRaw(Buffer.alloc(9_997))
  slow?.sendRaw(publication(40_000))
  await settle()
  quick?.sendRaw(publication(40_000))
  await steady?.closed()
  assert.equal(broker.statistics.closedBeyondBound, 1)
  assert.ok(slow?.isOpen)
  assert.ok(quick?.isOpen)
  quick?.sendRaw(Buffer.alloc(9_997))
  const next = await TestClient.connect(broker, 'next')
  next.sendRaw(publication(40_000))
  await settle()
  assert.ok(slow?.isOpen)
})
