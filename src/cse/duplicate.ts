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
}

/** Requests in the order in which they came, until there are enough. */
interface Generation {
  readonly entries: Map<string, Entry>
  bytes: number
}

/**
 * The latest requests of one originator: two generations, of which the older is dropped as a whole. Nothing is ever deleted from a Map: its
 * tables, as they are replaced, hold on to their successors, and one that has grown old would take every later request along into V8's old
 * generation.
 */
interface Recent {
  current: Generation
  previous: Generation | undefined
}

const lifetimeMs = 30_000
/** More than an originator has in flight; few enough that they are garbage before they grow old. */
const maxEntries = 64
const maxBytes = 262_144
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
    const known = recent.current.entries.get(requestIdentifier) ?? recent.previous?.entries.get(requestIdentifier)
    if (known !== undefined && nowMs - known.atMs < lifetimeMs && isSame(known.request, request)) {
      if (known.response !== undefined) respond(known.response)
      else known.waiting = [...(known.waiting ?? []), respond]
      return undefined
    }
    if (recent.current.entries.size >= maxEntries || recent.current.bytes >= maxBytes) this.#age(recent)
    const entry: Entry = { request, atMs: nowMs, response: undefined, waiting: undefined }
    recent.current.entries.set(requestIdentifier, entry)
    this.#grow(recent.current, bytesOfAnEntry)
    if (this.#bytes > maxTotalBytes) this.#forgetOthers(recent)
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
      recent = { current: newGeneration(), previous: undefined }
      this.#originators.set(originator, recent)
    }
    return recent
  }

  #age(recent: Recent): void {
    this.#bytes -= recent.previous?.bytes ?? 0
    recent.previous = recent.current
    recent.current = newGeneration()
  }

  /** A failure of this gateway is not repeated: the next try may succeed. */
  #keep({ current, previous }: Recent, entry: Entry, response: ResponsePrimitive): void {
    const { requestIdentifier } = entry.request
    const generation = current.entries.get(requestIdentifier) === entry ? current : previous
    if (generation?.entries.get(requestIdentifier) !== entry) return
    if (response.responseStatusCode >= 5000) {
      generation.entries.delete(requestIdentifier)
      return
    }
    entry.response = response
    const { content } = response
    this.#grow(generation, content instanceof JsonText ? 2 * content.text.length : bytesOfAnEntry)
  }

  #grow(generation: Generation, bytes: number): void {
    generation.bytes += bytes
    this.#bytes += bytes
  }

  /** Originators that were first seen first are forgotten first. */
  #forgetOthers(recent: Recent): void {
    for (const [originator, other] of this.#originators) {
      if (this.#bytes <= maxTotalBytes) return
      if (other === recent) continue
      this.#originators.delete(originator)
      this.#age(other)
      this.#age(other)
    }
  }
}

function newGeneration(): Generation {
  return { entries: new Map(), bytes: 0 }
}

function isSame(left: RequestPrimitive, right: RequestPrimitive): boolean {
  return (
    left.operation === right.operation &&
    left.to === right.to &&
    // Where hops are counted: what comes round again is no repetition.
    left.vendorInformation === right.vendorInformation &&
    left.resourceType === right.resourceType &&
    left.resultContent === right.resultContent &&
    JSON.stringify([left.content, left.filterCriteria]) === JSON.stringify([right.content, right.filterCriteria])
  )
}
