/** Everything that the broker keeps: retained messages, sessions and who wants what; in memory, and loaded from the store at the start. */

import type { Clock } from '../onem2m/clock.ts'
import type { Store, StoreError } from '../store/store.ts'
import type { Message } from './message.ts'
import { type RetainedLimits, RetainedMessages } from './retained.ts'
import { decodeQueued, decodeRetained, ownerIn, parseClientKey, prefixes, SessionRecords } from './session-record.ts'
import { SessionTable, type SessionTableFacts, type SessionTableLimits } from './session-table.ts'
import type { QoS } from './surface.ts'
import { type Listener, type Route, type Source, TopicRouter } from './topic-router.ts'

export interface BrokerStateFacts extends Pick<SessionTableFacts, 'overflowed' | 'ended'> {
  readonly store: Store
  readonly clock: Clock
  readonly limits: SessionTableLimits & RetainedLimits
  /** Whether a message on a topic is for a session, by the name of the session's owner. */
  readonly mayReceive?: (owner: string, topic: string) => boolean
  /** There was no room to retain a message; it is delivered all the same. */
  notRetained(topic: string): void
}

export class BrokerState {
  readonly router: TopicRouter
  readonly retained: RetainedMessages
  readonly sessions: SessionTable
  readonly #records: SessionRecords
  readonly #facts: BrokerStateFacts
  /** Messages are numbered in the order in which they are taken, across restarts: queues are in that order. */
  #counter = 0
  /** What listeners are being told, and what is to be told after it. */
  readonly #untold: (() => void)[] = []

  constructor(facts: BrokerStateFacts) {
    const { store, clock, limits, overflowed, ended } = facts
    this.#facts = facts
    this.#records = new SessionRecords(store)
    this.router = new TopicRouter(facts.mayReceive)
    this.retained = new RetainedMessages(limits, this.#records)
    this.sessions = new SessionTable({ clock, records: this.#records, router: this.router, limits, overflowed, ended })
  }

  /** Loads what the store holds. */
  async load(): Promise<void> {
    const { store } = this.#facts
    const { sessions, retained } = this
    // A topic may begin with any character: what comes after all of them is what comes after the slash.
    const range = (prefix: string) => ({ from: prefix, to: prefix.replace(/\/$/, '0') })
    for await (const [key, bytes] of store.scanBytes(range(prefixes.retained)))
      retained.restore(decodeRetained(bytes), key.slice(prefixes.retained.length))
    for await (const [key, text] of store.scanText(range(prefixes.session)))
      sessions.restore(decodeURIComponent(key.slice(prefixes.session.length))).owner = ownerIn(text)
    for await (const [key, text] of store.scanText(range(prefixes.subscription))) {
      const [clientId, filter] = parseClientKey(key, prefixes.subscription)
      const { qos } = JSON.parse(text) as { qos: QoS }
      sessions.restoreSubscription(sessions.restore(clientId), filter, qos)
    }
    for await (const [key, bytes] of store.scanBytes(range(prefixes.queue))) {
      const [clientId, counterText] = parseClientKey(key, prefixes.queue)
      const counter = Number.parseInt(counterText, 36)
      sessions.restore(clientId).restore(decodeQueued(bytes, counter))
      this.#counter = Math.max(this.#counter, counter)
    }
    for await (const [key] of store.scanText(range(prefixes.inbound))) {
      const [clientId, messageId] = parseClientKey(key, prefixes.inbound)
      sessions.restore(clientId).restoreInbound(Number(messageId))
    }
  }

  /** Calls when everything changed so far is on the disk, or lost. */
  settled(call: (error: StoreError | undefined) => void): void {
    this.#records.settled(call)
  }

  get lastCounter(): number {
    return this.#counter
  }

  nextCounter(): number {
    return ++this.#counter
  }

  /**
   * Takes a message to everybody who gets it, synchronously, so that messages arrive in the order in which they were taken; true when it is
   * retained or queued, that is, on its way to the disk.
   */
  route(message: Message, route: Route, source?: Source): boolean {
    message.counter = ++this.#counter
    let mustKeep = false
    if (message.retain) {
      if (this.retained.set(message)) mustKeep = true
      else this.#facts.notRetained(message.topic)
    }
    const { qos } = message
    for (const { session, qos: granted } of route.receivers) {
      // A bridge does not get back what it brought, and hears what is to be retained.
      if (session.isBridge && source?.session === session) continue
      if (qos === 0 || granted === 0) session.deliverOnce(message)
      else if (session.offer(message, Math.min(qos, granted) as 1 | 2, session.isBridge && message.retain))
        mustKeep = true
    }
    if (route.listeners.length > 0) this.#tell(route.listeners, message, source)
    return mustKeep
  }

  /** A listener may publish in turn: listeners hear of that message when all have heard of this one. */
  #tell(listeners: readonly Listener[], message: Message, source: Source | undefined): void {
    this.#untold.push(() => {
      for (const listener of listeners) listener(message, source)
    })
    if (this.#untold.length > 1) return
    for (let tell = this.#untold[0]; tell !== undefined; tell = this.#untold[0]) {
      try {
        tell()
      } finally {
        this.#untold.shift()
      }
    }
  }
}
