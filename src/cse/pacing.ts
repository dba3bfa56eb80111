/**
 * When the notifications of a subscription go out: in its schedule and that of its target, one by one or collected (batchNotify), at most so
 * many in a time (rateLimit), all or only the newest (latestNotify, pendingNotification). TS-0001 9.6.8, TS-0004 7.5.1.2.2.
 */

import type { Clock } from '../onem2m/clock.ts'
import { parseDuration } from '../onem2m/timestamp.ts'
import type { Subscription } from '../resources/subscription.ts'
import { type Courier, scheduleEntriesOf } from './courier.ts'
import type { Resource } from './resource.ts'
import { waitForWindow } from './schedule.ts'
import type { Gate } from './stream.ts'

interface PacingFacts {
  readonly clock: Clock
  readonly courier: Courier
  readonly subscription: Resource
  readonly target: string
  /** A batch is complete with so many, however many its subscription asks for. */
  readonly maxBatch: number
}

/** TS-0004 6.3.4.2.13, eventCat, and 6.3.4.2.20, pendingNotification. */
const immediate = 2
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
    const { latestNotify, pendingNotification } = this.#attributes
    const isClosed = this.#closedForMs() > 0
    // Without pendingNotification, what happens out of schedule is not told.
    if (isClosed && pendingNotification === undefined) return 'refuse'
    if (latestNotify === true) return 'replace'
    return (isClosed || isTargetAway) && pendingNotification === sendLatest ? 'replace' : 'append'
  }

  admit(count: number, ageMs: number, isForced: boolean): number | { readonly againInMs: number } {
    const { batchNotify, rateLimit } = this.#attributes
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

  get #attributes(): Subscription {
    return this.#facts.subscription.stored
  }

  /** How long the schedules say no: that of the subscription, which immediate notifications do not go by, and that of the target. */
  #closedForMs(): number {
    const { clock, courier, subscription, target } = this.#facts
    const isImmediate = this.#attributes.notificationEventCat === immediate
    const own = isImmediate ? undefined : scheduleEntriesOf(subscription)
    const others = courier.scheduleOf(target)
    if (own === undefined && others === undefined) return 0
    const nowMs = clock.wallMs()
    return Math.max(
      ...[own, others].map((entries) => (entries === undefined ? 0 : (waitForWindow(entries, nowMs) ?? seldomMs))),
    )
  }
}

function durationMs(duration: string | undefined): number {
  return duration === undefined ? 0 : (parseDuration(duration) ?? 0)
}
