/** The boards that have a profile, and which of them this machine is. */

import { readFileSync } from 'node:fs'
import arm64 from '../../../firmware-profiles/generic-arm64/profile.json' with { type: 'json' }
import x64 from '../../../firmware-profiles/generic-x64/profile.json' with { type: 'json' }
import pi3BPlus from '../../../firmware-profiles/raspberry-pi-3b-plus/profile.json' with { type: 'json' }
import pi4B from '../../../firmware-profiles/raspberry-pi-4b/profile.json' with { type: 'json' }
import pi5 from '../../../firmware-profiles/raspberry-pi-5/profile.json' with { type: 'json' }
import piCm4 from '../../../firmware-profiles/raspberry-pi-cm4/profile.json' with { type: 'json' }
import piZero2W from '../../../firmware-profiles/raspberry-pi-zero-2w/profile.json' with { type: 'json' }
import type { BoardProfile } from './board-profile.ts'

/** Checked by a test against the schema, which the types of JSON files are too wide to tell. */
export const boardProfiles = [piZero2W, pi3BPlus, pi4B, pi5, piCm4, arm64, x64] as readonly BoardProfile[]

/** The profile of the board with one of these `compatible` strings, else the general one for the processor. */
export function matchBoard(compatible: readonly string[], architecture: string): BoardProfile | undefined {
  return (
    boardProfiles.find((profile) => profile.compatible.some((name) => compatible.includes(name))) ??
    boardProfiles.find(({ id }) => id === `generic-${architecture}`)
  )
}

/** What the device tree says that this machine is, from the most exact to the most general; nothing without one. */
export function readCompatible(path = '/proc/device-tree/compatible'): readonly string[] {
  try {
    return readFileSync(path, 'latin1')
      .split('\0')
      .filter((name) => name !== '')
  } catch {
    return []
  }
}
