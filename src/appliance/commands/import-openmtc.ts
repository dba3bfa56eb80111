/** `fieldgate import-openmtc`: OpenMTC's JSON configuration as a configuration file of ours. */

import { readFileSync } from 'node:fs'
import { adapters } from '../../adapters/index.ts'
import { ExitCode, type Invocation, UsageError } from '../command.ts'
import { readConfiguration } from '../configuration.ts'
import { importOpenmtc, writeToml } from '../openmtc.ts'

export async function run({ operands, surroundings }: Invocation): Promise<number> {
  const [fileName = ''] = operands
  let text: string
  try {
    text = readFileSync(fileName, 'utf8')
  } catch (error) {
    throw new UsageError(
      `${fileName}: ${(error as NodeJS.ErrnoException).code}: name a file such as config-gateway.json`,
    )
  }
  const imported = importOpenmtc(fileName, text)
  const { problems } = readConfiguration({ adapters, imported: { name: fileName, ...imported } })
  for (const { message } of problems) surroundings.complain(message)
  if (problems.length > 0) return ExitCode.CONFIGURATION
  surroundings.print(writeToml(imported, fileName).trimEnd())
  return ExitCode.OK
}
