/** Keeps something open that may end at any time (a port, a connection, a process): opens it again, at growing intervals while it fails. */

import type { AdapterContext } from './adapter.ts'

type KeepingContext = Pick<AdapterContext<unknown>, 'clock' | 'signal' | 'report'>

const firstPauseMs = 1000
const longestPauseMs = 60_000
/** What was open for this long did not fail. */
const steadyMs = 60_000

/**
 * Calls `open` again and again until the signal is aborted. `open` resolves or rejects when what it opened has ended, with the reason, and
 * calls `ready` as soon as it works; the part is reported accordingly.
 */
export async function keepOpen(
  { clock, signal, report }: KeepingContext,
  part: string,
  open: (ready: () => void) => Promise<string>,
): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    const beganMs = clock.monotonicMs()
    const reason = await open(() => report(part)).catch((error: unknown) =>
      error instanceof Error ? error.message : String(error),
    )
    if (signal.aborted) return
    report(part, reason)
    if (clock.monotonicMs() - beganMs >= steadyMs) failures = 0
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** failures++)
    await new Promise<void>((resolve) => {
      const timer = clock.after(pauseMs, resolve)
      signal.addEventListener(
        'abort',
        () => {
          timer.cancel()
          resolve()
        },
        { once: true },
      )
    })
  }
}
