/**
 * One target of the outbox: who has something for it, taken in turn so that none holds up another, so many under way at a time, and less and
 * less often while it is away. It knows what a failed try means, and nothing of where things are kept.
 */

import type { Clock, Timer } from '../onem2m/clock.ts'
import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import type { Courier } from './courier.ts'
import type { Batch, Stream } from './stream.ts'

export interface LaneLimits {
  /** Requests under way to one target. */
  readonly maxInFlight: number
  readonly timeoutMs: number
  /** Tries for one request that is not kept, while its target can't be reached. */
  readonly maxTries: number
}

export interface LaneFacts {
  readonly clock: Clock
  readonly courier: Courier
  readonly limits: LaneLimits
  /** What a stream has to send now. */
  take(stream: Stream): Batch | undefined
  /** A batch was answered, or is given up because of this error. */
  settle(stream: Stream, batch: Batch, error: Error | undefined): void
  /** Nothing is under way, or nothing can go. */
  rested(lane: Lane): void
}

const longestPauseMs = 60_000
/** What a target that is away, or its next hop, answers: for what is kept, a reason to wait. */
const away: ReadonlySet<number> = new Set([
  Status.TARGET_NOT_REACHABLE,
  Status.REMOTE_ENTITY_NOT_REACHABLE,
  Status.REQUEST_TIMEOUT,
])

export class Lane {
  readonly target: string
  readonly #facts: LaneFacts
  readonly #streams: Stream[] = []
  #inFlight = 0
  #failures = 0
  /** Since a try failed, and until one succeeds that went alone, or the target is there while nothing is under way that others could overtake. */
  #isDoubtful = false
  #pause: Timer | undefined
  #isStopped = false

  constructor(target: string, facts: LaneFacts) {
    this.target = target
    this.#facts = facts
  }

  /** True while a target that could not be reached is left alone. */
  get isAway(): boolean {
    return this.#pause !== undefined
  }

  /** True when nothing is under way, waits for its turn, or waits for the target to come back. */
  get isIdle(): boolean {
    return this.#streams.length === 0 && this.#inFlight === 0 && this.#pause === undefined
  }

  /** True when nothing is under way, and nothing would go before the target is tried again. */
  get isQuiet(): boolean {
    return this.#inFlight === 0 && (this.#streams.length === 0 || this.#pause !== undefined)
  }

  has(isMeant: (stream: Stream) => boolean): boolean {
    return this.#streams.some(isMeant)
  }

  /** A stream may have something to send. */
  list(stream: Stream): void {
    this.#enter(stream)
    this.#advance()
  }

  /** The target may be there again. */
  wake(): void {
    this.#pause?.cancel()
    this.#pause = undefined
    this.#failures = 0
    if (this.#inFlight === 0) this.#isDoubtful = false
    this.#advance()
  }

  stop(): void {
    this.#isStopped = true
    this.#pause?.cancel()
  }

  #enter(stream: Stream): void {
    if (!stream.isListed) this.#streams.push(stream)
    stream.isListed = true
  }

  #advance(): void {
    const { take, rested, limits } = this.#facts
    while (
      !this.#isStopped &&
      this.#pause === undefined &&
      this.#inFlight < (this.#isDoubtful ? 1 : limits.maxInFlight)
    ) {
      const stream = this.#streams.shift()
      if (stream === undefined) break
      stream.isListed = false
      const batch = take(stream)
      if (batch === undefined) continue
      this.#enter(stream)
      this.#inFlight++
      void this.#deliver(stream, batch)
    }
    if (this.isQuiet) rested(this)
  }

  /** Never rejects. */
  async #deliver(stream: Stream, batch: Batch): Promise<void> {
    let isInFlight = true
    let isLater = false
    const leave = () => {
      if (isInFlight) this.#inFlight--
      isInFlight = false
      // What is handed over while it is sent leaves the loop that sends where it is.
      if (isLater) this.#advance()
    }
    const trying = this.#try(stream, batch, leave)
    isLater = true
    const error = await trying
    isLater = false
    leave()
    if (this.#isStopped) return
    if (error !== undefined && this.#isWorthAnotherTry(error, batch)) {
      stream.putBack(batch)
      this.#isDoubtful = true
      this.#rest()
      this.#enter(stream)
    } else {
      if (error === undefined) {
        this.#failures = 0
        if (this.#inFlight === 0) this.#isDoubtful = false
      }
      this.#facts.settle(stream, batch, error)
    }
    this.#advance()
  }

  async #try({ sender }: Stream, batch: Batch, handedOver: () => void): Promise<Error | undefined> {
    const { courier, limits } = this.#facts
    const { entries, requestIdentifier } = batch
    try {
      const letter = sender.compose(entries.map(({ item }) => item))
      const request: RequestPrimitive = { ...letter, requestIdentifier }
      if (batch.tries++ === 0) sender.sent?.(entries)
      const options = { timeoutMs: limits.timeoutMs, isPatient: true, handedOver }
      return refusal(this.target, await courier.carry(this.target, request, options))
    } catch (error) {
      return error as Error
    }
  }

  #isWorthAnotherTry(error: Error, { isKept, tries }: Batch): boolean {
    if (!(error instanceof OneM2MError)) return false
    if (isKept) return away.has(error.status)
    return error.status === Status.TARGET_NOT_REACHABLE && tries < this.#facts.limits.maxTries
  }

  #rest(): void {
    if (this.#pause !== undefined) return
    this.#failures++
    this.#pause = this.#facts.clock.after(Math.min(500 * 2 ** this.#failures, longestPauseMs), () => {
      this.#pause = undefined
      this.#advance()
    })
  }
}

function refusal(target: string, { responseStatusCode }: ResponsePrimitive): Error | undefined {
  if (responseStatusCode < 4000) return undefined
  return new OneM2MError(responseStatusCode, `${target} answered ${responseStatusCode}`)
}
