/** `fieldgate check-config`: everything that is wrong with a configuration, or what it sets and where that stands. */

import { ExitCode, type Invocation } from '../command.ts'
import { findConfiguration } from '../configuration-file.ts'
import { backendProfile, gatewayProfile } from '../profile.ts'
import { writeValue } from '../setting.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { operands, flags, surroundings } = invocation
  const { problems, effective, fileName } = await findConfiguration(invocation, {
    namedFile: operands[0],
    profile: flags.has('backend') ? backendProfile : gatewayProfile,
  })
  if (problems.length > 0) {
    for (const { message } of problems) surroundings.complain(message)
    surroundings.complain(
      `${problems.length === 1 ? '1 problem' : `${problems.length} problems`}; nothing was started or changed.`,
    )
    return ExitCode.CONFIGURATION
  }
  const set = effective.filter(({ source }) => source !== undefined)
  surroundings.print(
    `${fileName ?? 'No configuration file'}: good; ${set.length} of ${effective.length} keys are set, the others have their defaults.`,
  )
  for (const { path, value, source } of flags.has('all') ? effective : set) {
    surroundings.print(`  ${path} = ${writeValue(value)}${source ? `    (${source})` : ''}`)
  }
  return ExitCode.OK
}
