/** `fieldgate sensors`: its three subcommands. */

import { type Invocation, UsageError } from '../command.ts'
import { nearestName } from '../nearest-name.ts'

const subcommands: Readonly<Record<string, (invocation: Invocation) => Promise<number>>> = {
  list: async (invocation) => (await import('../sensor-list.ts')).listSensors(invocation),
  read: async (invocation) => (await import('../sensor-trial.ts')).readSensors(invocation),
  probe: async (invocation) => (await import('../sensor-trial.ts')).probeSensors(invocation),
}

export function run(invocation: Invocation): Promise<number> {
  const [name = '', adapter] = invocation.operands
  const subcommand = subcommands[name]
  if (subcommand === undefined) {
    const near = nearestName(name, Object.keys(subcommands))
    throw new UsageError(`sensors ${name}: ${near ? `did you mean ${near}?` : 'expected list, read or probe'}`)
  }
  if (name === 'list' && adapter !== undefined) throw new UsageError('sensors list takes no operand')
  return subcommand(invocation)
}
