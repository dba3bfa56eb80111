/** `fieldgate backend`: the same program as the IN-CSE of a site. */

import type { Invocation } from '../command.ts'
import { runProcess } from '../gateway-process.ts'
import { backendProfile } from '../profile.ts'

export function run(invocation: Invocation): Promise<number> {
  return runProcess(invocation, backendProfile)
}
