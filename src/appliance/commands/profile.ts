/** `fieldgate profile`: which board this is, and what follows from it for systemd and the firmware. */

import { writeInterfaceConfiguration, writeServiceDropIn } from '../board/board-file.ts'
import type { BoardProfile } from '../board/board-profile.ts'
import { boardProfiles, matchBoard, readCompatible } from '../board/profile-list.ts'
import { ExitCode, type Invocation, UsageError } from '../command.ts'

export async function run({ operands, flags, surroundings }: Invocation): Promise<number> {
  const [action, id] = operands
  if (action === 'detect') surroundings.print(detect().id)
  else if (action !== 'show') throw new UsageError(`no such action: ${action}; write show or detect`)
  else surroundings.print(describe(id === undefined ? detect() : find(id), flags).trimEnd())
  return ExitCode.OK
}

function describe(profile: BoardProfile, flags: ReadonlySet<string>): string {
  if (flags.has('systemd')) return writeServiceDropIn(profile)
  if (flags.has('config-txt')) return writeInterfaceConfiguration(profile)
  return JSON.stringify(profile, undefined, 2)
}

function detect(): BoardProfile {
  const profile = matchBoard(readCompatible(), process.arch)
  if (!profile) throw new UsageError(`there is no profile for this machine (${process.arch}): name one of ${names()}`)
  return profile
}

function find(id: string): BoardProfile {
  const profile = boardProfiles.find((candidate) => candidate.id === id)
  if (!profile) throw new UsageError(`no such profile: ${id}; there are ${names()}`)
  return profile
}

function names(): string {
  return boardProfiles.map(({ id }) => id).join(', ')
}
