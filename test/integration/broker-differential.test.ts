/**
 * The broker against mosquitto: the same random sessions of several clients, and what each client saw. Where the two may differ, the standard
 * says so; those places are the table below, and nothing else differs.
 */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { IPublishPacket } from 'mqtt-packet'
import { matchesFilter } from '../../src/broker/filter-tree.ts'
import { type Accepting, settle, startBroker, TestClient } from '../broker/client.ts'
import { Mosquitto, withoutMosquitto } from './mosquitto.ts'

/**
 * What mosquitto 2.0.11 does otherwise, and why both are right or it is not:
 *
 * | difference | clause |
 * | --- | --- |
 * | a message that matches several subscriptions of a client comes at the QoS of one of them; here at the highest | [MQTT-3.3.5-1] |
 * | the order in which retained messages of several topics answer one subscription | 4.6: topics are ordered each for itself |
 */
const names = ['clean 1', 'clean 2', 'kept 1', 'kept 2'] as const
const topics = ['a', 'a/b', 'a/c', 'b', 'b/c/d', '/a', 'a/', '$x/y', 'ü/ß'] as const
const filters = ['#', 'a/#', '+/b', 'a/b', '+', '/+', 'b/c/d', 'a/+', '$x/#', '+/+', 'ü/#', 'a/+/#', 'b'] as const

type Step =
  | { readonly kind: 'connect' | 'drop' | 'disconnect'; readonly client: number; readonly will: number | undefined }
  | { readonly kind: 'subscribe'; readonly client: number; readonly filter: string; readonly qos: 0 | 1 | 2 }
  | { readonly kind: 'unsubscribe'; readonly client: number; readonly filter: string }
  | {
      readonly kind: 'publish'
      readonly client: number
      readonly topic: string
      readonly qos: 0 | 1 | 2
      readonly retain: boolean
      readonly payload: string
    }

function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
}

function makeSteps(seed: number, count: number): readonly Step[] {
  const next = random(seed)
  const pick = <T>(values: readonly T[]) => values[next(values.length)] as T
  const isConnected = names.map(() => false)
  const steps: Step[] = []
  while (steps.length < count) {
    const client = next(names.length)
    if (!isConnected[client]) {
      steps.push({ kind: 'connect', client, will: next(2) === 0 ? next(topics.length) : undefined })
      isConnected[client] = true
      continue
    }
    const kind = next(20)
    if (kind < 6) steps.push({ kind: 'subscribe', client, filter: pick(filters), qos: next(3) as 0 })
    else if (kind < 8) steps.push({ kind: 'unsubscribe', client, filter: pick(filters) })
    else if (kind < 10) {
      steps.push({ kind: kind === 8 ? 'drop' : 'disconnect', client, will: undefined })
      isConnected[client] = false
    } else {
      const payload = next(8) === 0 ? '' : `m${steps.length}`
      steps.push({ kind: 'publish', client, topic: pick(topics), qos: next(3) as 0, retain: next(3) === 0, payload })
    }
  }
  return steps
}

/** What every client saw in every step, with what may differ taken out. */
async function play(broker: Accepting, steps: readonly Step[], prefix: string): Promise<readonly string[]> {
  const clients: (TestClient | undefined)[] = names.map(() => undefined)
  const subscriptions = names.map(() => new Set<string>())
  const seen: string[] = []
  for (const [index, step] of steps.entries()) {
    const client = clients[step.client]
    const name = names[step.client] as string
    const isKept = name.startsWith('kept')
    if (step.kind === 'connect') {
      const topic = topics[step.will ?? -1]
      const will = topic && { topic, payload: Buffer.from(`will${index}`), qos: 1 as const, retain: index % 2 === 0 }
      const connected = await TestClient.connect(broker, prefix + name, { clean: !isKept, ...(will && { will }) })
      clients[step.client] = connected
      if (!isKept) subscriptions[step.client] = new Set()
      seen.push(`${index} ${name} connected, session present: ${connected.sessionPresent}`)
    } else if (step.kind === 'subscribe') {
      const granted = await client?.subscribe(step.filter, step.qos)
      subscriptions[step.client]?.add(step.filter)
      seen.push(`${index} ${name} subscribed ${step.filter}: ${granted}`)
    } else if (step.kind === 'unsubscribe') {
      client?.send({ cmd: 'unsubscribe', messageId: 60_000 + index, unsubscriptions: [step.filter] })
      await client?.until((packet) => packet.cmd === 'unsuback' && packet.messageId === 60_000 + index)
      subscriptions[step.client]?.delete(step.filter)
    } else if (step.kind === 'publish')
      await client?.publish(step.topic, step.payload, step.qos, { retain: step.retain })
    else {
      if (step.kind === 'drop') client?.drop()
      else client?.disconnect()
      await client?.closed()
      clients[step.client] = undefined
    }
    // The one that did something first: it may be what the others hear.
    for (const present of [clients[step.client], ...clients]) if (present?.isOpen === true) await quiet(present)
    for (const [other, present] of clients.entries()) {
      if (present === undefined) continue
      const filtersOf = subscriptions[other] as ReadonlySet<string>
      const heard = present.heard.splice(0).flatMap((packet) => {
        if (packet.cmd !== 'publish') return []
        const { topic, payload, qos, retain } = packet as IPublishPacket
        const matching = [...filtersOf].filter((filter) => matchesFilter(filter, topic))
        return [
          { topic, text: `${topic} ${payload} ${matching.length > 1 ? '' : `QoS ${qos}`}${retain ? ' retained' : ''}` },
        ]
      })
      const sorted = heard.sort((left, right) => (left.topic < right.topic ? -1 : left.topic > right.topic ? 1 : 0))
      seen.push(...sorted.map(({ text }) => `${index} ${names[other]} heard ${text}`))
    }
  }
  for (const client of clients) client?.disconnect()
  return seen
}

/** Everything that the broker had for a client has arrived when it answers. */
async function quiet(client: TestClient): Promise<void> {
  const count = () => client.heard.filter(({ cmd }) => cmd === 'pingresp').length
  // Twice: what the first round acknowledges may let more come.
  for (let round = 0; round < 2; round++) {
    const before = count()
    client.send({ cmd: 'pingreq' })
    await client.until(() => count() > before || !client.isOpen)
    await settle(2)
  }
}

test('random sessions look the same to every client as with mosquitto', { skip: withoutMosquitto }, async (t) => {
  const theirs = await Mosquitto.prepare(t)
  await theirs.start()
  let heard = 0
  for (let seed = 1; seed <= 25; seed++) {
    const steps = makeSteps(seed, 60)
    const { broker } = await startBroker()
    const [ours, expected] = await Promise.all([play(broker, steps, ''), play(theirs, steps, `${seed} `)])
    assert.deepEqual(ours, expected, `seed ${seed}`)
    heard += ours.filter((line) => line.includes(' heard ')).length
    // What it retains would be there for the next seed.
    const sweeper = await TestClient.connect(theirs, 'sweeper')
    for (const topic of topics) await sweeper.publish(topic, '', 1, { retain: true })
    sweeper.disconnect()
  }
  assert.ok(heard > 1000, `only ${heard} messages were compared`)
})
