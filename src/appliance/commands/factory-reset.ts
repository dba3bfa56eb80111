/** `fieldgate factory-reset`: removes everything that this gateway has been told and has learned. */

import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { ExitCode, type Invocation, UsageError } from '../command.ts'
import { claimState, emptyDirectory, findStateDirectory } from '../state/state-directory.ts'

/** Of an image: what was taken over from the boot partition, and the host's keys. */
const imageFiles = ['/data/board.toml', '/data/ssh']
const configurationFile = '/etc/fieldgate/fieldgate.toml'
const firstConfigurationFile = '/usr/lib/fieldgate/fieldgate.toml'

export async function run(invocation: Invocation): Promise<number> {
  const { flags, values, surroundings } = invocation
  if (!flags.has('yes')) throw new UsageError('factory-reset removes all state for good: add --yes')
  const directory = findStateDirectory(invocation)
  await claimState(directory, false)
  if (existsSync(directory)) await emptyDirectory(directory)
  // A directory that was named is all that is meant.
  if (values['data-dir'] === undefined) resetConfiguration()
  discardFreed(directory)
  surroundings.print(`${directory}: empty; the next start is the first one`)
  return ExitCode.OK
}

function resetConfiguration(): void {
  for (const path of imageFiles) rmSync(path, { recursive: true, force: true })
  if (existsSync(firstConfigurationFile)) copyFileSync(firstConfigurationFile, configurationFile)
}

/** Tells the card that what was freed is not needed any more; not every disk and every user can. */
function discardFreed(directory: string): void {
  try {
    execFileSync('fstrim', [directory], { stdio: 'ignore' })
  } catch {
    // Without: the blocks are free, and overwritten in time.
  }
}
