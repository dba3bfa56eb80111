/** The survey of the machine in a process of its own: what it loads and starts is gone when it ends, and never blocks the gateway. */

import { execFile } from 'node:child_process'
import { isSea } from 'node:sea'

const timeoutMs = 30_000

/** Runs `fieldgate inventory` and resolves with what it says. Rejects when it fails. */
export function surveyInChild(signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
  const script = isSea() ? [] : process.argv.slice(1, 2)
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [...script, 'inventory', '--json'],
      { signal, timeout: timeoutMs, maxBuffer: 65_536 },
      (error, output) => {
        if (error) return reject(error)
        try {
          resolve(JSON.parse(output) as Readonly<Record<string, string>>)
        } catch (failure) {
          reject(failure)
        }
      },
    )
  })
}
