/**
 * Retained messages and sessions behind Aedes' persistence interface. Memory is the truth and answers at once; the disk follows in the
 * shared commit group, and whoever must not be told before that waits for `settled`.
 */

import { Readable } from 'node:stream'
import type { Store, StoreError } from '../store/store.ts'
import { TopicTree } from './filter-tree.ts'
import { type Session, SessionTable } from './session.ts'
import {
  decodeMessage,
  encodeMessage,
  inboundKey,
  parseClientKey,
  prefixes,
  queueKey,
  retainedKey,
  SessionRecords,
  subscriptionKey,
} from './session-record.ts'
import type { AedesPacket, ClientReference, QoS, Subscription } from './surface.ts'

export class Persistence {
  readonly sessions: SessionTable
  readonly #records: SessionRecords
  readonly #store: Store
  readonly #brokerId: string
  readonly #retained = new TopicTree<AedesPacket>()
  readonly #wills = new Map<string, AedesPacket & { clientId: string; brokerId: string }>()
  retainedBytes = 0
  /** The highest broker counter found in the store: the next message gets a higher one, so that queues keep their order. */
  highestCounter = 0

  constructor({ store, brokerId }: { readonly store: Store; readonly brokerId: string }) {
    this.#store = store
    this.#brokerId = brokerId
    this.#records = new SessionRecords(store)
    this.sessions = new SessionTable(this.#records)
  }

  get retainedCount(): number {
    return this.#retained.size
  }

  /** Loads what the store holds; Aedes insists on an async function of this name. */
  async setup(): Promise<void> {
    const range = (prefix: string) => ({ from: prefix, to: `${prefix}\u{10ffff}` })
    for await (const [key, bytes] of this.#store.scanBytes(range(prefixes.retained)))
      this.#remember(decodeMessage(bytes, this.#brokerId, 0), key.slice(prefixes.retained.length))
    for await (const [key, text] of this.#store.scanText(range(prefixes.subscription))) {
      const [clientId, filter] = parseClientKey(key, prefixes.subscription)
      const subscription = { ...(JSON.parse(text) as Omit<Subscription, 'topic'>), topic: filter }
      this.sessions.subscribe(this.sessions.obtain(clientId), subscription)
    }
    for await (const [key, bytes] of this.#store.scanBytes(range(prefixes.queue))) {
      const [clientId, counterText] = parseClientKey(key, prefixes.queue)
      const counter = Number.parseInt(counterText, 36)
      const session = this.sessions.obtain(clientId)
      const packet = decodeMessage(bytes, this.#brokerId, counter)
      session.enqueue(packet)
      if (packet.messageId !== undefined) session.sent.set(packet.messageId, counter)
      this.highestCounter = Math.max(this.highestCounter, counter)
    }
    for await (const [key] of this.#store.scanText(range(prefixes.inbound))) {
      const [clientId, messageId] = parseClientKey(key, prefixes.inbound)
      this.sessions.obtain(clientId).inbound.set(Number(messageId), Promise.resolve())
    }
  }

  async destroy(): Promise<void> {}

  /** Calls when everything changed so far is on the disk, or lost. */
  settled(call: (error: StoreError | undefined) => void): void {
    this.#records.settled(call)
  }

  /** Retains a message, or forgets the one of its topic when the payload is empty. [MQTT-3.3.1-10] */
  retain(packet: AedesPacket): void {
    const { topic } = packet
    const before = this.#retained.get(topic)
    this.#records.onUndo(() => this.#remember(before, topic))
    if (packet.payload.length === 0) {
      this.#remember(undefined, topic)
      if (before !== undefined) this.#records.remove(retainedKey(topic))
      return
    }
    // A copy: the payload as it came is a view of everything that was read with it.
    const payload = Buffer.from(packet.payload)
    const kept: AedesPacket = { ...packet, payload, retain: true, dup: false, messageId: undefined }
    this.#remember(kept, topic)
    this.#records.put(retainedKey(topic), () => encodeMessage(kept))
  }

  #remember(packet: AedesPacket | undefined, topic: string): void {
    const before = this.#retained.get(topic)
    if (before !== undefined) this.retainedBytes -= before.payload.length
    if (packet === undefined) this.#retained.delete(topic)
    else {
      this.#retained.set(topic, packet)
      this.retainedBytes += packet.payload.length
    }
  }

  *retainedFor(filter: string): Iterable<AedesPacket> {
    yield* this.#retained.find(filter)
  }

  /** Queues a QoS 1 or 2 message for every persistent session that wants it; how many there were. */
  enqueueForSessions(packet: AedesPacket): number {
    const wanting = this.sessions.wanting(packet.topic)
    for (const [session, granted] of wanting) {
      const qos = Math.min(packet.qos, granted) as QoS
      const payload = Buffer.from(packet.payload)
      this.#enqueue(session, { ...packet, payload, qos, retain: false, dup: false, messageId: undefined })
    }
    return wanting.size
  }

  #enqueue(session: Session, packet: AedesPacket): void {
    session.enqueue(packet)
    const { brokerCounter } = packet
    this.#records.onUndo(() => session.dequeue(brokerCounter))
    this.#records.put(queueKey(session.clientId, brokerCounter), () =>
      encodeMessage(session.queue.get(brokerCounter)?.packet ?? packet),
    )
  }

  /** Queues a message for one session only: a retained message that answers a subscription. */
  enqueueFor(session: Session, packet: AedesPacket): void {
    this.#enqueue(session, packet)
  }

  /** Notes the message identifier a queued message is sent with. False when the message is not queued any more. */
  markSent(session: Session, counter: number, messageId: number): boolean {
    const message = session.queue.get(counter)
    if (message === undefined) return false
    if (message.packet.messageId !== undefined) session.sent.delete(message.packet.messageId)
    message.packet.messageId = messageId
    session.sent.set(messageId, counter)
    // QoS 2 must be told apart from a new message after a restart; QoS 1 may come twice.
    if (message.packet.qos === 2)
      this.#records.put(queueKey(session.clientId, counter), () => encodeMessage(message.packet))
    return true
  }

  // From here on: the interface of aedes-persistence, for what Aedes itself calls.

  async storeRetained(packet: AedesPacket): Promise<void> {
    this.retain(packet)
  }

  createRetainedStream(filter: string): Readable {
    return Readable.from([...this.retainedFor(filter)])
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    return Readable.from(filters.flatMap((filter) => [...this.retainedFor(filter)]))
  }

  async addSubscriptions(client: ClientReference, subscriptions: readonly Subscription[]): Promise<void> {
    const session = this.sessions.obtain(client.id)
    for (const { topic, qos, rh, rap, nl } of subscriptions) {
      const subscription: Subscription = {
        topic,
        qos,
        ...(rh === undefined ? {} : { rh }),
        ...(rap === undefined ? {} : { rap }),
        ...(nl === undefined ? {} : { nl }),
      }
      this.sessions.subscribe(session, subscription)
      const { topic: _, ...stored } = subscription
      this.#records.put(subscriptionKey(client.id, topic), () => JSON.stringify(stored))
    }
    await this.#committed()
  }

  async removeSubscriptions(client: ClientReference, filters: readonly string[]): Promise<void> {
    const session = this.sessions.get(client.id)
    if (session === undefined) return
    for (const filter of filters) {
      this.sessions.unsubscribe(session, filter)
      this.#records.remove(subscriptionKey(client.id, filter))
    }
    await this.#committed()
  }

  async subscriptionsByClient(client: ClientReference): Promise<Subscription[]> {
    return [...(this.sessions.get(client.id)?.subscriptions.values() ?? [])]
  }

  async countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    let subsCount = 0
    let clientsCount = 0
    for (const session of this.sessions.values()) {
      if (session.subscriptions.size > 0) clientsCount++
      for (const { qos } of session.subscriptions.values()) if (qos > 0) subsCount++
    }
    return { subsCount, clientsCount }
  }

  async subscriptionsByTopic(topic: string): Promise<{ clientId: string; topic: string; qos: QoS }[]> {
    return [...this.sessions.wanting(topic)].map(([{ clientId }, qos]) => ({ clientId, topic, qos }))
  }

  /** A clean session begins: everything of the old one is forgotten. [MQTT-3.1.2-6] */
  async cleanSubscriptions(client: ClientReference): Promise<void> {
    this.sessions.end(client.id)
  }

  async outgoingEnqueue(subscription: { readonly clientId: string }, packet: AedesPacket): Promise<void> {
    this.#enqueue(this.sessions.obtain(subscription.clientId), { ...packet })
  }

  async outgoingEnqueueCombi(
    subscriptions: readonly { readonly clientId: string }[],
    packet: AedesPacket,
  ): Promise<void> {
    for (const { clientId } of subscriptions) this.#enqueue(this.sessions.obtain(clientId), { ...packet })
  }

  /** A PUBLISH is sent with its message identifier, or its PUBREC came and a PUBREL takes its place. */
  async outgoingUpdate(client: ClientReference, packet: AedesPacket): Promise<void> {
    const session = this.sessions.get(client.id)
    const counter = packet.cmd === 'pubrel' ? session?.sent.get(packet.messageId as number) : packet.brokerCounter
    if (session === undefined || counter === undefined || !session.queue.has(counter)) throw new Error('no such packet')
    if (packet.cmd === 'publish') {
      this.markSent(session, counter, packet.messageId as number)
      return
    }
    const message = session.queue.get(counter)
    if (message === undefined) return
    session.queuedBytes -= message.packet.payload.length
    message.packet = { ...message.packet, cmd: 'pubrel', payload: Buffer.alloc(0), messageId: packet.messageId }
    this.#records.put(queueKey(client.id, counter), () => encodeMessage(message.packet))
  }

  async outgoingClearMessageId(client: ClientReference, packet: AedesPacket): Promise<AedesPacket | undefined> {
    const session = this.sessions.get(client.id)
    const counter = session?.sent.get(packet.messageId as number)
    if (session === undefined || counter === undefined) return undefined
    const message = session.dequeue(counter)
    this.#records.remove(queueKey(client.id, counter))
    return message?.packet
  }

  outgoingStream(client: ClientReference): Readable {
    return Readable.from([...(this.sessions.get(client.id)?.queue.values() ?? [])].map(({ packet }) => packet))
  }

  /**
   * Rejects when an inbound QoS 2 message is new. It is noted in the same breath, so that its duplicate in the same chunk of bytes is known
   * as one; that one's PUBREC waits until the first is stored. [MQTT-4.3.3-2]
   */
  async incomingGetPacket(client: ClientReference, packet: AedesPacket): Promise<AedesPacket> {
    const messageId = packet.messageId as number
    const inbound = this.sessions.get(client.id)?.inbound.get(messageId)
    if (inbound !== undefined) {
      await inbound
      return packet
    }
    if (packet.cmd === 'publish') this.#noteInbound(client.id, messageId)
    throw new Error('no such packet')
  }

  #noteInbound(clientId: string, messageId: number): void {
    const stored = this.#committed()
    // Whoever waits for it hears of a failure; nobody has to wait.
    stored.catch(() => {})
    this.sessions.obtain(clientId).inbound.set(messageId, stored)
    this.#records.put(inboundKey(clientId, messageId), () => '')
  }

  async incomingStorePacket(client: ClientReference, packet: AedesPacket): Promise<void> {
    const messageId = packet.messageId as number
    if (this.sessions.get(client.id)?.inbound.has(messageId) !== true) this.#noteInbound(client.id, messageId)
  }

  async incomingDelPacket(client: ClientReference, packet: AedesPacket): Promise<void> {
    const messageId = packet.messageId as number
    if (this.sessions.get(client.id)?.inbound.delete(messageId) !== true) throw new Error('no such packet')
    this.#records.remove(inboundKey(client.id, messageId))
  }

  async cleanIncoming(client: ClientReference): Promise<void> {
    const session = this.sessions.get(client.id)
    if (session === undefined) return
    for (const messageId of session.inbound.keys()) this.#records.remove(inboundKey(client.id, messageId))
    session.inbound.clear()
    if (session.isEmpty) this.sessions.end(client.id)
  }

  async putWill(client: ClientReference, packet: AedesPacket): Promise<void> {
    this.#wills.set(client.id, Object.assign(packet, { clientId: client.id, brokerId: this.#brokerId }))
  }

  async getWill(client: ClientReference): Promise<AedesPacket | undefined> {
    return this.#wills.get(client.id)
  }

  async delWill(client: ClientReference): Promise<AedesPacket | undefined> {
    const will = this.#wills.get(client.id)
    this.#wills.delete(client.id)
    return will
  }

  streamWill(brokers: Readonly<Record<string, unknown>> = {}): Readable {
    return Readable.from([...this.#wills.values()].filter(({ brokerId }) => brokers[brokerId] === undefined))
  }

  getClientList(topic: string): Readable {
    const clients = [...this.sessions.values()].filter(({ subscriptions }) => subscriptions.has(topic))
    return Readable.from(clients.map(({ clientId }) => clientId))
  }

  #committed(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.settled((error) => (error === undefined ? resolve() : reject(error)))
    })
  }
}
