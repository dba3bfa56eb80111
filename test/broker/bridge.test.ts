/** Two brokers and a bridge between them, over a pair of streams. */

import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import test from 'node:test'
import { type BridgeRule, Broker } from '../../src/broker/broker.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { ManualClock, silent } from '../bindings/fixture.ts'
import { settle, startBroker, TestClient } from './client.ts'

/** The line between the two: can be cut. */
class Line {
  upstream: Broker | undefined
  attempts = 0
  #cut: () => void = () => {}

  readonly open = () => {
    this.attempts++
    const [near, far] = duplexPair()
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
    if (this.upstream === undefined) near.destroy()
    else this.upstream.handle(far)
    this.#cut = () => far.destroy()
    return near
  }

  cut(): void {
    this.upstream = undefined
    this.#cut()
  }
}

async function startBridged(t: test.TestContext, line: Line, rules: readonly BridgeRule[], store?: MemoryStore) {
  const clock = new ManualClock()
  const kept = store ?? new MemoryStore({ clock })
  const bridges = [{ name: 'up', clientId: 'site-1', rules, open: line.open }]
  const broker = new Broker({ store: kept, clock, log: silent, listen: [], bridges })
  await broker.start()
  t.after(() => broker.stop())
  await settle(30)
  return { broker, clock, store: kept }
}

async function reader(broker: Broker, filter: string): Promise<TestClient> {
  const client = await TestClient.connect(broker, `reads ${filter}`)
  await client.subscribe(filter, 2)
  return client
}

test('messages go out and come in under other prefixes, at their QoS, and only those of a rule', async (t) => {
  const line = new Line()
  line.upstream = (await startBroker()).broker
  const { broker } = await startBridged(t, line, [
    { direction: 'out', filter: 'data/#', qos: 2, remotePrefix: 'factory/1/' },
    { direction: 'in', filter: 'command/+', qos: 1, localPrefix: 'from-above/', remotePrefix: 'factory/1/' },
  ])
  const above = await reader(line.upstream, '#')
  const below = await reader(broker, 'from-above/#')
  for (const qos of [0, 1, 2] as const) {
    broker.publish({ topic: 'data/a', payload: Buffer.from(`at ${qos}`), qos, retain: false })
    line.upstream.publish({ topic: 'factory/1/command/x', payload: Buffer.from(`at ${qos}`), qos, retain: false })
  }
  broker.publish({ topic: 'private', payload: Buffer.from('stays'), qos: 1, retain: false })
  line.upstream.publish({ topic: 'factory/2/command/x', payload: Buffer.from('for another'), qos: 1, retain: false })
  await settle(40)
  const seen = (client: TestClient) =>
    client.heard.flatMap((packet) =>
      packet.cmd === 'publish' ? [`${packet.topic} ${packet.payload} ${packet.qos}`] : [],
    )
  assert.deepEqual(
    seen(above).filter((text) => text.startsWith('factory/1/data')),
    [0, 1, 2].map((qos) => `factory/1/data/a at ${qos} ${qos}`),
  )
  assert.deepEqual(
    seen(below),
    [0, 1, 2].map((qos) => `from-above/command/x at ${qos} ${Math.min(qos, 1)}`),
  )
  assert.ok(!seen(above).some((text) => text.includes('stays')))
})

test('a rule for both directions does not go round in circles', async (t) => {
  const line = new Line()
  line.upstream = (await startBroker()).broker
  const { broker } = await startBridged(t, line, [{ direction: 'both', filter: '#', qos: 1 }])
  const above = await reader(line.upstream, '#')
  const below = await reader(broker, '#')
  broker.publish({ topic: 'from/below', payload: Buffer.from('1'), qos: 1, retain: false })
  line.upstream.publish({ topic: 'from/above', payload: Buffer.from('1'), qos: 1, retain: false })
  await settle(60)
  for (const client of [above, below]) assert.deepEqual([...client.messages].sort(), ['from/above 1', 'from/below 1'])
})

test('what upstream has not acknowledged waits, over restarts too, and arrives in order', async (t) => {
  const line = new Line()
  const upstream = (await startBroker()).broker
  line.upstream = upstream
  const rules = [{ direction: 'out', filter: '#', qos: 2 }] as const
  const first = await startBridged(t, line, rules)
  const above = await reader(upstream, '#')
  const publish = (broker: Broker, n: number) =>
    broker.publish({ topic: 't', payload: Buffer.from(String(n)), qos: ((n % 2) + 1) as 1, retain: false })
  for (let n = 0; n < 5; n++) publish(first.broker, n)
  await settle(40)
  line.cut()
  for (let n = 5; n < 10; n++) publish(first.broker, n)
  await settle()
  await first.broker.stop()
  await first.store.flush()
  const second = await startBridged(t, line, rules, first.store)
  for (let n = 10; n < 15; n++) publish(second.broker, n)
  await settle()
  assert.equal(above.messages.length, 5)
  line.upstream = upstream
  second.clock.advance(60_000)
  await settle(80)
  assert.deepEqual(
    above.messages,
    Array.from({ length: 15 }, (_, n) => `t ${n}`),
  )
})

test('it connects again for ever, at growing distances', async (t) => {
  const line = new Line()
  const { clock } = await startBridged(t, line, [{ direction: 'out', filter: '#', qos: 1 }])
  const attemptsWithin = async (seconds: number) => {
    const before = line.attempts
    for (let second = 0; second < seconds; second++) {
      clock.advance(1000)
      await settle(4)
    }
    return line.attempts - before
  }
  assert.equal(await attemptsWithin(7), 3, 'after 1, 2 and 4 seconds')
  await attemptsWithin(600)
  assert.equal(await attemptsWithin(600), 10, 'once a minute')
})

test('nobody else has the name of a bridge', async () => {
  const { broker } = await startBroker()
  await assert.rejects(TestClient.connect(broker, '$bridge/up', { clean: false }), /closed/)
})
