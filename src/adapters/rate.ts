/** How much of what comes by itself is let in. */

import type { Clock } from '../onem2m/clock.ts'

const quietMs = 60_000

/** Events a second, with a second's worth at once; what is more is dropped, counted, and said once until it has been quiet for a minute. */
export class Rate {
  readonly #clock: Clock
  readonly #perSecond: number
  readonly #onExcess: (text?: string) => void
  #tokens: number
  #atMs: number
  #dropped = 0
  #lastDropMs = 0

  constructor(clock: Clock, perSecond: number, onExcess: (text?: string) => void) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#onExcess = onExcess
    this.#tokens = perSecond
    this.#atMs = clock.monotonicMs()
  }

  allows(): boolean {
    const nowMs = this.#clock.monotonicMs()
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((nowMs - this.#atMs) * this.#perSecond) / 1000)
    this.#atMs = nowMs
    if (this.#tokens >= 1) {
      this.#tokens--
      if (this.#dropped > 0 && nowMs - this.#lastDropMs >= quietMs) {
        this.#dropped = 0
        this.#onExcess()
      }
      return true
    }
    this.#lastDropMs = nowMs
    if (this.#dropped++ === 0) this.#onExcess(`more than ${this.#perSecond} a second: the rest is dropped`)
    return false
  }
}
