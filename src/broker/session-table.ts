/** All sessions by client identifier, which of them nobody has come back to, and for how long the broker keeps those. */

import type { Clock, Timer } from '../onem2m/clock.ts'
import type { QueueBudget } from './queued-message.ts'
import { Session, type SessionLimits } from './session.ts'
import {
  encodeSession,
  inboundKey,
  queueKey,
  type SessionRecords,
  sessionKey,
  subscriptionKey,
} from './session-record.ts'
import type { QoS } from './surface.ts'
import type { TopicRouter } from './topic-router.ts'

export interface SessionTableLimits extends SessionLimits {
  /** What may wait for all clients together, with what it costs to hold it. */
  readonly maxQueuedTotalBytes: number
  /** What the subscriptions of all clients together may take. */
  readonly maxSubscriptionsTotalBytes: number
  readonly maxSessions: number
  /** How long a session without a connection is kept, in time that this process runs: clocks of small machines jump. */
  readonly sessionExpiryMs: number
}

export interface SessionTableFacts {
  readonly clock: Clock
  readonly records: SessionRecords
  readonly router: TopicRouter
  readonly limits: SessionTableLimits
  overflowed(clientId: string): void
  /** A session was ended because it was too old, or because there were too many. */
  ended(clientId: string, reason: 'expired' | 'too many'): void
}

/** Timers of the system end at 24 days. */
const longestTimerMs = 86_400_000

/** What it costs to hold a subscription, beside its filter. */
const holdingBytes = 500

export class SessionTable {
  readonly #facts: SessionTableFacts
  readonly #sessions = new Map<string, Session>()
  readonly #budget: QueueBudget
  #subscriptionBytes = 0
  /** How many are persistent, connected or not. */
  #persistent = 0
  /** Since when a persistent session is without a connection, longest first. */
  readonly #offlineSince = new Map<Session, number>()
  #timer: Timer | undefined

  constructor(facts: SessionTableFacts) {
    this.#facts = facts
    this.#budget = { usedBytes: 0, maxBytes: facts.limits.maxQueuedTotalBytes }
  }

  /** Persistent ones and those of connected clients. */
  get size(): number {
    return this.#sessions.size
  }

  get offline(): number {
    return this.#offlineSince.size
  }

  /** What waits for clients, or for their acknowledgement. */
  waiting(): { readonly messages: number; readonly bytes: number; readonly inFlight: number } {
    let messages = 0
    let bytes = 0
    let inFlight = 0
    for (const session of this.#sessions.values()) {
      messages += session.queuedMessages
      bytes += session.queuedBytes
      inFlight += session.inFlightMessages
    }
    return { messages, bytes, inFlight }
  }

  get(clientId: string): Session | undefined {
    return this.#sessions.get(clientId)
  }

  values(): Iterable<Session> {
    return this.#sessions.values()
  }

  /** The session of a client that connects. Without `isPersistent` it is a new one, and what there was is forgotten. [MQTT-3.1.2-6] */
  open(clientId: string, isPersistent: boolean, owner = ''): Session {
    const found = this.#sessions.get(clientId)
    if (found?.isPersistent === true && isPersistent) {
      this.#offlineSince.delete(found)
      return found
    }
    if (found !== undefined) this.end(found)
    const session = this.#create(clientId, isPersistent)
    session.owner = owner
    if (isPersistent) {
      this.#facts.records.put(sessionKey(clientId), encodeSession(session))
      while (this.#offlineSince.size > 0 && this.#persistent > this.#facts.limits.maxSessions) this.#evict('too many')
    }
    return session
  }

  /** The connection is gone: the session waits for another one, or ends. */
  leave(session: Session): void {
    if (!this.#isThere(session) || session.isConnected) return
    if (session.isPersistent) this.#wait(session)
    else this.end(session)
  }

  /** A persistent session as the disk has it. */
  restore(clientId: string): Session {
    const found = this.#sessions.get(clientId)
    if (found !== undefined) return found
    const session = this.#create(clientId, true)
    this.#wait(session)
    return session
  }

  subscribe(session: Session, filter: string, qos: QoS): void {
    const { records } = this.#facts
    const before = session.subscriptions.get(filter)
    this.restoreSubscription(session, filter, qos)
    if (!session.isPersistent || before === qos) return
    records.onUndo(() => {
      if (before === undefined) this.#forgetSubscription(session, filter)
      else if (this.#isThere(session)) this.restoreSubscription(session, filter, before)
    })
    records.put(subscriptionKey(session.clientId, filter), `{"qos":${qos}}`)
  }

  /** Whether there is room for one more subscription among those of all clients. */
  hasRoomFor(filter: string): boolean {
    return this.#subscriptionBytes + weigh(filter) <= this.#facts.limits.maxSubscriptionsTotalBytes
  }

  restoreSubscription(session: Session, filter: string, qos: QoS): void {
    if (!session.subscriptions.has(filter)) this.#subscriptionBytes += weigh(filter)
    session.subscriptions.set(filter, qos)
    this.#facts.router.subscribe(session, filter, qos)
  }

  unsubscribe(session: Session, filter: string): void {
    const qos = session.subscriptions.get(filter)
    if (qos === undefined) return
    const { records } = this.#facts
    this.#forgetSubscription(session, filter)
    if (!session.isPersistent) return
    records.onUndo(() => {
      if (this.#isThere(session)) this.restoreSubscription(session, filter, qos)
    })
    records.remove(subscriptionKey(session.clientId, filter))
  }

  #forgetSubscription(session: Session, filter: string): void {
    if (!session.subscriptions.delete(filter)) return
    this.#subscriptionBytes -= weigh(filter)
    session.endFeed(filter)
    this.#facts.router.unsubscribe(session, filter)
  }

  #isThere(session: Session): boolean {
    return this.#sessions.get(session.clientId) === session
  }

  /** Ends a session: what it subscribed to, what waits for it and what it has sent halfway are forgotten. */
  end(session: Session): void {
    const { records } = this.#facts
    const { clientId } = session
    for (const filter of [...session.subscriptions.keys()]) {
      this.#forgetSubscription(session, filter)
      if (session.isPersistent) records.remove(subscriptionKey(clientId, filter))
    }
    this.#offlineSince.delete(session)
    if (this.#isThere(session)) this.#sessions.delete(clientId)
    const queue = [...session.queue()]
    session.forgetAll()
    if (!session.isPersistent) return
    this.#persistent--
    for (const { counter } of queue) records.remove(queueKey(clientId, counter))
    for (const messageId of session.inbound) records.remove(inboundKey(clientId, messageId))
    records.remove(sessionKey(clientId))
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #create(clientId: string, isPersistent: boolean): Session {
    const { limits, records, overflowed } = this.#facts
    const budget = this.#budget
    const session = new Session({ clientId, limits, budget, records: isPersistent ? records : undefined, overflowed })
    this.#sessions.set(clientId, session)
    if (isPersistent) this.#persistent++
    return session
  }

  #wait(session: Session): void {
    const { clock, limits } = this.#facts
    this.#offlineSince.delete(session)
    this.#offlineSince.set(session, clock.monotonicMs())
    this.#timer ??= clock.after(Math.min(limits.sessionExpiryMs, longestTimerMs), () => this.#sweep())
  }

  #sweep(): void {
    this.#timer = undefined
    const { clock, limits } = this.#facts
    for (const sinceMs of this.#offlineSince.values()) {
      const leftMs = sinceMs + limits.sessionExpiryMs - clock.monotonicMs()
      if (leftMs > 0) {
        this.#timer = clock.after(Math.min(leftMs, longestTimerMs), () => this.#sweep())
        return
      }
      this.#evict('expired')
    }
  }

  #evict(reason: 'expired' | 'too many'): void {
    for (const session of this.#offlineSince.keys()) {
      this.end(session)
      this.#facts.ended(session.clientId, reason)
      return
    }
  }
}

function weigh(filter: string): number {
  return filter.length + holdingBytes
}
