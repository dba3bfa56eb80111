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

const lifetimeMs = 30_000
const maxEntries = 1024
const maxBytes = 1_048_576
const bytesOfAnEntry = 400

export class DuplicateCache {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  #bytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * A `respond` to execute the request with, or undefined when this is a repetition: then the response of the first is, or will be, passed
   * on. Requests that only share their identifier are not repetitions; people at a shell use one over and over.
   */
  enter(originator: string, request: RequestPrimitive, respond: Respond): Respond | undefined {
    const key = `${originator} ${request.requestIdentifier}`
    const nowMs = this.#clock.monotonicMs()
    const known = this.#entries.get(key)
    if (known !== undefined) {
      if (nowMs - known.atMs < lifetimeMs && isSame(known.request, request)) {
        if (known.response !== undefined) respond(known.response)
        else known.waiting = [...(known.waiting ?? []), respond]
        return undefined
      }
      this.#remove(key, known)
    }
    const entry: Entry = { request, atMs: nowMs, response: undefined, waiting: undefined, bytes: bytesOfAnEntry }
    this.#entries.set(key, entry)
    this.#bytes += bytesOfAnEntry
    this.#evict(nowMs)
    return (response) => {
      this.#keep(key, entry, response)
      respond(response)
      for (const repeat of entry.waiting ?? []) repeat(response)
      entry.waiting = undefined
    }
  }

  /** A failure of this gateway is not repeated: the next try may succeed. */
  #keep(key: string, entry: Entry, response: ResponsePrimitive): void {
    if (this.#entries.get(key) !== entry) return
    if (response.responseStatusCode >= 5000) {
      this.#remove(key, entry)
      return
    }
    entry.response = response
    const more = response.content instanceof JsonText ? 4 * response.content.text.length : bytesOfAnEntry
    entry.bytes += more
    this.#bytes += more
  }

  #evict(nowMs: number): void {
    for (const [key, entry] of this.#entries) {
      const isNeeded = nowMs - entry.atMs < lifetimeMs && this.#entries.size <= maxEntries && this.#bytes <= maxBytes
      if (isNeeded) return
      this.#remove(key, entry)
    }
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
  }
}

function isSame(left: RequestPrimitive, right: RequestPrimitive): boolean {
  return (
    left.operation === right.operation &&
    left.to === right.to &&
    left.resourceType === right.resourceType &&
    JSON.stringify(left.content) === JSON.stringify(right.content)
  )
}
