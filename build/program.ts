/** How the build runs other programs: in the foreground, with their output shown only when they fail. */

import { spawnSync } from 'node:child_process'

/** Standard output of a program. Throws with all that it said when it fails or is not there. */
export function run(
  program: string,
  words: readonly string[],
  options: { readonly cwd?: string; readonly input?: string | Buffer; readonly environment?: NodeJS.ProcessEnv } = {},
): string {
  const result = spawnSync(program, words, {
    cwd: options.cwd,
    input: options.input,
    env: { ...process.env, ...options.environment },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (result.error) throw new Error(`${program} can't be run: ${result.error.message}`)
  if (result.status !== 0)
    throw new Error(`${program} ended with ${result.status ?? result.signal}:\n${result.stdout}${result.stderr}`)
  return result.stdout
}
