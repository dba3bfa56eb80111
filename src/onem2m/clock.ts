/** Time as the rest of the house sees it: a monotonic clock for scheduling, a wall clock for stamps, and timers. Tests hand in their own. */

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds on a clock that never goes back and never jumps; its zero is arbitrary. */
  monotonicMs(): number
  /** Milliseconds since 1970 in UTC, as far as this machine knows. */
  wallMs(): number
  /** Calls once after `delayMs`, unless cancelled; does not keep the process alive. */
  after(delayMs: number, call: () => void): Timer
}
