/**
 * The store on LevelDB: how groups reach the disk, what happens when they do not, and how the store comes back. Decision 1 in
 * docs/decisions says why it is done this way.
 */

import { statfs } from 'node:fs/promises'
import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import { type CommitGroup, GroupCommit, type GroupOperation, overlay, takeBack } from './commit-group.ts'
import { type Database, openDatabase, storeError } from './database.ts'
import { Discard, discardPrefix } from './discard.ts'
import { openOrSalvage, type StartReport, salvage } from './salvage.ts'
import {
  type CommitParticipant,
  type ScanRange,
  type Store,
  type StoreChange,
  StoreError,
  type StoreValue,
  type WriteOptions,
} from './store.ts'

export interface LevelStoreOptions {
  readonly directory: string
  /** `power-cut`: one sync per group. `process`: what the operating system has not written yet is lost when the power goes. */
  readonly durability: 'power-cut' | 'process'
  readonly log: Log
  readonly clock: Clock
  readonly cacheBytes?: number
  readonly writeBufferBytes?: number
  /** Free space below which writes are refused, so that LevelDB itself never meets a full disk. */
  readonly reserveBytes?: number
  /** Opens a database; tests hand in one that fails. */
  readonly open?: (directory: string) => Promise<Database>
  /** Free bytes for this process in the file system of a directory. */
  readonly freeBytes?: (directory: string) => Promise<number>
}

const megabyte = 1_048_576
/** So much is written between two looks at the free space. */
const bytesBetweenChecks = 262_144
const retryMs = 1000
const congestion = 20_000

export class LevelStore implements Store {
  readonly #options: LevelStoreOptions
  readonly #commit: GroupCommit
  readonly #discard: Discard
  readonly #sync: boolean
  #database: Database | undefined
  /** Why writes are refused; undefined while all is well. */
  #trouble: StoreError | undefined
  /** Keys of lost groups with what they held before: a lost group may be on the disk all the same. */
  readonly #before = new Map<string, Uint8Array | undefined>()
  #isHurt = false
  #recovery: Promise<void> | undefined
  #retryAtMs = 0
  #unchecked = bytesBetweenChecks
  #written = 0
  #isClosed = false

  constructor(options: LevelStoreOptions) {
    this.#options = options
    this.#sync = options.durability === 'power-cut'
    this.#commit = new GroupCommit({
      clock: options.clock,
      congestion,
      persist: (operations) => this.#persist(operations),
      lost: (group, error) => this.#lost(group, error),
    })
    this.#discard = new Discard({
      log: options.log,
      write: (changes, participant) => this.write(changes, participant),
      keys: (range) => this.#opened.keys({ gte: range.from, lt: range.to, limit: range.limit ?? -1 }).all(),
    })
  }

  get statistics() {
    return { ...this.#commit.statistics, bytes: this.#written }
  }

  get isCongested(): boolean {
    return this.#commit.isCongested
  }

  /** Opens the store; a damaged one is set aside, and what can be saved of it is. Throws StoreError `locked` when somebody has it open. */
  async start(): Promise<StartReport> {
    const { directory, log } = this.#options
    const { database, report } = await openOrSalvage({
      directory,
      log,
      wallMs: this.#options.clock.wallMs(),
      open: () => this.#open(),
    })
    this.#database = database
    await this.#discard.resume(this.scanText({ from: discardPrefix, to: `${discardPrefix}~` }))
    return report
  }

  /** Sets the store aside although it opened, because reading it failed with `damaged`; goes on with what can be saved. */
  async restartSalvaged(): Promise<StartReport> {
    const { directory, log, clock } = this.#options
    await this.#database?.close()
    const { database, report } = await salvage({ directory, log, wallMs: clock.wallMs(), open: () => this.#open() })
    this.#database = database
    return report
  }

  /** Writes what is open and closes. May be called twice. */
  async stop(): Promise<void> {
    if (this.#isClosed) return
    this.#discard.stop()
    await this.#commit.flushed()
    this.#isClosed = true
    await this.#recovery
    await this.#database?.close()
  }

  getText(key: string): string | undefined {
    const value = this.#get(key)
    return value === undefined || typeof value === 'string' ? value : Buffer.from(value).toString()
  }

  getBytes(key: string): Uint8Array | undefined {
    const value = this.#get(key)
    return typeof value === 'string' ? Buffer.from(value) : value
  }

  #get(key: string): StoreValue | undefined {
    if (this.#commit.hasPending) {
      const pending = this.#commit.pending(key)
      if (pending !== null) return pending
    }
    try {
      return this.#opened.getSync<string, Uint8Array>(key, { valueEncoding: 'view' })
    } catch (error) {
      throw storeError(error)
    }
  }

  scanText(range: ScanRange): AsyncIterable<readonly [string, string]> {
    return this.#scan(range, 'utf8', (value) => (typeof value === 'string' ? value : Buffer.from(value).toString()))
  }

  scanBytes(range: ScanRange): AsyncIterable<readonly [string, Uint8Array]> {
    return this.#scan<Uint8Array>(range, 'view', (value) => (typeof value === 'string' ? Buffer.from(value) : value))
  }

  #scan<V extends StoreValue>(
    range: ScanRange,
    valueEncoding: 'utf8' | 'view',
    convert: (value: StoreValue) => V,
  ): AsyncIterable<readonly [string, V]> {
    const pending = new Map<string, V | undefined>()
    for (const [key, value] of this.#commit.pendingIn(range))
      pending.set(key, value === undefined ? undefined : convert(value))
    const stored = this.#opened.iterator<string, V>({
      gte: range.from,
      lt: range.to,
      reverse: range.reverse ?? false,
      limit: range.limit === undefined ? -1 : range.limit + pending.size,
      valueEncoding,
    })
    return overlay(translated(stored), pending, range)
  }

  write(changes: readonly StoreChange[], participant?: CommitParticipant, options: WriteOptions = {}): void {
    const trouble = this.#isClosed ? new StoreError('closed', 'the store is closed') : this.#trouble
    if (trouble === undefined) {
      this.#commit.join(changes, participant, options)
      return
    }
    if (participant !== undefined) takeBack([participant], trouble)
    this.#recover()
  }

  discardRange(from: string, to: string): void {
    this.#discard.begin(from, to)
  }

  get #opened(): Database {
    if (this.#database === undefined || this.#isClosed) throw new StoreError('closed', 'the store is not open')
    return this.#database
  }

  #open(): Promise<Database> {
    const { directory, open, cacheBytes = 2 * megabyte, writeBufferBytes = megabyte } = this.#options
    return open === undefined ? openDatabase(directory, cacheBytes, writeBufferBytes) : open(directory)
  }

  async #persist(operations: readonly GroupOperation[]): Promise<void> {
    let bytes = 0
    for (const { key, value } of operations) bytes += key.length + value.length
    this.#unchecked += bytes
    if (this.#unchecked >= bytesBetweenChecks) {
      await this.#checkRoom()
      this.#unchecked = 0
    }
    try {
      await this.#opened.batch(operations as GroupOperation[] & { readonly type: 'put' }[], { sync: this.#sync })
    } catch (error) {
      this.#isHurt = true
      throw storeError(error)
    }
    this.#written += bytes
  }

  /** Throws StoreError `full` while less than the reserve is free. */
  async #checkRoom(): Promise<void> {
    const { directory, reserveBytes = 16 * megabyte, freeBytes = freeBytesOf } = this.#options
    const free = await freeBytes(directory)
    if (free >= reserveBytes) return
    throw new StoreError(
      'full',
      `only ${Math.round(free / 1024)} KiB are free in ${directory}, ${Math.round(reserveBytes / 1024)} KiB are needed: make room`,
    )
  }

  /**
   * A group was lost. Until the store has recovered every write is refused. When LevelDB itself failed, the group may or may not be in its
   * log, and more must not be appended after a torn record: what its keys held before is kept, to be written after reopening.
   */
  #lost(group: CommitGroup, error: StoreError): void {
    this.#trouble = error
    this.#retryAtMs = this.#options.clock.monotonicMs() + retryMs
    this.#options.log.error('store: writes are refused', { reason: error.message })
    if (!this.#isHurt) return
    for (const key of group.changes.keys()) {
      if (this.#before.has(key)) continue
      this.#before.set(key, this.#opened.getSync<string, Uint8Array>(key, { valueEncoding: 'view' }))
    }
  }

  /** Tried when somebody wants to write, at most once a second; reads go on with the old handle until there is room to reopen. */
  #recover(): void {
    const { clock, log } = this.#options
    if (this.#isClosed || this.#recovery !== undefined || clock.monotonicMs() < this.#retryAtMs) return
    this.#recovery = this.#reopen()
      .then(
        () => {
          this.#trouble = undefined
          this.#isHurt = false
          this.#before.clear()
          log.info('store: writes are accepted again')
        },
        (error: unknown) => {
          this.#trouble = storeError(error)
          this.#retryAtMs = clock.monotonicMs() + retryMs
        },
      )
      .finally(() => {
        this.#recovery = undefined
      })
  }

  async #reopen(): Promise<void> {
    await this.#checkRoom()
    if (!this.#isHurt) return
    await this.#database?.close()
    this.#database = await this.#open()
    const restored = [...this.#before].map(([key, value]) =>
      value === undefined ? { type: 'del' as const, key } : { type: 'put' as const, key, value },
    )
    await this.#database.batch(restored, { sync: true })
  }
}

async function freeBytesOf(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize
}

async function* translated<V>(stored: AsyncIterable<[string, V]>): AsyncIterable<readonly [string, V]> {
  try {
    yield* stored
  } catch (error) {
    throw storeError(error)
  }
}
