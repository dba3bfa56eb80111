/** `fieldgate inventory`: what this machine is. The gateway asks this command once, in a process of its own. */

import { surveyMachine } from '../../adapters/node/inventory.ts'
import { ExitCode, type Invocation } from '../command.ts'

export async function run({ flags, surroundings }: Invocation): Promise<number> {
  const inventory = await surveyMachine()
  if (flags.has('json')) surroundings.print(JSON.stringify(inventory))
  else for (const [name, value] of Object.entries(inventory)) surroundings.print(`${name}: ${value}`)
  return ExitCode.OK
}
