/**
 * What time a gateway takes it to be. Many boards have no clock of their own: they wake up in the past, at the time when they were switched off
 * or in 1970, and are told the time minutes or days later, or never. So time goes on from the latest that was ever seen; while the machine
 * shows a time that can't be, nothing ends; and when the clock is set, what was noted before it keeps its age.
 */

import type { Calendar, Clock, Timer } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import type { Store } from '../store/store.ts'

/** No gateway has run before this. */
const earliestMs = Date.UTC(2025, 0)
/** Less than this is the clock being adjusted. */
const shortestStepMs = 2000
/** Less than this nobody's lifetime depends on. */
const shortestLagMs = 60_000
/** A clock that is behind by no more than this was merely not noted down at the end; everything goes on from the later time. */
const longestGapMs = 86_400_000
const noteEveryMs = 3_600_000
const maxKept = 16
const storedKey = 'm/clock'

/** What was noted within this time was noted so much too early. */
interface Correction {
  readonly sinceMs: number
  readonly untilMs: number
  readonly lagMs: number
}

interface Stored {
  readonly latestMs: number
  /** Since when the clock may have been wrong, where it was not trusted at the end. */
  readonly doubtfulSinceMs?: number
  readonly corrections: readonly Correction[]
}

export class GatewayClock implements Clock, Calendar {
  readonly calendar: Calendar = this
  isTrusted = true
  readonly #system: Clock
  /** By how much the time here is ahead of the machine's wall clock. */
  #leadMs = 0
  /** Wall clock minus monotonic clock, when they were last looked at: where this jumps, the clock was set. */
  #offsetMs = 0
  /** What the wall clock showed then. */
  #seenMs = 0
  #doubtfulSinceMs = 0
  #corrections: readonly Correction[] = []
  #store: Store | undefined
  #log: Log | undefined
  #adoption: Timer | undefined
  #noting: Timer | undefined
  readonly #listeners: (() => void)[] = []

  constructor(system: Clock) {
    this.#system = system
    this.#look(system.wallMs(), system.monotonicMs())
  }

  /** Goes on where an earlier run ended. */
  start(store: Store, log: Log): void {
    this.#store = store
    this.#log = log
    const { latestMs, doubtfulSinceMs, corrections } = read(store)
    const wallMs = this.#system.wallMs()
    const floorMs = Math.max(latestMs, earliestMs)
    this.#leadMs = Math.max(0, floorMs - wallMs)
    this.isTrusted = wallMs >= earliestMs && this.#leadMs <= longestGapMs
    const nowMs = Math.max(wallMs, floorMs)
    // What was noted by a clock that was ahead can't be told from what is noted now, once that time has come.
    this.#corrections = corrections.filter(({ lagMs, sinceMs }) => lagMs > 0 || nowMs < sinceMs)
    if (!this.isTrusted) {
      const what = 'the clock of this machine shows a time that can not be: nothing expires until it is set'
      log.warn(what, {
        clock: timeText(wallMs),
        atLeast: timeText(floorMs),
        hint: 'timedatectl, or a network with NTP',
      })
    } else if (doubtfulSinceMs !== undefined) {
      // It was set while nobody looked: how long that was is not known, and taken for no time.
      this.#correct({ sinceMs: doubtfulSinceMs, untilMs: latestMs, lagMs: nowMs - latestMs })
    }
    this.#doubtfulSinceMs = this.isTrusted ? nowMs : (doubtfulSinceMs ?? nowMs)
    this.#note()
    this.#noteInTime()
  }

  stop(): void {
    this.#adoption?.cancel()
    this.#noting?.cancel()
    if (this.#store !== undefined) this.#note()
    this.#store = undefined
  }

  monotonicMs(): number {
    return this.#system.monotonicMs()
  }

  wallMs(): number {
    const wallMs = this.#system.wallMs()
    const passedMs = wallMs - this.#seenMs
    // The monotonic clock costs as much again, and is asked only where something may have happened.
    if (passedMs >= 0 && passedMs < shortestStepMs) {
      this.#seenMs = wallMs
      return wallMs + this.#leadMs
    }
    const monotonicMs = this.#system.monotonicMs()
    if (Math.abs(wallMs - monotonicMs - this.#offsetMs) < shortestStepMs) {
      this.#look(wallMs, monotonicMs)
      return wallMs + this.#leadMs
    }
    // Not in the middle of whatever is being done: as if it had not happened.
    this.#adoption ??= this.#system.after(0, () => this.#adopt())
    return Math.floor(monotonicMs + this.#offsetMs + this.#leadMs)
  }

  after(delayMs: number, call: () => void): Timer {
    return this.#system.after(delayMs, call)
  }

  get wasWrong(): boolean {
    return this.#corrections.length > 0
  }

  lagOf(notedMs: number): number {
    let lagMs = 0
    for (const { sinceMs, untilMs, lagMs: more } of this.#corrections)
      if (notedMs + lagMs >= sinceMs && notedMs + lagMs <= untilMs) lagMs += more
    return lagMs
  }

  onSet(call: () => void): void {
    this.#listeners.push(call)
  }

  /** The clock was set: by somebody who knows, unless it shows what can't be. */
  #adopt(): void {
    this.#adoption = undefined
    const monotonicMs = this.#system.monotonicMs()
    const wallMs = this.#system.wallMs()
    const beforeMs = Math.floor(monotonicMs + this.#offsetMs + this.#leadMs)
    this.#look(wallMs, monotonicMs)
    if (wallMs < earliestMs) {
      this.#leadMs = beforeMs - wallMs
      return
    }
    const lagMs = wallMs - beforeMs
    this.#leadMs = 0
    this.isTrusted = true
    if (Math.abs(lagMs) >= shortestLagMs) this.#correct({ sinceMs: this.#doubtfulSinceMs, untilMs: beforeMs, lagMs })
    // Should it be set once more, all that was noted since keeps its age.
    this.#doubtfulSinceMs += lagMs
    this.#log?.info('the clock of this machine was set: what was noted before keeps its age', {
      byMs: lagMs,
      now: timeText(wallMs),
    })
    this.#note()
    for (const call of this.#listeners) call()
  }

  #look(wallMs: number, monotonicMs: number): void {
    this.#seenMs = wallMs
    this.#offsetMs = wallMs - monotonicMs
  }

  #correct(correction: Correction): void {
    this.#corrections = [...this.#corrections, correction].slice(-maxKept)
  }

  #note(): void {
    const stored: Stored = {
      latestMs: this.wallMs(),
      corrections: this.#corrections,
      ...(this.isTrusted ? {} : { doubtfulSinceMs: this.#doubtfulSinceMs }),
    }
    this.#store?.write([{ key: storedKey, value: JSON.stringify(stored) }])
  }

  #noteInTime(): void {
    this.#noting = this.#system.after(noteEveryMs, () => {
      this.#note()
      this.#noteInTime()
    })
  }
}

/** What an earlier run left; as on a first start when it can't be understood. */
function read(store: Store): Stored {
  const nothing: Stored = { latestMs: 0, corrections: [] }
  try {
    return { ...nothing, ...(JSON.parse(store.getText(storedKey) ?? '{}') as Partial<Stored>) }
  } catch {
    return nothing
  }
}

function timeText(ms: number): string {
  return new Date(ms).toISOString()
}
