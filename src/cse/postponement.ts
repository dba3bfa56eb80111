/** Requests that wait for their operationExecutionTime (TS-0001 8.1.2): how many may, and how they outlast the longest sleep of a timer. */

import type { Clock, Timer } from '../onem2m/clock.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'

const maxPostponed = 1000
/** Less than a timer can hold. */
const longestSleepMs = 86_400_000

export class Postponement {
  readonly #clock: Clock
  readonly #timers = new Set<Timer>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Throws NOT_ACCEPTABLE when as many wait as may. */
  requireRoom(): void {
    if (this.#timers.size >= maxPostponed)
      throw new OneM2MError(Status.NOT_ACCEPTABLE, `oet: ${maxPostponed} requests wait for their time already`)
  }

  /** Calls at a moment in milliseconds since 1970, by the wall clock. */
  until(atMs: number, call: () => void): void {
    const leftMs = Math.max(atMs - this.#clock.wallMs(), 0)
    const timer = this.#clock.after(Math.min(leftMs, longestSleepMs), () => {
      this.#timers.delete(timer)
      if (this.#clock.wallMs() < atMs) this.until(atMs, call)
      else call()
    })
    this.#timers.add(timer)
  }

  stop(): void {
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }
}
