/** `fieldgate gateway`: the gateway in the foreground. */

import type { Invocation } from '../command.ts'
import { runProcess } from '../gateway-process.ts'
import { gatewayProfile } from '../profile.ts'

export function run(invocation: Invocation): Promise<number> {
  return runProcess(invocation, gatewayProfile)
}
