/** What the tests of several processes share: ports that are free, a real mosquitto, and patience with a limit. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const mosquitto = '/usr/sbin/mosquitto'

/** Why a test that needs it is left out; in CI it must be there. */
export const withoutMosquitto =
  existsSync(mosquitto) || process.env['CI'] !== undefined ? false : 'mosquitto is not installed'

/** A mosquitto on a port of loopback, with its configuration in a directory. `lines` say who may connect; all by default. */
export function startMosquitto(
  directory: string,
  port: number,
  lines: readonly string[] = ['allow_anonymous true'],
): ChildProcess {
  const configuration = join(directory, 'mosquitto.conf')
  writeFileSync(configuration, [`listener ${port} 127.0.0.1`, 'persistence false', ...lines, ''].join('\n'))
  return spawn(mosquitto, ['-c', configuration], { stdio: 'ignore' })
}

/** Waits until a condition holds, ten seconds at most. */
export async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `${what}: not within ten seconds`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
