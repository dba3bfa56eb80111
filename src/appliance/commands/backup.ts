/** `fieldgate backup`: the whole state and the configuration in one file. */

import { ExitCode, type Invocation } from '../command.ts'
import { findConfiguration } from '../configuration-file.ts'
import { writeBackup } from '../state/backup-file.ts'
import { claimState, findStateDirectory } from '../state/state-directory.ts'
import { version } from '../version.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { operands, flags, surroundings } = invocation
  const [path = ''] = operands
  const stateDirectory = findStateDirectory(invocation)
  const { fileName: configurationFile } = await findConfiguration(invocation)
  await claimState(stateDirectory, true)
  writeBackup(path, { stateDirectory, configurationFile, hasSecrets: flags.has('secrets') }, version)
  surroundings.print(`${path}: the state in ${stateDirectory}`)
  return ExitCode.OK
}
