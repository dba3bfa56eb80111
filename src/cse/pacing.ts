/**
 * When the notifications of a subscription go out: one by one, collected (batchNotify), at most so many in a time (rateLimit), or only the
 * newest (latestNotify). TS-0001 9.6.8, TS-0004 7.5.1.2.2.
 */

import type { Clock, Timer } from '../onem2m/clock.ts'
import type { Json, JsonObject } from '../onem2m/content.ts'
import { parseDuration } from '../onem2m/timestamp.ts'
import type { Schedule } from '../resources/schedule.ts'
import type { Subscription } from '../resources/subscription.ts'
import type { Resource } from './resource.ts'
import { isInWindow } from './schedule.ts'

interface PacingFacts {
  readonly clock: Clock
  /** Notifications of one subscription that wait; the oldest is dropped when there is one more. */
  readonly maxWaiting: number
  send(subscription: Resource, content: JsonObject): void
  dropped(subscription: Resource): void
}

interface Pace {
  /** `m2m:sgn` of what is collected for the batch. */
  batch: Json[]
  batchTimer: Timer | undefined
  /** What waits for the window of the rate limit to end. */
  waiting: JsonObject[]
  sentInWindow: number
  windowTimer: Timer | undefined
  /** What waits for the schedule of the subscription. */
  pending: JsonObject[]
  pendingTimer: Timer | undefined
}

/** How long a batch is collected when the subscription names a number only: TS-0001 9.6.8, default of the provider. */
const defaultBatchMs = 60_000
/** How often a closed schedule is looked at while something is pending: entries are seldom finer than minutes. */
const scheduleCheckMs = 60_000
/** TS-0004 6.3.4.2.13, eventCat, and 6.3.4.2.20, pendingNotification. */
const immediate = 2
const sendLatest = 1

export class Pacing {
  readonly #facts: PacingFacts
  readonly #paces = new Map<Resource, Pace>()

  constructor(facts: PacingFacts) {
    this.#facts = facts
  }

  /** Sends a notification now, or when its subscription wants it. */
  offer(subscription: Resource, notification: JsonObject): void {
    if (this.#isOpen(subscription)) this.#pace(subscription, notification)
    else this.#postpone(subscription, notification)
  }

  /** True unless the subscription has a schedule and this is not its time; immediate notifications go by none. */
  #isOpen(subscription: Resource): boolean {
    const entries = scheduleOf(subscription)
    if (entries === undefined || (subscription.stored as Subscription).notificationEventCat === immediate) return true
    const nowMs = this.#facts.clock.wallMs()
    return entries.some((entry) => isInWindow(entry, nowMs))
  }

  /** pendingNotification: the latest or all wait for the time to come; without it they are lost, which is counted. */
  #postpone(subscription: Resource, notification: JsonObject): void {
    const { pendingNotification } = subscription.stored as Subscription
    if (pendingNotification === undefined) {
      this.#facts.dropped(subscription)
      return
    }
    const pace = this.#paceOf(subscription)
    if (pendingNotification === sendLatest) pace.pending = []
    pace.pending.push(notification)
    if (pace.pending.length > this.#facts.maxWaiting) {
      pace.pending.shift()
      this.#facts.dropped(subscription)
    }
    pace.pendingTimer ??= this.#facts.clock.after(scheduleCheckMs, () => this.#resume(subscription, pace))
  }

  /** Looks whether the time has come for what is pending. */
  #resume(subscription: Resource, pace: Pace): void {
    pace.pendingTimer = undefined
    if (!this.#isOpen(subscription)) {
      pace.pendingTimer = this.#facts.clock.after(scheduleCheckMs, () => this.#resume(subscription, pace))
      return
    }
    for (const notification of pace.pending.splice(0)) this.#pace(subscription, notification)
  }

  #pace(subscription: Resource, notification: JsonObject): void {
    const { batchNotify, rateLimit, latestNotify } = subscription.stored as Subscription
    if (batchNotify === undefined && rateLimit === undefined) {
      this.#facts.send(subscription, notification)
      return
    }
    if (batchNotify === undefined) {
      this.#limit(subscription, notification)
      return
    }
    const pace = this.#paceOf(subscription)
    const sgn = notification['m2m:sgn'] as Json
    if (latestNotify === true) pace.batch = [sgn]
    else pace.batch.push(sgn)
    if (pace.batch.length > this.#facts.maxWaiting) {
      pace.batch.shift()
      this.#facts.dropped(subscription)
    }
    if (batchNotify.number !== undefined && pace.batch.length >= batchNotify.number) {
      this.#sendBatch(subscription, pace)
      return
    }
    const durationMs = batchNotify.duration === undefined ? defaultBatchMs : (parseDuration(batchNotify.duration) ?? 0)
    pace.batchTimer ??= this.#facts.clock.after(durationMs, () => this.#sendBatch(subscription, pace))
  }

  /** The subscription ends, or is changed: what was collected goes out, timers stop. */
  flush(subscription: Resource): void {
    const pace = this.#paces.get(subscription)
    if (pace === undefined) return
    this.#paces.delete(subscription)
    pace.windowTimer?.cancel()
    pace.batchTimer?.cancel()
    pace.pendingTimer?.cancel()
    for (const content of [...pace.pending, ...pace.waiting]) this.#facts.send(subscription, content)
    if (pace.batch.length > 0) this.#facts.send(subscription, contentOf(pace.batch))
  }

  flushAll(): void {
    for (const subscription of [...this.#paces.keys()]) this.flush(subscription)
  }

  #paceOf(subscription: Resource): Pace {
    let pace = this.#paces.get(subscription)
    if (pace === undefined) {
      pace = {
        batch: [],
        batchTimer: undefined,
        waiting: [],
        sentInWindow: 0,
        windowTimer: undefined,
        pending: [],
        pendingTimer: undefined,
      }
      this.#paces.set(subscription, pace)
    }
    return pace
  }

  #sendBatch(subscription: Resource, pace: Pace): void {
    pace.batchTimer?.cancel()
    pace.batchTimer = undefined
    const content = contentOf(pace.batch)
    pace.batch = []
    this.#limit(subscription, content)
  }

  #limit(subscription: Resource, content: JsonObject): void {
    const { rateLimit, latestNotify } = subscription.stored as Subscription
    if (rateLimit?.maxNrOfNotify === undefined || rateLimit.timeWindow === undefined) {
      this.#facts.send(subscription, content)
      return
    }
    const pace = this.#paceOf(subscription)
    if (pace.sentInWindow < rateLimit.maxNrOfNotify) {
      pace.sentInWindow++
      this.#facts.send(subscription, content)
      pace.windowTimer ??= this.#facts.clock.after(parseDuration(rateLimit.timeWindow) ?? 0, () =>
        this.#nextWindow(subscription, pace),
      )
      return
    }
    if (latestNotify === true) pace.waiting = []
    pace.waiting.push(content)
    if (pace.waiting.length > this.#facts.maxWaiting) {
      pace.waiting.shift()
      this.#facts.dropped(subscription)
    }
  }

  #nextWindow(subscription: Resource, pace: Pace): void {
    pace.windowTimer = undefined
    pace.sentInWindow = 0
    const waiting = pace.waiting
    pace.waiting = []
    if (waiting.length === 0 && pace.batch.length === 0 && pace.pending.length === 0) this.#paces.delete(subscription)
    for (const content of waiting) this.#limit(subscription, content)
  }
}

/** The entries of a subscription's notificationSchedule. */
function scheduleOf(subscription: Resource): readonly string[] | undefined {
  for (const { definition, stored } of subscription.children.values())
    if (definition.type === 18) return (stored as Schedule).scheduleElement?.scheduleEntry
  return undefined
}

/** One notification as it is, several as an aggregated one: TS-0004 6.3.5.13. */
function contentOf(batch: readonly Json[]): JsonObject {
  return batch.length === 1 ? { 'm2m:sgn': batch[0] as Json } : { 'm2m:agn': { 'm2m:sgn': batch } }
}
