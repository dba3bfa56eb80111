import assert from 'node:assert/strict'
import test from 'node:test'
import type { Broker, TopicConsumer } from '../../src/broker/broker.ts'
import { settle, startBroker, TestClient } from './client.ts'

/** Answers a request on `ask/<client>` with its payload turned round, on `answer/<client>`. */
function turnRound(broker: Broker): TopicConsumer {
  return {
    takes: (topic) => topic.startsWith('ask/'),
    consume({ topic, payload, qos }, done) {
      const answer = [...payload.toString()].reverse().join('')
      broker.send({ topic: topic.replace('ask/', 'answer/'), payload: answer, qos: qos === 0 ? 0 : 1, parkMs: 2000 })
      done()
    },
  }
}

/** A small generator of pseudo-random numbers: the same seed, the same sessions. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
}

/** What three clients and a monitor see of a random stream of requests and plain messages. */
async function session(fastPath: boolean, seed: number): Promise<readonly (readonly string[])[]> {
  const { broker } = await startBroker({ fastPath })
  broker.consume(turnRound(broker))
  const next = random(seed)
  const clients = await Promise.all(
    ['a', 'b', 'c'].map((name, index) => TestClient.connect(broker, name, { clean: index !== 2 })),
  )
  for (const [index, client] of clients.entries()) {
    await client.subscribe(`answer/${'abc'[index]}`, (index % 3) as 0)
    await client.subscribe('plain/#', 1)
  }
  const monitor = seed % 2 === 0 ? await TestClient.connect(broker, 'monitor') : undefined
  await monitor?.subscribe('#', 0)
  for (let count = 0; count < 60; count++) {
    const index = next(3)
    const client = clients[index] as TestClient
    const qos = next(3) as 0 | 1 | 2
    const topic = next(4) === 0 ? `plain/${next(3)}` : `ask/${'abc'[index]}`
    await client.publish(topic, `${seed}-${count}`, qos, { retain: next(5) === 0 })
    await settle(3)
  }
  await settle(20)
  const late = await TestClient.connect(broker, 'late')
  await late.subscribe('ask/#')
  await settle()
  return [...clients, ...(monitor === undefined ? [] : [monitor]), late].map(({ messages }) => messages)
}

test('the fast path and ordinary routing show every client the same', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const fast = await session(true, seed)
    const slow = await session(false, seed)
    // A monitor sees a request before its answer on one path and after it on the other.
    const comparable = (seen: readonly (readonly string[])[]) =>
      seen.map((messages, index) => (index === 3 ? [...messages].sort() : messages))
    assert.deepEqual(comparable(fast), comparable(slow), `seed ${seed}`)
    assert.ok((fast[0]?.length ?? 0) > 10)
  }
})

test('an answer waits for its client to subscribe; a monitor of everything is not that client', async () => {
  const { broker, clock } = await startBroker()
  const monitor = await TestClient.connect(broker, 'monitor')
  await monitor.subscribe('#')
  const client = await TestClient.connect(broker, 'client')
  const send = (topic: string) =>
    broker.send({ topic, payload: 'x', qos: 1, parkMs: 2000, addressee: topic.split('/')[1] ?? '' })
  assert.equal(send('answer/client'), 'parked')
  assert.equal(send('answer/other'), 'parked')
  await client.subscribe('answer/client', 1)
  await settle()
  assert.deepEqual(client.messages, ['answer/client x'])
  assert.equal(send('answer/client'), 'routed')
  clock.advance(2000)
  await client.subscribe('answer/other', 1)
  await settle()
  assert.deepEqual(client.messages, ['answer/client x', 'answer/client x'], 'what was parked too long is gone')
  assert.deepEqual(monitor.messages, ['answer/client x', 'answer/other x', 'answer/client x'])
  assert.equal(broker.send({ topic: 'answer/nobody', payload: 'x', qos: 1, addressee: 'nobody' }), 'nobody')
})

test('parked messages are bounded: the oldest go', async () => {
  const { broker } = await startBroker({ limits: { maxParkedMessages: 3 } })
  for (let n = 0; n < 5; n++) broker.send({ topic: `answer/${n}`, payload: String(n), qos: 0, parkMs: 2000 })
  const client = await TestClient.connect(broker, 'client')
  await client.subscribe('answer/+')
  await settle()
  assert.deepEqual(client.messages, ['answer/2 2', 'answer/3 3', 'answer/4 4'])
})

test('requests to a consumer are never retained', async () => {
  const { broker } = await startBroker()
  broker.consume(turnRound(broker))
  const client = await TestClient.connect(broker, 'client')
  await client.publish('ask/client', 'kept?', 1, { retain: true })
  await client.subscribe('#')
  await settle()
  assert.deepEqual(client.messages, ['answer/client ?tpek'])
  assert.equal(broker.retainedMessages, 0)
})
