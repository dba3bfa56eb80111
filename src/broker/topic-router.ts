/**
 * Who gets a message: sessions, each once with the highest QoS of its subscriptions that match (MQTT 3.1.1 section 3.3.5), and listeners
 * in this process. What a topic leads to is remembered until a subscription changes, so that a topic in use costs one look-up.
 */

import { FilterTree, isWildcard } from './filter-tree.ts'
import type { Message } from './message.ts'
import type { Session } from './session.ts'
import type { QoS } from './surface.ts'

/** The connection, or the bridge, that a message came from. */
export interface Source {
  readonly session: Session | undefined
}

export type Listener = (message: Message, source: Source | undefined) => void

type Entry =
  | { readonly filter: string; readonly session: Session; readonly qos: QoS; readonly listener?: undefined }
  | { readonly filter: string; readonly listener: Listener; readonly session?: undefined }

export interface Receiver {
  readonly session: Session
  readonly qos: QoS
}

export interface Route {
  readonly topic: string
  readonly receivers: readonly Receiver[]
  readonly listeners: readonly Listener[]
  /** Filters that match. */
  readonly filters: readonly string[]
}

const rememberedTopics = 2000
/** Filters that match them together: one message for each topic of many that many filters match is not to cost more than these filters do. */
const rememberedMatches = 50_000
const longestRememberedTopic = 256

export class TopicRouter {
  readonly #exact = new Map<string, Set<Entry>>()
  readonly #wildcards = new FilterTree<Entry>()
  readonly #bySession = new WeakMap<Session, Map<string, Entry>>()
  readonly #mayReceive: (owner: string, topic: string) => boolean
  #routes = new Map<string, Route>()
  #rememberedMatches = 0
  /** Filters that somebody is subscribed to, once for each. */
  #size = 0

  constructor(mayReceive: (owner: string, topic: string) => boolean = () => true) {
    this.#mayReceive = mayReceive
  }

  /** Where topics lead to is not what it was. */
  forget(): void {
    this.#routes = new Map()
    this.#rememberedMatches = 0
  }

  get subscriptions(): number {
    return this.#size
  }

  subscribe(session: Session, filter: string, qos: QoS): void {
    this.unsubscribe(session, filter)
    const entry: Entry = { filter, session, qos }
    let entries = this.#bySession.get(session)
    if (entries === undefined) {
      entries = new Map()
      this.#bySession.set(session, entries)
    }
    entries.set(filter, entry)
    this.#add(entry)
  }

  unsubscribe(session: Session, filter: string): void {
    const entries = this.#bySession.get(session)
    const entry = entries?.get(filter)
    if (entry === undefined) return
    entries?.delete(filter)
    this.#remove(entry)
  }

  /** Listens in process; the returned function ends it. */
  listen(filter: string, listener: Listener): () => void {
    const entry: Entry = { filter, listener }
    this.#add(entry)
    return () => this.#remove(entry)
  }

  /** Where a topic leads to; the topic is one that may be published to. */
  routeOf(topic: string): Route {
    return this.#routes.get(topic) ?? this.#find(topic)
  }

  /** The route of a topic that was asked for before, so that the topic is known to be well formed. */
  knownRoute(topic: string): Route | undefined {
    return this.#routes.get(topic)
  }

  #add(entry: Entry): void {
    const { filter } = entry
    if (isWildcard(filter)) {
      this.#wildcards.add(filter, entry)
      this.forget()
    } else {
      const entries = this.#exact.get(filter)
      if (entries === undefined) this.#exact.set(filter, new Set([entry]))
      else entries.add(entry)
      this.#routes.delete(filter)
    }
    this.#size++
  }

  #remove(entry: Entry): void {
    const { filter } = entry
    if (isWildcard(filter)) {
      this.#wildcards.remove(filter, entry)
      this.forget()
    } else {
      const entries = this.#exact.get(filter)
      entries?.delete(entry)
      if (entries?.size === 0) this.#exact.delete(filter)
      this.#routes.delete(filter)
    }
    this.#size--
  }

  #find(topic: string): Route {
    const granted = new Map<Session, QoS>()
    const listeners: Listener[] = []
    const filters: string[] = []
    const visit = (entry: Entry) => {
      if (entry.session !== undefined && !this.#mayReceive(entry.session.owner, topic)) return
      filters.push(entry.filter)
      if (entry.session === undefined) listeners.push(entry.listener)
      else granted.set(entry.session, Math.max(entry.qos, granted.get(entry.session) ?? 0) as QoS)
    }
    for (const entry of this.#exact.get(topic) ?? []) visit(entry)
    if (this.#wildcards.size > 0) this.#wildcards.match(topic, visit)
    const receivers = Array.from(granted, ([session, qos]) => ({ session, qos }))
    const route = { topic, receivers, listeners, filters }
    // An ill-formed topic reads as one with U+FFFD: such a one is looked at each time.
    if (topic.length <= longestRememberedTopic && !topic.includes('\ufffd')) {
      this.#rememberedMatches += filters.length
      if (this.#routes.size >= rememberedTopics || this.#rememberedMatches > rememberedMatches) {
        this.#routes.clear()
        this.#rememberedMatches = filters.length
      }
      this.#routes.set(topic, route)
    }
    return route
  }
}
