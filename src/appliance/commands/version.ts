/** `fieldgate version`: the version of the gateway and of the runtime below it. */

import { ExitCode, type Invocation } from '../command.ts'
import { version } from '../version.ts'

export async function run({ surroundings }: Invocation): Promise<number> {
  surroundings.print(`fieldgate ${version} (Node ${process.versions.node}, ${process.platform}-${process.arch})`)
  return ExitCode.OK
}
