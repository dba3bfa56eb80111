/**
 * Which listeners a message goes to: the `mq` that Aedes is given. Exact filters are one look-up, wildcard matches are remembered, and
 * emitting is synchronous, so that messages reach every listener in the order in which they were published. Nothing queues here and nobody
 * waits for a slow listener.
 */

import { FilterTree, isWildcard } from './filter-tree.ts'
import type { AedesPacket } from './surface.ts'

export type Listener = (packet: AedesPacket, done: () => void) => void

interface WildcardListener {
  readonly filter: string
  readonly listener: Listener
}

const rememberedTopics = 1000

function ignore(): void {}

export class TopicRouter {
  readonly #exact = new Map<string, Set<Listener>>()
  readonly #wildcards = new FilterTree<WildcardListener>()
  readonly #entries = new Map<string, Map<Listener, WildcardListener>>()
  #matches = new Map<string, readonly WildcardListener[]>()

  on(filter: string, listener: Listener, done?: () => void): this {
    if (isWildcard(filter)) {
      const entry = { filter, listener }
      const entries = this.#entries.get(filter)
      if (entries === undefined) this.#entries.set(filter, new Map([[listener, entry]]))
      else if (entries.has(listener)) return this
      else entries.set(listener, entry)
      this.#wildcards.add(filter, entry)
      this.#matches = new Map()
    } else {
      const listeners = this.#exact.get(filter)
      if (listeners === undefined) this.#exact.set(filter, new Set([listener]))
      else listeners.add(listener)
    }
    if (done !== undefined) setImmediate(done)
    return this
  }

  removeListener(filter: string, listener: Listener, done?: () => void): this {
    if (isWildcard(filter)) {
      const entries = this.#entries.get(filter)
      const entry = entries?.get(listener)
      if (entry !== undefined) {
        entries?.delete(listener)
        if (entries?.size === 0) this.#entries.delete(filter)
        this.#wildcards.remove(filter, entry)
        this.#matches = new Map()
      }
    } else {
      const listeners = this.#exact.get(filter)
      listeners?.delete(listener)
      if (listeners?.size === 0) this.#exact.delete(filter)
    }
    if (done !== undefined) setImmediate(done)
    return this
  }

  /** Hands the packet to every listener before it returns. */
  emit(packet: AedesPacket, done?: (error?: Error | null) => void): this {
    for (const listener of this.#exact.get(packet.topic) ?? []) listener(packet, ignore)
    for (const { listener } of this.#matching(packet.topic)) listener(packet, ignore)
    done?.(null)
    return this
  }

  close(done?: () => void): void {
    this.#exact.clear()
    this.#matches.clear()
    done?.()
  }

  /** True when somebody listens; with `addressee`, somebody whose filter names that level. */
  hasListener(topic: string, addressee?: string): boolean {
    if (this.#exact.has(topic)) return true
    const found = this.#matching(topic)
    if (addressee === undefined) return found.length > 0
    return found.some(({ filter }) => `${filter}/`.includes(`/${addressee}/`))
  }

  #matching(topic: string): readonly WildcardListener[] {
    if (this.#wildcards.size === 0) return []
    let found = this.#matches.get(topic)
    if (found === undefined) {
      const listeners: WildcardListener[] = []
      this.#wildcards.match(topic, (entry) => listeners.push(entry))
      found = listeners
      if (this.#matches.size >= rememberedTopics) this.#matches.clear()
      this.#matches.set(topic, found)
    }
    return found
  }
}
