/** Two brokers and a bridge between them, over a pair of streams. */

import assert from 'node:assert/strict'
import { type Duplex, duplexPair } from 'node:stream'
import test from 'node:test'
import mqtt from 'mqtt-packet'
import { type BridgeOptions, type BridgeRule, Broker } from '../../src/broker/broker.ts'
import type { Log } from '../../src/onem2m/log.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { ManualClock } from '../bindings/fixture.ts'
import { settle, startBroker, TestClient } from './client.ts'

/** The line between the two: can be cut, so that both ends hear of it, or carry nothing any more, so that nobody does. */
class Line {
  upstream: Broker | undefined
  attempts = 0
  isDead = false
  #cut: () => void = () => {}

  readonly open = () => {
    this.attempts++
    const [near, far] = duplexPair()
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
    if (this.upstream === undefined) near.destroy()
    else this.#relay(far, this.upstream)
    this.#cut = () => far.destroy()
    return near
  }

  cut(): void {
    this.upstream = undefined
    this.#cut()
  }

  #relay(far: Duplex, upstream: Broker): void {
    const [outer, inner] = duplexPair()
    for (const [from, to] of [
      [far, outer],
      [outer, far],
    ] as const) {
      from.on('data', (chunk) => !this.isDead && to.write(chunk))
      from.once('close', () => !this.isDead && to.destroy())
    }
    inner.once('close', () => outer.destroy())
    outer.once('close', () => inner.destroy())
    upstream.handle(inner)
  }
}

async function startBridged(
  t: test.TestContext,
  line: Line,
  rules: readonly BridgeRule[],
  store?: MemoryStore,
  options: Partial<BridgeOptions> = {},
) {
  const clock = new ManualClock()
  const kept = store ?? new MemoryStore({ clock })
  const bridges = [{ name: 'up', clientId: 'site-1', rules, open: line.open, ...options }]
  const lines: string[] = []
  const note = (message: string) => lines.push(message)
  const log: Log = { debug() {}, info: note, warn: note, error: note }
  const broker = new Broker({ store: kept, clock, log, listen: [], bridges })
  await broker.start()
  t.after(() => broker.stop())
  await settle(30)
  return { broker, clock, store: kept, lines }
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

const out: BridgeRule = { direction: 'out', filter: '#', qos: 1 }

test('an upstream that falls silent without a word is left, and called again; what was sent to it meanwhile arrives', async (t) => {
  const line = new Line()
  const upstream = (await startBroker()).broker
  line.upstream = upstream
  const above = await reader(upstream, '#')
  const { broker, clock, lines } = await startBridged(t, line, [out], undefined, { keepAliveMs: 20_000 })
  for (let n = 0; n < 10; n++) {
    clock.advance(10_000)
    await settle()
  }
  assert.equal(line.attempts, 1, 'an idle connection is alive')
  line.isDead = true
  broker.publish({ topic: 't', payload: Buffer.from('into nothing'), qos: 1, retain: false })
  clock.advance(10_000)
  await settle()
  assert.equal(line.attempts, 1, 'asked')
  clock.advance(10_000)
  await settle()
  assert.match(lines.join(), /bridge down/)
  line.isDead = false
  clock.advance(1000)
  await settle(40)
  assert.equal(line.attempts, 2)
  assert.deepEqual(above.messages, ['t into nothing'])
  assert.equal(broker.statistics.bridgeReconnects, 1)
})

test('an upstream that takes the connection and says nothing is left after a while', async (t) => {
  const line = new Line()
  line.upstream = (await startBroker()).broker
  line.isDead = true
  const { clock } = await startBridged(t, line, [out])
  clock.advance(15_000)
  await settle()
  clock.advance(1000)
  await settle()
  assert.equal(line.attempts, 2)
})

test('the spool is bounded: the newest finds no room, is counted, and the log says so once each', async (t) => {
  const line = new Line()
  const { broker, lines } = await startBridged(t, line, [out], undefined, {
    maxQueuedMessages: 100,
    maxQueuedBytes: 50,
  })
  for (let n = 0; n < 7; n++) broker.publish({ topic: 't', payload: Buffer.alloc(10), qos: 1, retain: false })
  await settle()
  assert.equal(broker.statistics.overflowedMessages, 2)
  assert.match(lines.join(), /bridge: a message for upstream was dropped/)
})

test('what is retained when a bridge is new goes up with the first connection, and only then', async (t) => {
  const line = new Line()
  const upstream = (await startBroker()).broker
  const first = await startBroker()
  first.broker.publish({ topic: 'state', payload: Buffer.from('on'), qos: 1, retain: true })
  await first.store.flush()
  line.upstream = upstream
  const { broker, clock } = await startBridged(t, line, [out], first.store)
  await settle(30)
  assert.equal(upstream.retainedMessages, 1)
  const above = await reader(upstream, 'state')
  await settle()
  above.heard.length = 0
  line.cut()
  await settle()
  line.upstream = upstream
  clock.advance(60_000)
  await settle(30)
  assert.deepEqual(above.messages, [], 'upstream may have changed it since')
  broker.publish({ topic: 'state', payload: Buffer.from('off'), qos: 1, retain: true })
  await settle(30)
  assert.deepEqual(above.messages, ['state off'])
})

test('the queue of a bridge that is not configured any more is forgotten, and the log says what is lost', async (t) => {
  const line = new Line()
  const first = await startBridged(t, line, [out])
  first.broker.publish({ topic: 't', payload: Buffer.from('1'), qos: 1, retain: false })
  await settle()
  await first.broker.stop()
  await first.store.flush()
  const second = await startBridged(t, line, [out], first.store, { name: 'other' })
  assert.match(second.lines.join(), /not configured any more/)
  await second.store.flush()
  assert.deepEqual(
    [...second.store.data.keys()].filter((key) => /^b\/[cqs]\/.*up/.test(key)),
    [],
  )
})

test('upstream does not speak for this broker, nor of topics that no rule is for', async (t) => {
  const line = new Line()
  const upstream = (await startBroker()).broker
  line.upstream = upstream
  const rules: readonly BridgeRule[] = [{ direction: 'in', filter: 'a/#', qos: 1 }]
  const { broker } = await startBridged(t, line, rules)
  const below = await reader(broker, '#')
  // Left over from other rules in the session that upstream keeps.
  const session = await TestClient.connect(upstream, 'site-1', { clean: false })
  await session.subscribe('b/#', 1)
  session.disconnect()
  await session.closed()
  const again = await startBridged(t, line, rules)
  upstream.publish({ topic: 'b/1', payload: Buffer.from('x'), qos: 1, retain: false })
  upstream.publish({ topic: 'a/1', payload: Buffer.from('x'), qos: 1, retain: false })
  await settle(30)
  assert.equal(again.broker.statistics.bridgeRefused, 1)
  assert.equal(again.broker.statistics.bridgeReceived, 1)
  assert.deepEqual(below.messages, [])
})

test('a message from upstream that is too large is passed over, acknowledged and counted, or it would come again for ever', async (t) => {
  const line = new Line()
  const upstream = (await startBroker({ limits: { maxPacketBytes: 1_000_000, slowConsumerDropBytes: 1_000_000 } }))
    .broker
  line.upstream = upstream
  const { broker, lines } = await startBridged(t, line, [{ direction: 'in', filter: '#', qos: 2 }])
  const below = await reader(broker, '#')
  for (const qos of [0, 1, 2] as const)
    upstream.publish({ topic: 'large', payload: Buffer.alloc(300_000), qos, retain: false })
  upstream.publish({ topic: 'next', payload: Buffer.from('comes'), qos: 2, retain: false })
  await settle(60)
  assert.deepEqual(below.messages, ['next comes'])
  assert.deepEqual([line.attempts, broker.statistics.bridgeRefused], [1, 3])
  assert.match(lines.join(), /a message from upstream was not taken/)
})

test('upstream is sent no more at a time than it may have unacknowledged', async (t) => {
  const identifiers: number[] = []
  let far: Duplex | undefined
  const open = () => {
    const [near, other] = duplexPair()
    far = other
    const parser = mqtt.parser()
    parser.on('packet', (packet) => {
      if (packet.cmd === 'connect') other.write(mqtt.generate({ cmd: 'connack', returnCode: 0, sessionPresent: false }))
      if (packet.cmd === 'publish') identifiers.push(packet.messageId as number)
    })
    other.on('data', (chunk) => parser.parse(chunk))
    return near
  }
  const rule = { ...out, qos: 2 } as const
  const { broker } = await startBridged(t, new Line(), [rule], undefined, { open, maxInflight: 3 })
  for (let n = 0; n < 5; n++) broker.publish({ topic: 't', payload: Buffer.alloc(1), qos: 2, retain: false })
  await settle(20)
  assert.equal(identifiers.length, 3)
  // It is room for another one when it is done with, not when it has arrived.
  const [first = 0] = identifiers
  far?.write(mqtt.generate({ cmd: 'pubrec', messageId: first }))
  await settle(20)
  assert.equal(identifiers.length, 3)
  far?.write(mqtt.generate({ cmd: 'pubcomp', messageId: first }))
  await settle(20)
  assert.equal(identifiers.length, 4)
})

test('$SYS says whether a bridge is up', async (t) => {
  const line = new Line()
  line.upstream = (await startBroker()).broker
  const { broker } = await startBridged(t, line, [out])
  const states = async () => {
    const client = await TestClient.connect(broker, 'monitor')
    await client.subscribe('$SYS/broker/connection/+/state')
    await settle()
    return client.messages
  }
  assert.deepEqual(await states(), ['$SYS/broker/connection/up/state 1'])
  line.cut()
  await settle()
  assert.deepEqual(await states(), ['$SYS/broker/connection/up/state 0'])
})
