/**
 * What one sender has for one target, in order: what waits in memory, what waits on the disk beyond that, and what came back because the
 * target could not be reached. It does no I/O.
 */

import type { Json } from '../onem2m/content.ts'
import type { RequestPrimitive } from '../onem2m/primitive.ts'
import type { Entry } from './spool.ts'

/** A request without the identifier, which the outbox gives it. */
export type Letter = Omit<RequestPrimitive, 'requestIdentifier'>

/** Whether what waits may go: an outbox without gates sends at once, one by one. */
export interface Gate {
  /** What becomes of a newcomer: it waits with the others, in their place, or not at all. */
  arrival(isTargetAway: boolean): 'append' | 'replace' | 'refuse'
  /**
   * How many of those that wait go in one letter now, or how long to wait before asking again. `count` includes those that newcomers took the
   * place of; the first came `ageMs` ago. With `isForced` nothing waits any longer.
   */
  admit(count: number, ageMs: number, isForced: boolean): number | { readonly againInMs: number }
}

/** Who has something for a target: how it is put into a request, and when it goes. */
export interface Sender {
  readonly gate?: Gate
  compose(items: readonly Json[]): Letter
  /** How many of those that wait may go at all; the others wait until one is answered, and are given up when nothing waits any longer. */
  allowance?(waiting: readonly Entry[]): number
  /** A letter goes out for the first time. */
  sent?(entries: readonly Entry[]): void
  /** A letter was answered with success, or given up. */
  settled?(entries: readonly Entry[], error: Error | undefined): void
}

/** Whose stream it is, and for which target. */
export interface Ends {
  /** A resource identifier, or another name without a slash. */
  readonly owner: string
  readonly target: string
}

/** Sequence numbers, the second not among them. */
export interface SequenceRange {
  readonly from: number
  readonly to: number
}

export function nameOf({ owner, target }: Ends): string {
  return `${owner}/${encodeURIComponent(target.toWellFormed())}`
}

export function endsOf(name: string): Ends {
  const cut = name.indexOf('/')
  return { owner: name.slice(0, cut), target: decodeURIComponent(name.slice(cut + 1)) }
}

/** What goes as one letter; it stays together when it has to go again, so that the target can tell that it is the same. */
export interface Batch {
  readonly entries: readonly Entry[]
  /** The same at every try, so that a target that answered in vain knows it again; another one for another selection. */
  readonly requestIdentifier: string
  readonly isKept: boolean
  readonly order: number
  tries: number
}

export class Stream implements Ends {
  readonly owner: string
  readonly target: string
  readonly sender: Sender
  /** In its lane's list of those that may have something to send. */
  isListed = false
  isForced = false
  isReading = false
  #waiting: Entry[] = []
  #returned: Batch[] = []
  /** Batches that were taken and not settled yet. */
  #underWay = 0
  /** Those that newcomers took the place of since the last letter. */
  #passed = 0
  #sinceMs = 0
  #batches = 0
  /** The first that is not in memory, the one after the last that is known to be on the disk, and the next that will be given to anybody. */
  #next: number
  #arrived: number
  #end: number

  constructor({ owner, target }: Ends, sender: Sender, onDisk: SequenceRange | undefined) {
    this.owner = owner
    this.target = target
    this.sender = sender
    this.#next = onDisk?.from ?? 0
    this.#arrived = onDisk?.to ?? 0
    this.#end = this.#arrived
  }

  /** Its own, also after a restart: a part of its keys on the disk. */
  get name(): string {
    return nameOf(this)
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#returned.length === 0 && this.#underWay === 0 && !this.hasTail
  }

  /** True when there is more on the disk than in memory. */
  get hasTail(): boolean {
    return this.#next < this.#arrived
  }

  /** The range of sequence numbers on the disk that are not in memory. */
  get tail(): SequenceRange {
    return { from: this.#next, to: this.#arrived }
  }

  /** True when what waits is on the disk as well. */
  get isKept(): boolean {
    return this.#waiting[0]?.sequence !== undefined
  }

  get waiting(): number {
    return this.#waiting.length
  }

  newSequence(): number {
    return this.#end++
  }

  /** Takes a newcomer; returns those that it takes the place of. It stays on the disk alone when others do, or there are `limit` in memory. */
  append(entry: Entry, arrival: 'append' | 'replace', nowMs: number, limit: number): readonly Entry[] {
    const { sequence } = entry
    if (sequence !== undefined) {
      const { hasTail } = this
      this.#arrived = sequence + 1
      if (hasTail || (arrival === 'append' && this.#waiting.length >= limit)) return []
      this.#next = this.#arrived
    }
    const replaced = arrival === 'replace' ? this.#clear() : []
    this.#passed += replaced.length
    if (this.#waiting.length === 0 && this.#passed === 0) this.#sinceMs = nowMs
    this.#waiting.push(entry)
    return replaced
  }

  /** Takes what was read from the tail, up to sequence number `to`. */
  appendTail(entries: readonly Entry[], to: number, nowMs: number): void {
    if (this.#waiting.length === 0) this.#sinceMs = nowMs
    this.#waiting.push(...entries)
    this.#next = to
  }

  /** The oldest that waits, to be given up. */
  shift(): Entry | undefined {
    return this.#waiting.shift()
  }

  /** What goes next as one letter: what came back before anything new; or how long to wait; undefined when there is nothing. */
  take(nowMs: number): Batch | { readonly againInMs: number } | { readonly spent: readonly Entry[] } | undefined {
    const returned = this.#returned.shift()
    if (returned !== undefined) {
      this.#underWay++
      return returned
    }
    const count = this.#waiting.length
    if (count === 0) return undefined
    const allowed = this.sender.allowance?.(this.#waiting) ?? count
    if (allowed < 1) return this.isForced ? { spent: this.#waiting.splice(0) } : { againInMs: Number.POSITIVE_INFINITY }
    const admitted = this.sender.gate?.admit(count + this.#passed, nowMs - this.#sinceMs, this.isForced) ?? 1
    if (typeof admitted !== 'number') return admitted
    this.#passed = 0
    this.#sinceMs = nowMs
    this.#underWay++
    return batchOf(this.#waiting.splice(0, Math.min(admitted, allowed)), this.#batches++)
  }

  /** A letter has to go again, before those that were to follow it. */
  putBack(batch: Batch): void {
    this.#underWay--
    const at = this.#returned.findIndex(({ order }) => order > batch.order)
    this.#returned.splice(at < 0 ? this.#returned.length : at, 0, batch)
  }

  /** A letter that was taken was answered, or is given up. */
  settle(): void {
    this.#underWay--
  }

  #clear(): readonly Entry[] {
    const all = [...this.#returned.flatMap(({ entries }) => entries), ...this.#waiting]
    this.#returned = []
    this.#waiting = []
    return all
  }
}

function batchOf(entries: readonly Entry[], order: number): Batch {
  const { requestIdentifier, sequence } = entries[0] as Entry
  return {
    entries,
    requestIdentifier: entries.length === 1 ? requestIdentifier : `${requestIdentifier}-${entries.length}`,
    isKept: sequence !== undefined,
    order,
    tries: 0,
  }
}
