/** Whether there is room on the disk, and a ballast of it kept for the start of a store on a full one. */

import { open, rm, stat, statfs } from 'node:fs/promises'
import { StoreError } from './store.ts'

interface RoomFacts {
  readonly directory: string
  /** Free space below which writes are refused. */
  readonly reserveBytes: number
  /** What LevelDB needs to open: what it wrote last, once more. */
  readonly ballastBytes: number
  /** Free bytes for this process in the file system of a directory. */
  readonly freeBytes: ((directory: string) => Promise<number>) | undefined
}

export class Room {
  readonly #facts: RoomFacts
  readonly #ballast: string

  constructor(facts: RoomFacts) {
    this.#facts = facts
    this.#ballast = `${facts.directory}.ballast`
  }

  /**
   * Rejects with StoreError `full` when less than the reserve would be free after these bytes; after a failure, with a quarter more, so that
   * it does not flap. What makes room may use up the reserve but for its last quarter.
   */
  async check({ isRecovery = false, makesRoom = false, bytes = 0 }): Promise<void> {
    const { directory, reserveBytes } = this.#facts
    const needed = reserveBytes * (makesRoom ? 0.25 : isRecovery ? 1.25 : 1)
    const free = await this.#free()
    if (free - bytes >= needed) return
    throw new StoreError(
      'full',
      `the disk is full: ${Math.floor(free / 1024)} KiB are free for ${directory}, ${Math.ceil(needed / 1024)} KiB are needed; ` +
        'make room on that disk, and writes are accepted again by themselves',
    )
  }

  /** Rejects unless a file can be written and synced: before a handle is closed that can at least be read from. */
  async probe(): Promise<void> {
    const path = `${this.#facts.directory}.probe`
    try {
      await writeSynced(path, 4096)
    } finally {
      await rm(path, { force: true }).catch(() => {})
    }
  }

  /** Sets the ballast aside when there is plenty of room. Never rejects: a store without ballast works. */
  async keepBallast(): Promise<void> {
    const { reserveBytes, ballastBytes } = this.#facts
    try {
      if (ballastBytes === 0 || (await sizeOf(this.#ballast)) === ballastBytes) return
      if ((await this.#free()) < reserveBytes + 2 * ballastBytes) return
      await writeSynced(this.#ballast, ballastBytes)
    } catch {
      await this.releaseBallast()
    }
  }

  /** True when there was one. */
  async releaseBallast(): Promise<boolean> {
    return rm(this.#ballast).then(
      () => true,
      () => false,
    )
  }

  async #free(): Promise<number> {
    const { directory, freeBytes } = this.#facts
    if (freeBytes !== undefined) return freeBytes(directory)
    const { bavail, bsize } = await statfs(directory)
    return bavail * bsize
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  )
}

/** Written, not extended: a hole takes no room. */
async function writeSynced(path: string, size: number): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    const block = Buffer.alloc(Math.min(size, 65_536), 'fieldgate')
    for (let left = size; left > 0; left -= block.length) await file.write(block, 0, Math.min(left, block.length))
    await file.sync()
  } finally {
    await file.close()
  }
}
