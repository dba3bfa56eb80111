/**
 * Watches time series for values that do not come (TS-0004 7.4.38): each expected time is looked at once, when missingDataDetectTimer has
 * passed since; what is missing is listed and told to those who subscribed to it.
 */

import type { Clock, Timer } from '../onem2m/clock.ts'
import { formatExactTimestamp, parseDuration, parseTimestamp } from '../onem2m/timestamp.ts'
import { NotificationEventType } from '../resources/notification-criteria.ts'
import type { Subscription } from '../resources/subscription.ts'
import type { TimeSeries } from '../resources/time-series.ts'
import { tell } from './event.ts'
import type { Execution } from './execution.ts'
import type { Resource } from './resource.ts'
import type { Tree } from './tree.ts'

interface MissingDataFacts {
  readonly tree: Tree
  readonly clock: Clock
  readonly internally: (change: (execution: Execution) => void) => void
}

interface Watch {
  /** The data generation time that is expected next, milliseconds since 1970. */
  expectedMs: number
  /** How far ahead of this clock the one is that dates the values. */
  readonly aheadMs: number
  /** Times that came and are not looked at yet. */
  received: number[]
  timer: Timer | undefined
}

/** How often data were missing for one subscription within its window. */
interface Tally {
  count: number
  /** What was missing and was not told yet. */
  readonly times: string[]
  untilMs: number
}

/** Values ahead of their time that are remembered. */
const maxAhead = 1000
/** Values that can be missing in one go. */
const maxBehind = 1000

export class MissingData {
  readonly #facts: MissingDataFacts
  readonly #watches = new Map<Resource, Watch>()
  readonly #tallies = new WeakMap<Resource, Tally>()

  constructor(facts: MissingDataFacts) {
    this.#facts = facts
  }

  /** A value arrived: the first one starts the watch. One that is not the expected one when it comes does not fill in for a later one. */
  observe(series: Resource, dataGenerationTime: string): void {
    const { missingDataDetect, periodicInterval, periodicIntervalDelta = 0 } = series.stored as TimeSeries
    const atMs = parseTimestamp(dataGenerationTime)
    if (missingDataDetect !== true || periodicInterval === undefined || atMs === undefined) {
      this.#end(series)
      return
    }
    const watch = this.#watches.get(series)
    const aheadMs = atMs - this.#facts.clock.wallMs()
    if (watch === undefined) {
      const begun: Watch = {
        expectedMs: atMs + periodicInterval,
        aheadMs: Math.max(0, aheadMs),
        received: [],
        timer: undefined,
      }
      this.#watches.set(series, begun)
      this.#wait(series, begun)
    } else if (aheadMs <= watch.aheadMs + periodicIntervalDelta && watch.received.length < maxAhead)
      watch.received.push(atMs)
  }

  /** Detection was switched on or off: the next value begins anew. */
  restart(series: Resource): void {
    this.#end(series)
  }

  stop(): void {
    for (const series of [...this.#watches.keys()]) this.#end(series)
  }

  #end(series: Resource): void {
    this.#watches.get(series)?.timer?.cancel()
    this.#watches.delete(series)
  }

  #wait(series: Resource, watch: Watch): void {
    const { clock } = this.#facts
    const { missingDataDetectTimer = 0 } = series.stored as TimeSeries
    const delayMs = Math.max(0, watch.expectedMs + missingDataDetectTimer - clock.wallMs())
    watch.timer = clock.after(Math.min(delayMs, 0x7fff_ffff), () => this.#look(series, watch))
  }

  #look(series: Resource, watch: Watch): void {
    const { tree, clock } = this.#facts
    const { missingDataDetect, periodicInterval, periodicIntervalDelta = 0, ...limits } = series.stored as TimeSeries
    const { expectedMs } = watch
    const lateMs = clock.wallMs() - expectedMs - (limits.missingDataDetectTimer ?? 0)
    if (lateMs < 0) {
      this.#wait(series, watch)
      return
    }
    if (
      tree.get(series.resourceIdentifier) !== series ||
      missingDataDetect !== true ||
      periodicInterval === undefined ||
      // The clock was set: the next value begins anew.
      lateMs > maxBehind * periodicInterval
    ) {
      this.#end(series)
      return
    }
    // Half an interval before is half an interval after the one before, too: there it counted.
    const isThere = watch.received.some(
      (atMs) => Math.abs(atMs - expectedMs) <= periodicIntervalDelta && (expectedMs - atMs) * 2 < periodicInterval,
    )
    watch.received = watch.received.filter((atMs) => atMs > expectedMs + periodicIntervalDelta)
    watch.expectedMs = expectedMs + periodicInterval
    if (!isThere) this.#miss(series, expectedMs)
    this.#wait(series, watch)
  }

  #miss(series: Resource, missedMs: number): void {
    const { missingDataList = [], missingDataMaxNr = Number.POSITIVE_INFINITY } = series.stored as TimeSeries
    const list = [...missingDataList, formatExactTimestamp(missedMs)].slice(-missingDataMaxNr)
    this.#facts.internally((execution) => {
      execution.replaceAttributes(series, {
        ...series.stored,
        missingDataList: list,
        missingDataCurrentNr: list.length,
        lastModifiedTime: execution.now,
      })
      this.#tell(execution, series, missedMs)
    })
  }

  /**
   * eventNotificationCriteria/missingData: from the given number of misses within the duration on, each is told until it has passed, with
   * those that were not told yet. It counts from what was missing, not from when that was found, which is never twice as late.
   */
  #tell(execution: Execution, series: Resource, missedMs: number): void {
    for (const subscription of series.subscriptions) {
      const criteria = (subscription.stored as Subscription).eventNotificationCriteria
      if (criteria?.missingData === undefined) continue
      if (!criteria.notificationEventType?.includes(NotificationEventType.MISSING_DATA)) continue
      let tally = this.#tallies.get(subscription)
      if (tally === undefined || tally.untilMs <= missedMs) {
        tally = { count: 0, times: [], untilMs: missedMs + (parseDuration(criteria.missingData.duration) ?? 0) }
        this.#tallies.set(subscription, tally)
      }
      tally.count++
      tally.times.push(formatExactTimestamp(missedMs))
      if (tally.count < criteria.missingData.number) continue
      const report = { 'm2m:tsn': { mdlt: tally.times.splice(0), mdc: tally.count } }
      tell(execution, subscription, { net: NotificationEventType.MISSING_DATA, rep: report })
    }
  }
}
