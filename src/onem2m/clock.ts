/** Time as the rest of the house sees it: a monotonic clock for scheduling, a wall clock for stamps, and timers. Tests hand in their own. */

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds on a clock that never goes back and never jumps; its zero is arbitrary. */
  monotonicMs(): number
  /** Milliseconds since 1970 in UTC, as far as this machine knows. */
  wallMs(): number
  /** What is known of how right the wall clock is, and was; absent where it is taken for right. */
  readonly calendar?: Calendar
  /** Calls once after `delayMs`, unless cancelled; does not keep the process alive. */
  after(delayMs: number, call: () => void): Timer
}

/** The wall clock of a machine that may find out late what time it is. */
export interface Calendar {
  /** False while the machine can't know what time it is: then nothing has lasted its time. */
  readonly isTrusted: boolean
  /** Whether there is anything that it noted at a wrong time. */
  readonly wasWrong: boolean
  /** How far the clock was behind when it noted this moment, in milliseconds; negative when it was ahead. */
  lagOf(notedMs: number): number
  /** Calls each time the clock was set. */
  onSet(call: () => void): void
}
