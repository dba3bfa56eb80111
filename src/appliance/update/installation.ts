/** How a checked bundle gets into the slot that does not run: kernel beside the running one's, root into its partition, trial at the end. */

import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { type UpdateBundle, UpdateRefusal } from './bundle.ts'
import { deviceBytes, otherSlot, type RunningSlot, replaceFile, writeSlotFile } from './slot.ts'

const bootFiles = ['vmlinuz', 'initrd.img'] as const
const chunkBytes = 1_048_576

/**
 * Writes all parts, reads the root back, and tells U-Boot to try the other slot at the next start. The boot partition has to be writable.
 * Until the last step nothing that runs, or would be started, is touched. Rejects with UpdateRefusal when it does not fit.
 */
export async function installBundle(bundle: UpdateBundle, running: RunningSlot, bootDirectory: string): Promise<void> {
  const target = otherSlot(running.slot)
  const rootPart = bundle.manifest.parts.find(({ name }) => name === 'root')
  if (!rootPart || bootFiles.some((name) => !bundle.manifest.parts.some((part) => part.name === name)))
    throw new UpdateRefusal('the bundle lacks a part')
  const room = await deviceBytes(running.otherRoot)
  if (rootPart.bytes > room)
    throw new UpdateRefusal(`the bundle's root has ${rootPart.bytes} bytes, and its slot has room for ${room}`)
  // Whatever was to be tried there is not any more.
  await writeSlotFile(bootDirectory, running.slot, 'none')
  for (const name of bootFiles) await replaceFile(join(bootDirectory, target, name), bundle.read(name))
  await writeDevice(running.otherRoot, bundle.read('root'))
  if ((await hashDevice(running.otherRoot, rootPart.bytes)) !== rootPart.sha256)
    throw new UpdateRefusal('the disk does not give back what was written to it: it wants to be replaced')
  await writeSlotFile(bootDirectory, running.slot, target)
}

async function writeDevice(path: string, chunks: AsyncIterable<Buffer>): Promise<void> {
  const device = await open(path, 'r+')
  try {
    let at = 0
    for await (const chunk of chunks) {
      for (let done = 0; done < chunk.length; )
        done += (await device.write(chunk, done, chunk.length - done, at + done)).bytesWritten
      at += chunk.length
    }
    await device.sync()
  } finally {
    await device.close()
  }
}

async function hashDevice(path: string, bytes: number): Promise<string> {
  const device = await open(path)
  const hash = createHash('sha256')
  try {
    for (let at = 0; at < bytes; ) {
      const length = Math.min(chunkBytes, bytes - at)
      const { buffer, bytesRead } = await device.read(Buffer.alloc(length), 0, length, at)
      if (bytesRead === 0) break
      hash.update(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
  } finally {
    await device.close()
  }
  return hash.digest('hex')
}
