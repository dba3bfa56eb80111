/**
 * The CSE's own requests until their targets have answered: in order for each sender and target, bounded, tried again less and less often
 * while a target is away, and on the disk where they must outlast a restart. TS-0004 7.5.1.2.2.
 */

import type { Clock, Timer } from '../onem2m/clock.ts'
import type { Json } from '../onem2m/content.ts'
import type { Log } from '../onem2m/log.ts'
import { decodeRequest, encodeRequest } from '../onem2m/parameter.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import type { Store } from '../store/store.ts'
import type { Courier } from './courier.ts'
import { Lane, type LaneLimits } from './lane.ts'
import { isOlderThan } from './lifetime.ts'
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

export interface OutboxLimits extends LaneLimits {
  /** Requests of one owner to one target that wait in memory; the oldest of those that are not kept is dropped when there is one more. */
  readonly maxQueued: number
  /** What is kept on the disk for all targets together; beyond it the oldest of the same owner and target is dropped. */
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

const longestSleepMs = 86_400_000
/** Whose streams carry letters that are complete in themselves. */
const nobody = '-'
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
  stream({ owner, target }: Ends, senderOf: () => Sender): Stream {
    let streams = this.#streams.get(owner)
    if (streams === undefined) {
      streams = new Map()
      this.#streams.set(owner, streams)
    }
    let stream = streams.get(target)
    if (stream === undefined) {
      const name = nameOf({ owner, target })
      stream = new Stream({ owner, target }, senderOf(), this.#left.get(name))
      streams.set(target, stream)
      this.#left.delete(name)
      if (!stream.isEmpty) this.#list(stream)
    }
    // One that was done with may be wanted again before it is empty.
    stream.isForced = false
    return stream
  }

  put(stream: Stream, item: Json, options: EnqueueOptions = {}): void {
    if (this.#isStopped) return
    const { clock, randomId } = this.#facts
    const { isDurable = false, transaction, settled } = options
    if (stream.sender.gate?.arrival(this.#isAway(stream.target)) === 'refuse') {
      this.statistics.dropped++
      settled?.(new OneM2MError(Status.REQUEST_TIMEOUT, `${stream.target}: not the time for it`))
      return
    }
    const sequence = isDurable ? stream.newSequence() : undefined
    const entry = { item, requestIdentifier: randomId(), atMs: clock.wallMs(), sequence, size: 0, settled }
    const arrive = (arrived: Entry) => this.#arrive(stream, arrived)
    if (isDurable) this.#spool.keep(stream.name, entry, transaction, arrive)
    else if (transaction === undefined) arrive(entry)
    else transaction.afterCommit(() => arrive(entry))
  }

  /** An owner is done with its targets, but for those that it still has: what waits for the others goes out, whatever their gates say. */
  end(owner: string, targets: readonly string[] = []): void {
    for (const [target, stream] of this.#streams.get(owner) ?? []) {
      if (targets.includes(target)) continue
      this.#force(stream)
      this.#forget(stream)
    }
  }

  /** Something about an owner or a target has changed: they may go on. */
  wake(isMeant: (ends: Ends) => boolean): void {
    for (const lane of [...this.#lanes.values()]) if (lane.has(isMeant)) lane.wake()
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
    for (const lane of this.#lanes.values()) lane.stop()
    for (const timer of this.#shut.values()) timer.cancel()
    this.#lanes.clear()
    this.#shut.clear()
  }

  #force(stream: Stream): void {
    stream.isForced = true
    this.#list(stream)
  }

  #isAway(target: string): boolean {
    return this.#lanes.get(target)?.isAway === true
  }

  #arrive(stream: Stream, entry: Entry): void {
    if (this.#isStopped) return
    const { clock, limits } = this.#facts
    const { target } = stream
    const arrival = stream.sender.gate?.arrival(this.#isAway(target)) === 'replace' ? 'replace' : 'append'
    const replaced = stream.append(entry, arrival, clock.monotonicMs(), limits.maxQueued)
    if (replaced.length > 0)
      this.#settle(stream, replaced, new OneM2MError(Status.REQUEST_TIMEOUT, 'something newer took its place'))
    const isTooMuch = entry.sequence === undefined ? stream.waiting > limits.maxQueued : this.#spool.isFull
    const oldest = isTooMuch ? stream.shift() : undefined
    if (oldest !== undefined) this.#giveUp(stream, [oldest])
    this.#list(stream)
  }

  /** A stream may have something to send. */
  #list(stream: Stream): void {
    if (this.#isStopped) return
    const { target } = stream
    let lane = this.#lanes.get(target)
    if (lane === undefined) {
      const { clock, courier, limits } = this.#facts
      lane = new Lane(target, {
        clock,
        courier,
        limits,
        take: (from) => this.#take(from),
        settle: (from, batch, error) => this.#settleBatch(from, batch, error),
        rested: (at) => this.#rested(at),
      })
      this.#lanes.set(target, lane)
    }
    lane.list(stream)
  }

  #rested(lane: Lane): void {
    if (lane.isIdle && this.#lanes.get(lane.target) === lane) this.#lanes.delete(lane.target)
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
      if ('spent' in taken) {
        this.#settle(stream, taken.spent, new OneM2MError(Status.REQUEST_TIMEOUT, 'its subscription ended before it'))
        return undefined
      }
      if (!taken.isKept || !taken.entries.every(({ atMs }) => isOlderThan(clock, limits.maxKeptAgeMs, atMs)))
        return taken
      stream.settle()
      this.#giveUp(stream, taken.entries)
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

  #settleBatch(stream: Stream, { entries, tries }: Batch, error: Error | undefined): void {
    stream.settle()
    if (error === undefined) this.statistics.delivered++
    else {
      this.statistics.failed++
      this.#facts.log.warn('notification not delivered', { target: stream.target, reason: error.message, tries })
    }
    this.#settle(stream, entries, error)
  }

  #giveUp(stream: Stream, entries: readonly Entry[]): void {
    const { target } = stream
    this.statistics.dropped += entries.length
    this.#facts.log.warn('notifications dropped: too many wait for their target, or for too long', { target })
    this.#settle(stream, entries, new OneM2MError(Status.REQUEST_TIMEOUT, `${target}: waited for in vain`))
  }

  #settle(stream: Stream, entries: readonly Entry[], error: Error | undefined): void {
    this.#spool.drop(stream.name, entries)
    for (const { settled } of entries) settled?.(error)
    stream.sender.settled?.(entries, error)
    this.#forget(stream)
    // It may have waited for these.
    if (this.#shut.has(stream)) this.#list(stream)
  }

  /** A stream that nobody needs any more goes when nothing of it is left: until then its sequence numbers are in use. */
  #forget(stream: Stream): void {
    if (!stream.isEmpty || (!stream.isForced && stream.owner !== nobody)) return
    const streams = this.#streams.get(stream.owner)
    streams?.delete(stream.target)
    if (streams?.size === 0) this.#streams.delete(stream.owner)
  }

  #isQuiet(): boolean {
    for (const lane of this.#lanes.values()) if (!lane.isQuiet) return false
    return true
  }
}

/** For letters that were complete when they were queued. */
const sendAsIs: Sender = { compose: ([item]) => decodeRequest(item as Json) }
