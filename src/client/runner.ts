/** An application as a process: it runs until it is asked to end, by a signal, and then ends properly. */

import type { Application } from './application.ts'

/**
 * Starts the application, calls `play` with it, and keeps it running until SIGINT or SIGTERM; then stops it. Resolves with the exit code: 0, or 1
 * when starting or `play` failed, which is said on standard error.
 */
export async function run(
  application: Application,
  play: (application: Application) => Promise<void> | void,
): Promise<number> {
  const asked = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  const ended = new Promise<void>((resolve) => application.signal.addEventListener('abort', () => resolve()))
  // Holds the process while nothing else does: an application may have nothing to do but to wait.
  const hold = setInterval(() => {}, 2 ** 30)
  let exitCode = 0
  try {
    const played = application.start().then(() => play(application))
    // When it is asked to end meanwhile, that is what it fails of.
    played.catch(() => {})
    await Promise.race([asked, ended, played.then(() => Promise.race([asked, ended]))])
  } catch (error) {
    console.error(`${application.name}: ${error instanceof Error ? error.message : String(error)}`)
    exitCode = 1
  } finally {
    clearInterval(hold)
    await application.stop()
  }
  return exitCode
}
