/**
 * The CSE's own requests until their targets have answered: in order for each sender and target, bounded, tried again less and less often
 * while a target is away, and on the disk where they must outlast a restart. TS-0004 7.5.1.2.2.
 */

import type { Clock, Timer } from '../onem2m/clock.ts'
import type { Json } from '../onem2m/content.ts'
import type { Log } from '../onem2m/log.ts'
import { decodeRequest, encodeRequest } from '../onem2m/parameter.ts'
import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import type { Store } from '../store/store.ts'
import type { Courier } from './courier.ts'
import { type Entry, Spool } from './spool.ts'
import {
  type Batch,
  type Ends,
  endsOf,
  type Letter,
  nameOf,
  type Sender,
  type SequenceRange,
  Stream,
} from './stream.ts'
import type { Transaction } from './transaction.ts'

export interface OutboxLimits {
  /** Requests of one sender to one target that wait in memory; the oldest of those that are not kept is dropped when there is one more. */
  readonly maxQueued: number
  /** Requests under way to one target. */
  readonly maxInFlight: number
  readonly timeoutMs: number
  /** Tries for one request that is not kept, while its target can't be reached. */
  readonly maxTries: number
  /** What is kept on the disk for all targets together; beyond it the oldest of the same sender and target is dropped. */
  readonly maxKeptSizeBytes: number
  /** How long a request is kept for a target that can't be reached. */
  readonly maxKeptAgeMs: number
}

interface OutboxFacts {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly courier: Courier
  readonly randomId: () => string
  readonly limits: OutboxLimits
}

export interface EnqueueOptions {
  /** Kept on the disk until the target has answered: from the commit of the transaction on, where there is one. */
  readonly isDurable?: boolean
  readonly transaction?: Transaction
  /** Called once when it was answered with success, or given up; not after a restart. */
  readonly settled?: (error: Error | undefined) => void
}

/** All streams to one target share it. */
interface Lane {
  readonly streams: Stream[]
  inFlight: number
  failures: number
  pause: Timer | undefined
}

const longestPauseMs = 60_000
const longestSleepMs = 86_400_000
/** Whose streams carry letters that are complete in themselves. */
const nobody = '-'
/** What a target that is away, or its next hop, answers: for a letter that is kept, a reason to wait. */
const away: ReadonlySet<number> = new Set([
  Status.TARGET_NOT_REACHABLE,
  Status.REMOTE_ENTITY_NOT_REACHABLE,
  Status.REQUEST_TIMEOUT,
])

export class Outbox {
  readonly statistics = { delivered: 0, failed: 0, dropped: 0 }
  readonly #facts: OutboxFacts
  readonly #spool: Spool
  readonly #lanes = new Map<string, Lane>()
  /** By owner and target: those that are open. */
  readonly #streams = new Map<string, Map<string, Stream>>()
  /** Streams whose gate is shut, with the time to look again. */
  readonly #shut = new Map<Stream, Timer>()
  /** What an earlier run of the gateway left, until its stream is opened. */
  readonly #left = new Map<string, SequenceRange>()
  #isStopped = false
  #whenQuiet: (() => void)[] = []

  constructor(facts: OutboxFacts) {
    this.#facts = facts
    this.#spool = new Spool({ store: facts.store, maxBytes: facts.limits.maxKeptSizeBytes })
  }

  /** Finds what an earlier run left; `senderOf` says who goes on with it. */
  async start(senderOf: (ends: Ends) => Sender): Promise<void> {
    for (const [name, range] of await this.#spool.load()) this.#left.set(name, range)
    for (const ends of [...this.#left.keys()].map(endsOf))
      this.stream(ends, () => (ends.owner === nobody ? sendAsIs : senderOf(ends)))
  }

  /** What is kept on the disk. */
  get keptBytes(): number {
    return this.#spool.bytes
  }

  /** Queues one request for a target: an AE-ID or CSE-ID, an address of either, or a URL. */
  enqueue(target: string, letter: Letter, options: EnqueueOptions = {}): void {
    const item = JSON.parse(encodeRequest({ ...letter, requestIdentifier: '-' })) as Json
    const stream = this.stream({ owner: nobody, target }, () => sendAsIs)
    this.put(stream, item, options)
  }

  /** The stream of an owner for a target, which goes on with what was left of it. */
  stream<T extends Json>({ owner, target }: Ends, senderOf: () => Sender<T>): Stream<T> {
    let streams = this.#streams.get(owner)
    if (streams === undefined) {
      streams = new Map()
      this.#streams.set(owner, streams)
    }
    let stream = streams.get(target)
    if (stream === undefined) {
      const name = nameOf({ owner, target })
      stream = new Stream({ owner, target }, senderOf(), this.#left.get(name)) as unknown as Stream
      streams.set(target, stream)
      this.#left.delete(name)
      if (!stream.isEmpty) this.#list(stream)
    }
    return stream as unknown as Stream<T>
  }

  put<T extends Json>(stream: Stream<T>, item: T, options: EnqueueOptions = {}): void {
    if (this.#isStopped) return
    const { clock, randomId } = this.#facts
    const { isDurable = false, transaction, settled } = options
    const own = stream as unknown as Stream
    if (stream.sender.gate?.arrival(this.#isAway(stream.target)) === 'refuse') {
      this.#giveUp(own, [], 1)
      return
    }
    const sequence = isDurable ? stream.newSequence() : undefined
    const entry = { item, requestIdentifier: randomId(), atMs: clock.wallMs(), sequence, size: 0, settled }
    const arrive = (arrived: Entry) => this.#arrive(own, arrived)
    if (isDurable) this.#spool.keep(stream.name, entry, transaction, arrive)
    else if (transaction === undefined) arrive(entry)
    else transaction.afterCommit(() => arrive(entry))
  }

  /** An owner is done with its targets, but for those that it still has: what waits for the others goes out, whatever their gates say. */
  end(owner: string, targets: readonly string[] = []): void {
    const streams = this.#streams.get(owner)
    for (const [target, stream] of streams ?? []) {
      if (targets.includes(target)) continue
      streams?.delete(target)
      this.#force(stream)
    }
    if (streams?.size === 0) this.#streams.delete(owner)
  }

  /** Something about an owner or a target has changed: they may go on. */
  wake(isMeant: (ends: Ends) => boolean): void {
    for (const [target, lane] of this.#lanes) {
      if (!lane.streams.some(isMeant)) continue
      lane.pause?.cancel()
      lane.pause = undefined
      lane.failures = 0
      this.#advance(target, lane)
    }
    for (const stream of [...this.#shut.keys()]) if (isMeant(stream)) this.#list(stream)
  }

  /** Sends all that is not kept, and resolves when it is delivered or given up, no target is left to wait for, or `timeoutMs` have passed. */
  async flush(timeoutMs: number): Promise<void> {
    for (const stream of [...this.#shut.keys()]) if (!stream.isKept) this.#force(stream)
    if (this.#isQuiet()) return
    await new Promise<void>((resolve) => {
      const timer = this.#facts.clock.after(timeoutMs, resolve)
      this.#whenQuiet.push(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  /** Starts nothing new; what is not kept is lost. */
  stop(): void {
    this.#isStopped = true
    for (const lane of this.#lanes.values()) lane.pause?.cancel()
    for (const timer of this.#shut.values()) timer.cancel()
    this.#lanes.clear()
    this.#shut.clear()
  }

  #force(stream: Stream): void {
    stream.isForced = true
    this.#list(stream)
  }

  #isAway(target: string): boolean {
    return this.#lanes.get(target)?.pause !== undefined
  }

  #arrive(stream: Stream, entry: Entry): void {
    if (this.#isStopped) return
    const { clock, limits } = this.#facts
    const { target } = stream
    const arrival = stream.sender.gate?.arrival(this.#isAway(target)) === 'replace' ? 'replace' : 'append'
    const replaced = stream.append(entry, arrival, clock.monotonicMs(), limits.maxQueued)
    this.#spool.drop(stream.name, replaced)
    const isTooMuch = entry.sequence === undefined ? stream.waiting > limits.maxQueued : this.#spool.isFull
    const oldest = isTooMuch ? stream.shift() : undefined
    if (oldest !== undefined) this.#giveUp(stream, [oldest], 1)
    this.#list(stream)
  }

  /** A stream may have something to send. */
  #list(stream: Stream): void {
    if (this.#isStopped) return
    const { target } = stream
    let lane = this.#lanes.get(target)
    if (lane === undefined) {
      lane = { streams: [], inFlight: 0, failures: 0, pause: undefined }
      this.#lanes.set(target, lane)
    }
    if (!stream.isListed) lane.streams.push(stream)
    stream.isListed = true
    this.#advance(target, lane)
  }

  /** Takes from the streams in turn, so that none holds up another. */
  #advance(target: string, lane: Lane): void {
    while (lane.pause === undefined && lane.inFlight < this.#facts.limits.maxInFlight) {
      const stream = lane.streams.shift()
      if (stream === undefined) break
      stream.isListed = false
      const batch = this.#take(stream)
      if (batch === undefined) continue
      lane.streams.push(stream)
      stream.isListed = true
      lane.inFlight++
      void this.#deliver(target, lane, stream, batch)
    }
    if (lane.streams.length === 0 && lane.inFlight === 0 && lane.pause === undefined) this.#lanes.delete(target)
    if (this.#whenQuiet.length > 0 && this.#isQuiet()) for (const call of this.#whenQuiet.splice(0)) call()
  }

  #take(stream: Stream): Batch | undefined {
    const { clock, limits } = this.#facts
    if (stream.hasTail && stream.waiting < limits.maxQueued / 2) void this.#readTail(stream)
    for (;;) {
      const taken = stream.take(clock.monotonicMs())
      if (taken === undefined) return undefined
      this.#shut.get(stream)?.cancel()
      this.#shut.delete(stream)
      if ('againInMs' in taken) {
        const delayMs = Math.min(taken.againInMs, longestSleepMs)
        this.#shut.set(
          stream,
          clock.after(delayMs, () => this.#list(stream)),
        )
        return undefined
      }
      const oldestMs = clock.wallMs() - limits.maxKeptAgeMs
      if (!taken.entries.every(({ sequence, atMs }) => sequence !== undefined && atMs < oldestMs)) return taken
      this.#giveUp(stream, taken.entries, taken.entries.length)
    }
  }

  /** Never rejects: what the disk does not give now is asked for again with the next arrival. */
  async #readTail(stream: Stream): Promise<void> {
    if (stream.isReading) return
    stream.isReading = true
    const { from, to } = stream.tail
    const limit = this.#facts.limits.maxQueued
    try {
      const entries = await this.#spool.read(stream.name, from, to, limit)
      const last = entries.length < limit ? undefined : entries.at(-1)?.sequence
      stream.appendTail(entries, last === undefined ? to : last + 1, this.#facts.clock.monotonicMs())
    } catch (error) {
      this.#facts.log.warn('kept requests can not be read', { target: stream.target, reason: String(error) })
      return
    } finally {
      stream.isReading = false
    }
    this.#list(stream)
  }

  /** Never rejects. */
  async #deliver(target: string, lane: Lane, stream: Stream, batch: Batch): Promise<void> {
    let isInFlight = true
    let isLater = false
    const leave = () => {
      if (isInFlight) lane.inFlight--
      isInFlight = false
      // What is handed over while it is sent leaves the loop that sends where it is.
      if (isLater) this.#advance(target, lane)
    }
    const trying = this.#try(target, stream, batch, leave)
    isLater = true
    const error = await trying
    isLater = false
    leave()
    if (this.#isStopped) return
    if (error === undefined) {
      lane.failures = 0
      this.statistics.delivered++
      this.#settle(stream, batch.entries, undefined)
    } else if (this.#isWorthAnotherTry(error, batch)) {
      stream.putBack(batch)
      this.#pause(target, lane)
      this.#list(stream)
    } else {
      this.statistics.failed++
      this.#facts.log.warn('notification not delivered', { target, reason: error.message, tries: batch.tries })
      this.#settle(stream, batch.entries, error)
    }
    this.#advance(target, lane)
  }

  async #try(target: string, stream: Stream, batch: Batch, handedOver: () => void): Promise<Error | undefined> {
    const { entries } = batch
    const first = entries[0] as Entry
    // The same at every try, so that a target that was answered in vain knows it again; another one for another selection.
    const requestIdentifier =
      entries.length === 1 ? first.requestIdentifier : `${first.requestIdentifier}-${entries.length}`
    try {
      const letter = stream.sender.compose(entries.map(({ item }) => item))
      const request: RequestPrimitive = { ...letter, requestIdentifier }
      if (batch.tries++ === 0) stream.sender.sent?.(entries)
      const { timeoutMs } = this.#facts.limits
      return refusal(
        target,
        await this.#facts.courier.carry(target, request, { timeoutMs, isPatient: true, handedOver }),
      )
    } catch (error) {
      return error as Error
    }
  }

  #isWorthAnotherTry(error: Error, { entries, tries }: Batch): boolean {
    if (!(error instanceof OneM2MError)) return false
    if (entries[0]?.sequence !== undefined) return away.has(error.status)
    return error.status === Status.TARGET_NOT_REACHABLE && tries < this.#facts.limits.maxTries
  }

  #pause(target: string, lane: Lane): void {
    if (lane.pause !== undefined) return
    lane.failures++
    lane.pause = this.#facts.clock.after(Math.min(500 * 2 ** lane.failures, longestPauseMs), () => {
      lane.pause = undefined
      this.#advance(target, lane)
    })
  }

  #giveUp(stream: Stream, entries: readonly Entry[], count: number): void {
    const { target } = stream
    this.statistics.dropped += count
    this.#facts.log.warn('notifications dropped: too many wait for their target, or for too long', { target })
    this.#settle(stream, entries, new OneM2MError(Status.REQUEST_TIMEOUT, `${target}: waited for in vain`))
  }

  #settle(stream: Stream, entries: readonly Entry[], error: Error | undefined): void {
    this.#spool.drop(stream.name, entries)
    for (const { settled } of entries) settled?.(error)
    stream.sender.settled?.(entries, error)
    if (stream.owner === nobody && stream.isEmpty) this.#streams.get(nobody)?.delete(stream.target)
  }

  #isQuiet(): boolean {
    for (const { inFlight, streams, pause } of this.#lanes.values())
      if (inFlight > 0 || (streams.length > 0 && pause === undefined)) return false
    return true
  }
}

/** For letters that were complete when they were queued. */
const sendAsIs: Sender = { compose: ([item]) => decodeRequest(item as Json) }

function refusal(target: string, response: ResponsePrimitive): Error | undefined {
  const { responseStatusCode } = response
  if (responseStatusCode < 4000) return undefined
  return new OneM2MError(responseStatusCode, `${target} answered ${responseStatusCode}`)
}
