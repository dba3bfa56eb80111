/** `fieldgate update`: puts a signed bundle into the slot that does not run, and confirms the slot that was tried. */

import { execFileSync } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ExitCode, type Invocation, type Surroundings, UsageError } from '../command.ts'
import { type InstalledSystem, openBundle, UpdateRefusal } from '../update/bundle.ts'
import { installBundle } from '../update/installation.ts'
import { otherSlot, type RunningSlot, readActiveSlot, readRunningSlot, writeSlotFile } from '../update/slot.ts'

const bootDirectory = '/boot/firmware'
const systemFile = '/usr/lib/fieldgate/system.json'
const keyFile = '/usr/lib/fieldgate/update-key.pem'

export async function run({ operands: [path], flags, surroundings }: Invocation): Promise<number> {
  const running = readRunningSlot(readFileSync('/proc/cmdline', 'utf8'))
  if (!running) {
    surroundings.complain(
      'fieldgate: this system was not started from an image; where it came as a package, apt updates it.',
    )
    return ExitCode.UNAVAILABLE
  }
  try {
    if (flags.has('confirm')) await confirm(running, surroundings)
    else if (path === undefined) throw new UsageError('name the bundle: fieldgate update FILE')
    else await install(path, running, surroundings)
  } catch (error) {
    const reason = describeRefusal(error)
    if (reason === undefined) throw error
    surroundings.complain(`fieldgate: ${reason}. What runs is untouched.`)
    return ExitCode.FAILURE
  }
  if (flags.has('reboot')) execFileSync('systemctl', ['--no-block', 'reboot'])
  return ExitCode.OK
}

async function install(path: string, running: RunningSlot, { print }: Surroundings): Promise<void> {
  if (running.isTrial && (await readActiveSlot(bootDirectory)) !== running.slot)
    throw new UpdateRefusal('the update before this one is not confirmed yet: wait until the gateway is ready')
  const installed = JSON.parse(readFileSync(systemFile, 'utf8')) as InstalledSystem
  const bundle = await openBundle(path, createPublicKey(readFileSync(keyFile)), installed)
  try {
    await withWritableBoot(() => installBundle(bundle, running, bootDirectory))
  } finally {
    await bundle.close()
  }
  const { version } = bundle.manifest
  print(`version ${version} is in slot ${otherSlot(running.slot)}; the next start tries it (systemctl reboot).`)
}

async function confirm({ slot, isTrial }: RunningSlot, { print }: Surroundings): Promise<void> {
  if (isTrial) await withWritableBoot(() => writeSlotFile(bootDirectory, slot, 'none'))
  print(`slot ${slot} is active.`)
}

/** It is mounted for reading otherwise, so that a power cut finds nothing half-written on it. */
async function withWritableBoot(work: () => Promise<void>): Promise<void> {
  const remount = (mode: 'rw' | 'ro') => execFileSync('mount', ['-o', `remount,${mode}`, bootDirectory])
  remount('rw')
  try {
    await work()
  } finally {
    remount('ro')
  }
}

/** Undefined for a bug. */
function describeRefusal(error: unknown): string | undefined {
  if (error instanceof UpdateRefusal) return error.message
  const { code, path } = error as NodeJS.ErrnoException
  const reasons: Readonly<Record<string, string>> = {
    ENOSPC: 'the boot partition is full',
    EACCES: 'this user may not do that: use sudo',
    EPERM: 'this user may not do that: use sudo',
    EIO: 'the disk failed',
    EROFS: 'the boot partition can not be written',
  }
  const reason = reasons[code ?? '']
  return reason === undefined ? undefined : `${reason}${path === undefined ? '' : ` (${path})`}`
}
