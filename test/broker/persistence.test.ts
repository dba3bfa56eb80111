/**
 * The suite that aedes-persistence ships for persistences, on what keeps our sessions and retained messages. The interface that it speaks is
 * translated here, for the broker does not use it; options of MQTT 5 are held by the translation (docs/decisions/012).
 */

import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import test from 'node:test'
import { BrokerState } from '../../src/broker/broker-state.ts'
import { matchesFilter } from '../../src/broker/filter-tree.ts'
import { defaultBrokerLimits } from '../../src/broker/limits.ts'
import { Message } from '../../src/broker/message.ts'
import type { QueuedMessage } from '../../src/broker/queued-message.ts'
import type { Session } from '../../src/broker/session.ts'
import type { QoS } from '../../src/broker/surface.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { ManualClock } from '../bindings/fixture.ts'

interface Packet {
  readonly cmd: string
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain?: boolean
  readonly brokerId?: string
  brokerCounter?: number
  messageId?: number | undefined
}

interface Client {
  readonly id: string
}

type Subscription = { readonly topic: string; readonly qos: QoS } & Record<string, unknown>

class Translation {
  readonly #state: BrokerState
  readonly #options = new Map<string, Subscription>()
  readonly #wills = new Map<string, Packet & { clientId: string; brokerId: string }>()
  readonly #originals = new WeakMap<Message, Packet>()
  broker: { readonly id: string; counter: number } = { id: '', counter: 0 }

  constructor() {
    const clock = new ManualClock()
    this.#state = new BrokerState({
      store: new MemoryStore({ clock }),
      clock,
      limits: defaultBrokerLimits,
      overflowed() {},
      ended() {},
      notRetained() {},
    })
  }

  async setup(broker: { readonly id: string; counter: number }): Promise<void> {
    this.broker = broker
    await this.#state.load()
  }

  async destroy(): Promise<void> {
    this.#state.sessions.stop()
  }

  async storeRetained(packet: Packet): Promise<void> {
    const message = this.#message(packet)
    this.#state.retained.set(message)
    await this.#kept()
  }

  createRetainedStream(filter: string): Readable {
    return this.createRetainedStreamCombi([filter])
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    const found = filters.flatMap((filter) => [...this.#state.retained.matching(filter)])
    return Readable.from(found.map((message) => ({ ...this.#originals.get(message), payload: message.payload })))
  }

  async addSubscriptions(client: Client, subscriptions: readonly Subscription[]): Promise<void> {
    const session = this.#session(client.id)
    for (const subscription of subscriptions) {
      this.#state.sessions.subscribe(session, subscription.topic, subscription.qos)
      this.#options.set(`${client.id} ${subscription.topic}`, subscription)
    }
    await this.#kept()
  }

  async removeSubscriptions(client: Client, filters: readonly string[]): Promise<void> {
    const session = this.#session(client.id)
    for (const filter of filters) this.#state.sessions.unsubscribe(session, filter)
    await this.#kept()
  }

  async subscriptionsByClient(client: Client): Promise<readonly Subscription[]> {
    return [...this.#session(client.id).subscriptions].map(([topic, qos]) => this.#subscription(client.id, topic, qos))
  }

  async subscriptionsByTopic(topic: string): Promise<readonly Subscription[]> {
    // Per subscription, as Aedes would like it; our router merges those of a client.
    return this.#state.router.routeOf(topic).receivers.flatMap(({ session: { clientId, subscriptions } }) =>
      [...subscriptions]
        .filter(([filter, qos]) => qos > 0 && matchesFilter(filter, topic))
        // The suite has wildcards first.
        .reverse()
        .map(([filter, qos]) => ({ ...this.#subscription(clientId, filter, qos), clientId })),
    )
  }

  async countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    const all = [...this.#state.sessions.values()].map(({ subscriptions }) => [...subscriptions.values()])
    return {
      subsCount: all.flat().filter((qos) => qos > 0).length,
      clientsCount: all.filter(({ length }) => length > 0).length,
    }
  }

  async cleanSubscriptions(client: Client): Promise<void> {
    this.#state.sessions.end(this.#session(client.id))
  }

  async outgoingEnqueue({ clientId }: { readonly clientId: string }, packet: Packet): Promise<void> {
    this.#session(clientId).offer(this.#message(packet), packet.qos as 1 | 2)
  }

  async outgoingEnqueueCombi(subscriptions: readonly { readonly clientId: string }[], packet: Packet): Promise<void> {
    for (const subscription of subscriptions) await this.outgoingEnqueue(subscription, packet)
  }

  /** The broker numbers messages itself as it sends them; here they are told. */
  async outgoingUpdate(client: Client, packet: Packet): Promise<void> {
    const session = this.#session(client.id)
    const { messageId } = packet
    if (packet.cmd === 'pubrel') {
      session.received(messageId as number)
      return
    }
    const queued = [...session.queue()].find(({ counter }) => counter === packet.brokerCounter)
    if (queued === undefined) throw new Error('no such packet')
    session.forget(queued)
    session.restore({ ...queued, messageId })
  }

  async outgoingClearMessageId(client: Client, { messageId }: Packet): Promise<Packet | undefined> {
    const session = this.#session(client.id)
    const queued = [...session.queue()].find((each) => each.messageId === messageId)
    if (queued === undefined) return undefined
    if (queued.qos === 1) session.acknowledged(messageId as number)
    else session.completed(messageId as number)
    return this.#packet(queued)
  }

  outgoingStream(client: Client): Readable {
    const queue = [...this.#session(client.id).queue()].sort((left, right) => left.counter - right.counter)
    return Readable.from(queue.map((queued) => this.#packet(queued)))
  }

  async incomingStorePacket(client: Client, packet: Packet): Promise<void> {
    this.#session(client.id).beginInbound(packet.messageId as number)
    const { length: _, ...kept } = packet as Packet & { length?: number }
    this.#inbound.set(`${client.id} ${packet.messageId}`, kept)
  }

  readonly #inbound = new Map<string, Packet>()

  async incomingGetPacket(client: Client, packet: Packet): Promise<Packet> {
    if (!this.#session(client.id).inbound.has(packet.messageId as number)) throw new Error('no such packet')
    return { ...(this.#inbound.get(`${client.id} ${packet.messageId}`) as Packet) }
  }

  async incomingDelPacket(client: Client, packet: Packet): Promise<void> {
    await this.incomingGetPacket(client, packet)
    this.#session(client.id).endInbound(packet.messageId as number)
  }

  async cleanIncoming(client: Client): Promise<void> {
    const session = this.#session(client.id)
    for (const messageId of [...session.inbound]) session.endInbound(messageId)
  }

  async putWill(client: Client, packet: Packet): Promise<void> {
    this.#wills.set(client.id, Object.assign(packet, { clientId: client.id, brokerId: this.broker.id }))
  }

  async getWill(client: Client): Promise<Packet | undefined> {
    return this.#wills.get(client.id)
  }

  async delWill(client: Client): Promise<Packet | undefined> {
    const will = this.#wills.get(client.id)
    this.#wills.delete(client.id)
    return will
  }

  streamWill(brokers: Readonly<Record<string, unknown>> = {}): Readable {
    return Readable.from([...this.#wills.values()].filter(({ brokerId }) => brokers[brokerId] === undefined))
  }

  getClientList(topic: string): Readable {
    return Readable.from(this.#state.router.routeOf(topic).receivers.map(({ session }) => session.clientId))
  }

  #session(clientId: string): Session {
    return this.#state.sessions.restore(clientId)
  }

  #subscription(clientId: string, topic: string, qos: QoS): Subscription {
    return { ...this.#options.get(`${clientId} ${topic}`), topic, qos }
  }

  #message(packet: Packet): Message {
    const { topic, payload, qos } = packet
    const message = Message.of({ topic, payload, qos, retain: packet.retain ?? false })
    message.counter = packet.brokerCounter ?? this.#state.nextCounter()
    this.#originals.set(message, { ...packet })
    return message
  }

  #packet({ message, qos, retain, messageId, isReleased, counter }: QueuedMessage): Packet {
    const head = { brokerId: this.broker.id, brokerCounter: counter, messageId }
    const { topic, payload } = message
    const packet = isReleased
      ? { cmd: 'pubrel', messageId }
      : { ...head, cmd: 'publish', topic, payload, qos, retain, dup: false }
    return packet as Packet
  }

  #kept(): Promise<void> {
    return new Promise((resolve, reject) => this.#state.settled((error) => (error ? reject(error) : resolve())))
  }
}

const suite = createRequire(import.meta.url)('aedes-persistence/abstract.js') as (options: unknown) => void

const excluded: Readonly<Record<string, string>> = {
  'add outgoing packet as a string and stream': 'a payload is bytes, which a text is not',
  'update to publish w/ same messageId':
    'two unacknowledged messages have one identifier, which [MQTT-2.3.1-4] forbids',
}

suite({
  test: (name: string, run: (t: test.TestContext) => Promise<void>) =>
    test(name, { skip: excluded[name] ?? false }, run),
  persistence: () => new Translation(),
  testAsync: true,
})
