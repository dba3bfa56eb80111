/** The database of a gateway: where it lies, and what it is set to. */

import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LevelStore } from '../../store/level-store.ts'
import type { PartContext } from './part.ts'

/** Rejects with the system's error when the data directory can't be made or the store can't be opened. */
export async function startStore({ settings, dataDirectory, log, clock, onStop }: PartContext): Promise<LevelStore> {
  await makeDirectory(dataDirectory)
  const store = new LevelStore({
    directory: join(dataDirectory, 'store'),
    durability: settings.store.durability,
    commitDelayMs: settings.store.commitDelayMs,
    cacheBytes: settings.store.cacheSizeBytes,
    writeBufferBytes: settings.store.writeBufferSizeBytes,
    reserveBytes: settings.store.reserveSizeBytes,
    log,
    clock,
  })
  await store.start()
  onStop(() => store.stop())
  return store
}

/** Not recursive: a mistyped path should not leave a trail of directories. Rejects with the system's error when it is no directory. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    await readdir(path)
  }
}
