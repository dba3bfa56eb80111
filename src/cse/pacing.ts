/**
 * When the notifications of a subscription go out: in its schedule and that of its target, one by one or collected (batchNotify), at most so
 * many in a time (rateLimit), all or only the newest (latestNotify, pendingNotification). TS-0001 9.6.8, TS-0004 7.5.1.2.2.
 */

import type { Clock } from '../onem2m/clock.ts'
import { parseDuration } from '../onem2m/timestamp.ts'
import type { Subscription } from '../resources/subscription.ts'
import { waitForWindow } from './schedule.ts'
import type { Gate } from './stream.ts'

/** What a subscription wants, or a group. */
type Wishes = {
  readonly [K in 'batchNotify' | 'rateLimit' | 'latestNotify' | 'pendingNotification']?: Subscription[K] | undefined
}

interface PacingFacts {
  readonly clock: Clock
  /** A batch is complete with so many, however many are asked for. */
  readonly maxBatch: number
  wishes(): Wishes
  /** The entries of all schedules that have a say in it; undefined for one that is not there. */
  schedules(): readonly (readonly string[] | undefined)[]
}

/** TS-0004 6.3.4.2.20, pendingNotification. */
const sendLatest = 1
/** A schedule that never opens again is looked at once a day: it may be changed. */
const seldomMs = 86_400_000

export class Pacing implements Gate {
  readonly #facts: PacingFacts
  #sentInWindow = 0
  #windowEndMs = 0

  constructor(facts: PacingFacts) {
    this.#facts = facts
  }

  arrival(isTargetAway: boolean): 'append' | 'replace' | 'refuse' {
    const { latestNotify, pendingNotification } = this.#facts.wishes()
    const isClosed = this.#closedForMs() > 0
    // Without pendingNotification, what happens out of schedule is not told.
    if (isClosed && pendingNotification === undefined) return 'refuse'
    if (latestNotify === true) return 'replace'
    return (isClosed || isTargetAway) && pendingNotification === sendLatest ? 'replace' : 'append'
  }

  admit(count: number, ageMs: number, isForced: boolean): number | { readonly againInMs: number } {
    const { batchNotify, rateLimit } = this.#facts.wishes()
    const isBatch = batchNotify !== undefined
    if (isForced) return isBatch ? count : 1
    const closedForMs = this.#closedForMs()
    if (closedForMs > 0) return { againInMs: closedForMs }
    const number = isBatch ? Math.min(batchNotify.number ?? Number.POSITIVE_INFINITY, this.#facts.maxBatch) : 1
    if (isBatch && count < number) {
      const leftMs = durationMs(batchNotify.duration) - ageMs
      if (leftMs > 0) return { againInMs: leftMs }
    }
    if (rateLimit?.maxNrOfNotify !== undefined && rateLimit.timeWindow !== undefined) {
      const nowMs = this.#facts.clock.monotonicMs()
      if (nowMs >= this.#windowEndMs) {
        this.#windowEndMs = nowMs + durationMs(rateLimit.timeWindow)
        this.#sentInWindow = 0
      }
      if (this.#sentInWindow >= rateLimit.maxNrOfNotify) return { againInMs: this.#windowEndMs - nowMs }
      this.#sentInWindow++
    }
    return number
  }

  /** How long the schedules say no. */
  #closedForMs(): number {
    const { clock, schedules } = this.#facts
    let waitMs = 0
    for (const entries of schedules())
      if (entries !== undefined) waitMs = Math.max(waitMs, waitForWindow(entries, clock.wallMs()) ?? seldomMs)
    return waitMs
  }
}

function durationMs(duration: string | undefined): number {
  return duration === undefined ? 0 : (parseDuration(duration) ?? 0)
}
