/**
 * The two slots of an image: which one runs, which one is free, and what U-Boot is told. `slot.env` on the boot partition names the slot
 * that is `active` and the one to `try` once; U-Boot takes the trial back before it begins.
 */

import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

export type Slot = 'a' | 'b'

export interface RunningSlot {
  readonly slot: Slot
  /** Started to be tried: the other one is active until this is confirmed, which the command line does not hear of. */
  readonly isTrial: boolean
  /** Where the other slot's root is written. */
  readonly otherRoot: string
}

/** The numbers of the partitions that hold the roots. */
const partitions = { a: '02', b: '03' } as const satisfies Record<Slot, string>

export function otherSlot(slot: Slot): Slot {
  return slot === 'a' ? 'b' : 'a'
}

/** What the kernel's command line says; undefined on a system that was not started from an image. */
export function readRunningSlot(commandLine: string): RunningSlot | undefined {
  const [, slot] = /(?:^|\s)fieldgate\.slot=([ab])(?:\s|$)/.exec(commandLine) ?? []
  const [, disk] = /(?:^|\s)root=PARTUUID=([\da-f]{8})-\d\d(?:\s|$)/.exec(commandLine) ?? []
  if ((slot !== 'a' && slot !== 'b') || disk === undefined) return undefined
  return {
    slot,
    isTrial: /(?:^|\s)fieldgate\.trial=1(?:\s|$)/.test(commandLine),
    otherRoot: `/dev/disk/by-partuuid/${disk}-${partitions[otherSlot(slot)]}`,
  }
}

/** The slot that U-Boot starts when there is nothing to try: a where the file does not say, as U-Boot takes it. */
export async function readActiveSlot(bootDirectory: string): Promise<Slot> {
  try {
    return /^active=b$/m.test(await readFile(join(bootDirectory, 'slot.env'), 'utf8')) ? 'b' : 'a'
  } catch {
    return 'a'
  }
}

/** Tells U-Boot, on a boot partition that is mounted for writing. */
export async function writeSlotFile(bootDirectory: string, active: Slot, attempt: Slot | 'none'): Promise<void> {
  await replaceFile(join(bootDirectory, 'slot.env'), [Buffer.from(`active=${active}\ntry=${attempt}\n`)])
}

/** Writes a file beside the old one, waits for the disk, and puts it in its place. */
export async function replaceFile(path: string, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
  const draft = `${path}.new`
  try {
    const file = await open(draft, 'w')
    try {
      for await (const chunk of chunks) await file.writeFile(chunk)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

/** How much fits into a block device, or into the file that stands for one in tests. */
export async function deviceBytes(path: string): Promise<number> {
  const status = await stat(path)
  if (!status.isBlockDevice()) return status.size
  const file = await open(path)
  try {
    const major = Math.floor(status.rdev / 256)
    const sectors = await readFile(`/sys/dev/block/${major}:${status.rdev % 256}/size`, 'utf8')
    return Number(sectors) * 512
  } finally {
    await file.close()
  }
}
