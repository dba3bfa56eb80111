/** The store on LevelDB: which parts it has, and what it is given. */

import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import { type Database, openDatabase } from './database.ts'
import { GroupedStore } from './grouped-store.ts'
import { LevelBacking } from './level-backing.ts'
import { Room } from './room.ts'
import type { StartReport } from './salvage.ts'

export interface LevelStoreOptions {
  /** Made when it is not there. Files beside it begin with its name. */
  readonly directory: string
  /** `power-cut`: one sync per group. `process`: what the operating system has not written yet is lost when the power goes. */
  readonly durability: 'power-cut' | 'process'
  readonly log: Log
  readonly clock: Clock
  readonly cacheBytes?: number
  readonly writeBufferBytes?: number
  /** How long every group may wait for company: fewer syncs, for so much more time until an answer. 0 by default. */
  readonly commitDelayMs?: number
  /** Size of the open group beyond which the store is congested. */
  readonly groupBytes?: number
  /** Free space below which writes are refused, so that LevelDB itself never meets a full disk. */
  readonly reserveBytes?: number
  /** Kept so that the store opens on a disk that others have filled; 0 for none. */
  readonly ballastBytes?: number
  /** Opens a database; tests hand in one that fails. */
  readonly open?: (directory: string) => Promise<Database>
  /** Free bytes for this process in the file system of a directory. */
  readonly freeBytes?: (directory: string) => Promise<number>
  /** What is done about a participant that throws; by default the process ends, once the others have been served. */
  readonly bug?: (error: unknown) => void
}

const megabyte = 1_048_576

export class LevelStore extends GroupedStore<LevelBacking> {
  readonly #room: Room
  #ballast: Promise<void> | undefined
  #stopped: Promise<void> | undefined

  constructor(options: LevelStoreOptions) {
    const { directory, durability, log, clock, cacheBytes = 2 * megabyte, writeBufferBytes = megabyte } = options
    const room = new Room({
      directory,
      reserveBytes: options.reserveBytes ?? 16 * megabyte,
      ballastBytes: options.ballastBytes ?? 4 * writeBufferBytes,
      freeBytes: options.freeBytes,
    })
    const open = options.open ?? ((path: string) => openDatabase(path, cacheBytes, writeBufferBytes))
    const backing = new LevelBacking({
      directory,
      isSynced: durability === 'power-cut',
      log,
      clock,
      room,
      open: () => open(directory),
      recovered: () => {
        this.#keepBallast()
        this.discard.goOn()
      },
    })
    const { groupBytes, commitDelayMs, bug } = options
    super({ backing, clock, groupBytes, commitDelayMs, bug })
    this.#room = room
  }

  /** Opens the store; a damaged one is set aside, and what can be saved of it is. Throws StoreError `locked`, `full` or `io`. */
  async start(): Promise<StartReport> {
    const report = await this.backing.start()
    await this.resumeDiscards()
    this.#keepBallast()
    return report
  }

  /** Sets the store aside although it opened, because reading it failed with `damaged`; goes on with what can be saved. */
  async restartSalvaged(): Promise<StartReport> {
    await this.flush()
    const report = await this.backing.restartSalvaged()
    await this.resumeDiscards()
    return report
  }

  /** Writes what is open and closes. May be called twice. */
  stop(): Promise<void> {
    this.#stopped ??= this.close()
      .then(() => this.#ballast)
      .then(() => this.backing.stop())
    return this.#stopped
  }

  /** Nobody waits for it: it takes as long as the disk takes for some megabytes, once. */
  #keepBallast(): void {
    this.#ballast = (this.#ballast ?? Promise.resolve()).then(() => this.#room.keepBallast())
  }
}
