/** What the broker remembers of a client with a persistent session: its subscriptions, and the messages it has not acknowledged yet. */

import { FilterTree, matchesFilter } from './filter-tree.ts'
import { queueKey, type SessionRecords, subscriptionKey } from './session-record.ts'
import type { AedesPacket, QoS, Subscription } from './surface.ts'

/** A message on its way to a client, in the order in which the broker took it. */
export interface QueuedMessage {
  readonly counter: number
  packet: AedesPacket
}

export class Session {
  readonly clientId: string
  readonly subscriptions = new Map<string, Subscription>()
  /** By broker counter, in order. */
  readonly queue = new Map<number, QueuedMessage>()
  /** Counters of queued messages by the message identifier they were sent with. */
  readonly sent = new Map<number, number>()
  /** Message identifiers of inbound QoS 2 messages that wait for PUBREL, with who waits for their commit. */
  readonly inbound = new Map<number, Promise<void>>()
  queuedBytes = 0

  constructor(clientId: string) {
    this.clientId = clientId
  }

  enqueue(packet: AedesPacket): void {
    const counter = packet.brokerCounter
    this.queue.set(counter, { counter, packet })
    this.queuedBytes += packet.payload.length
  }

  dequeue(counter: number): QueuedMessage | undefined {
    const message = this.queue.get(counter)
    if (message === undefined) return undefined
    this.queue.delete(counter)
    if (message.packet.messageId !== undefined) this.sent.delete(message.packet.messageId)
    this.queuedBytes -= message.packet.payload?.length ?? 0
    return message
  }

  /** The highest QoS granted to a subscription that matches. */
  grantedFor(topic: string): 1 | 2 {
    let granted: QoS = 1
    for (const { topic: filter, qos } of this.subscriptions.values())
      if (qos > granted && matchesFilter(filter, topic)) granted = qos
    return granted as 1 | 2
  }

  get isEmpty(): boolean {
    return this.subscriptions.size === 0 && this.queue.size === 0 && this.inbound.size === 0
  }
}

/** All persistent sessions, and which of them want a message. */
export class SessionTable {
  readonly #sessions = new Map<string, Session>()
  readonly #filters = new FilterTree<Session>()
  readonly #records: SessionRecords

  constructor(records: SessionRecords) {
    this.#records = records
  }

  get size(): number {
    return this.#sessions.size
  }

  get(clientId: string): Session | undefined {
    return this.#sessions.get(clientId)
  }

  obtain(clientId: string): Session {
    let session = this.#sessions.get(clientId)
    if (session === undefined) {
      session = new Session(clientId)
      this.#sessions.set(clientId, session)
    }
    return session
  }

  values(): Iterable<Session> {
    return this.#sessions.values()
  }

  subscribe(session: Session, subscription: Subscription): void {
    const { topic, qos } = subscription
    session.subscriptions.set(topic, subscription)
    if (qos > 0) this.#filters.add(topic, session)
    else this.#filters.remove(topic, session)
  }

  unsubscribe(session: Session, filter: string): void {
    if (session.subscriptions.delete(filter)) this.#filters.remove(filter, session)
  }

  /** Sessions with a QoS 1 or 2 subscription that matches, with the highest QoS that was granted. */
  wanting(topic: string): ReadonlyMap<Session, 1 | 2> {
    const wanting = new Map<Session, 1 | 2>()
    if (this.#filters.size > 0) {
      this.#filters.match(topic, (session) => {
        if (!wanting.has(session)) wanting.set(session, session.grantedFor(topic))
      })
    }
    return wanting
  }

  /** Ends a session: what it subscribed to, what waits for it and what it has sent halfway are forgotten. */
  end(clientId: string): void {
    const session = this.#sessions.get(clientId)
    if (session === undefined) return
    for (const filter of session.subscriptions.keys()) {
      this.#filters.remove(filter, session)
      this.#records.remove(subscriptionKey(clientId, filter))
    }
    for (const counter of session.queue.keys()) this.#records.remove(queueKey(clientId, counter))
    this.#sessions.delete(clientId)
  }
}
