/** The machine's own clocks and timers. */

import type { Clock } from '../onem2m/clock.ts'

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}
