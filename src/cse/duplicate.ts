/**
 * Requests that were executed a moment ago, so that a redelivery (QoS 1 after a reconnect, an originator that resends) gets the response of
 * the first and is not executed again. TS-0010 6.4.3: requests may arrive more than once.
 */

import type { Clock } from '../onem2m/clock.ts'
import { JsonText } from '../onem2m/content.ts'
import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'

type Respond = (response: ResponsePrimitive) => void

interface Entry {
  readonly request: RequestPrimitive
  readonly atMs: number
  response: ResponsePrimitive | undefined
  waiting: Respond[] | undefined
  bytes: number
}

/** The latest requests of one originator, oldest first. */
interface Recent {
  readonly entries: Map<string, Entry>
  bytes: number
}

const lifetimeMs = 30_000
/** More than an originator has in flight; few enough that they are garbage before they grow old. */
const maxEntries = 128
const maxBytes = 524_288
const maxTotalBytes = 4_194_304
const bytesOfAnEntry = 400

export class DuplicateCache {
  readonly #clock: Clock
  readonly #originators = new Map<string, Recent>()
  #bytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * A `respond` to execute the request with, or undefined when this is a repetition: then the response of the first is, or will be, passed
   * on. Requests that only share their identifier are not repetitions; people at a shell use one over and over.
   */
  enter(originator: string, request: RequestPrimitive, respond: Respond): Respond | undefined {
    const nowMs = this.#clock.monotonicMs()
    const recent = this.#recentOf(originator)
    const { requestIdentifier } = request
    const known = recent.entries.get(requestIdentifier)
    if (known !== undefined) {
      if (nowMs - known.atMs < lifetimeMs && isSame(known.request, request)) {
        if (known.response !== undefined) respond(known.response)
        else known.waiting = [...(known.waiting ?? []), respond]
        return undefined
      }
      this.#remove(recent, requestIdentifier, known)
    }
    const entry: Entry = { request, atMs: nowMs, response: undefined, waiting: undefined, bytes: 0 }
    recent.entries.set(requestIdentifier, entry)
    this.#grow(recent, entry, bytesOfAnEntry)
    this.#evict(recent, nowMs)
    return (response) => {
      this.#keep(recent, entry, response)
      respond(response)
      for (const repeat of entry.waiting ?? []) repeat(response)
      entry.waiting = undefined
    }
  }

  #recentOf(originator: string): Recent {
    let recent = this.#originators.get(originator)
    if (recent === undefined) {
      recent = { entries: new Map(), bytes: 0 }
      this.#originators.set(originator, recent)
    }
    return recent
  }

  /** A failure of this gateway is not repeated: the next try may succeed. */
  #keep(recent: Recent, entry: Entry, response: ResponsePrimitive): void {
    const { requestIdentifier } = entry.request
    if (recent.entries.get(requestIdentifier) !== entry) return
    if (response.responseStatusCode >= 5000) {
      this.#remove(recent, requestIdentifier, entry)
      return
    }
    entry.response = response
    this.#grow(recent, entry, response.content instanceof JsonText ? 2 * response.content.text.length : bytesOfAnEntry)
  }

  /** Drops what is too old or too much: of this originator, then whole originators, those that were first seen first. */
  #evict(recent: Recent, nowMs: number): void {
    for (const [key, entry] of recent.entries) {
      if (nowMs - entry.atMs < lifetimeMs && recent.entries.size <= maxEntries && recent.bytes <= maxBytes) break
      this.#remove(recent, key, entry)
    }
    for (const [originator, other] of this.#originators) {
      if (this.#bytes <= maxTotalBytes) return
      if (other === recent) continue
      this.#originators.delete(originator)
      this.#bytes -= other.bytes
      other.entries.clear()
    }
  }

  #grow(recent: Recent, entry: Entry, bytes: number): void {
    entry.bytes += bytes
    recent.bytes += bytes
    this.#bytes += bytes
  }

  #remove(recent: Recent, key: string, entry: Entry): void {
    recent.entries.delete(key)
    recent.bytes -= entry.bytes
    this.#bytes -= entry.bytes
  }
}

function isSame(left: RequestPrimitive, right: RequestPrimitive): boolean {
  return (
    left.operation === right.operation &&
    left.to === right.to &&
    left.resourceType === right.resourceType &&
    left.resultContent === right.resultContent &&
    JSON.stringify([left.content, left.filterCriteria]) === JSON.stringify([right.content, right.filterCriteria])
  )
}
