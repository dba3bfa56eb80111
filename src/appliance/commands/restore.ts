/** `fieldgate restore`: puts the state and the configuration of a backup in the place of those that are there. */

import { ExitCode, type Invocation, UsageError } from '../command.ts'
import { findConfiguration } from '../configuration-file.ts'
import { restoreBackup } from '../state/backup-file.ts'
import { claimState, findStateDirectory } from '../state/state-directory.ts'
import { version } from '../version.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { operands, flags, surroundings } = invocation
  const [path = ''] = operands
  if (!flags.has('yes')) throw new UsageError('restore replaces the state that is there: add --yes')
  const stateDirectory = findStateDirectory(invocation)
  const { fileName: configurationFile } = await findConfiguration(invocation)
  await claimState(stateDirectory, false)
  await restoreBackup(path, { stateDirectory, configurationFile }, version)
  surroundings.print(`${stateDirectory}: the state of ${path}`)
  return ExitCode.OK
}
