/** What the tests of the store are given: a clock moved by hand, directories that go away, and databases that fail when told to. */

import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import type { Clock } from '../../src/onem2m/clock.ts'
import type { Log, LogFields } from '../../src/onem2m/log.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { LevelStore, type LevelStoreOptions } from '../../src/store/level-store.ts'
import { type Store, StoreError, type StoreValue } from '../../src/store/store.ts'

export class ManualClock implements Clock {
  #nowMs = 0
  #timers: { readonly atMs: number; readonly call: () => void }[] = []

  monotonicMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return Date.UTC(2026, 0, 2, 3, 4, 5) + this.#nowMs
  }

  after(delayMs: number, call: () => void) {
    const timer = { atMs: this.#nowMs + delayMs, call }
    this.#timers.push(timer)
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((each) => each !== timer)
      },
    }
  }

  advance(ms: number): void {
    this.#nowMs += ms
    const due = this.#timers.filter(({ atMs }) => atMs <= this.#nowMs)
    this.#timers = this.#timers.filter(({ atMs }) => atMs > this.#nowMs)
    for (const { call } of due) call()
  }
}

export class LineLog implements Log {
  readonly lines: { readonly level: string; readonly message: string; readonly fields: LogFields }[] = []

  debug(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'debug', message, fields })
  }
  info(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'info', message, fields })
  }
  warn(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'warn', message, fields })
  }
  error(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'error', message, fields })
  }
}

const directories: string[] = []
after(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

/** A path in a new directory, which is removed when the tests of the file are over. */
export function temporaryPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'fieldgate-store-'))
  directories.push(directory)
  return join(directory, 'store')
}

export type Operation = { readonly type: 'put' | 'del'; readonly key: string; readonly value?: StoreValue }

/** A disk under one or more databases: it can be slow, lose a batch, and have a lost batch all the same when it is read again. */
export class FaultyDisk {
  opens = 0
  readonly syncs: boolean[] = []
  /** The next batch fails with this; `isFound`: it is there after reopening. */
  fault: { readonly error: Error; readonly isFound: boolean } | undefined
  /** Opening fails with this. */
  openFault: Error | undefined
  held: (() => void)[] | undefined
  /** Called after each batch that was stored. */
  stored: (() => void) | undefined
  #found: readonly Operation[] | undefined

  readonly open = async (directory: string): Promise<Database> => {
    this.opens++
    if (this.openFault !== undefined) throw this.openFault
    const database = await openDatabase(directory, 1_048_576, 65_536)
    const write = database.batch.bind(database) as unknown as (
      operations: readonly Operation[],
      options: { readonly sync: boolean },
    ) => Promise<void>
    if (this.#found !== undefined) await write(this.#found, { sync: true })
    this.#found = undefined
    const batch: typeof write = async (operations, options) => {
      if (this.held !== undefined) await new Promise<void>((resolve) => this.held?.push(resolve))
      const { fault } = this
      this.fault = undefined
      if (fault !== undefined) {
        if (fault.isFound) this.#found = operations
        throw fault.error
      }
      await write(operations, options)
      this.syncs.push(options.sync)
      this.stored?.()
    }
    return Object.assign(database, { batch }) as unknown as Database
  }
}

/** What LevelDB says when the disk is full, in the shape in which classic-level passes it on. */
export function diskFull(): Error {
  return Object.assign(new Error('IO error: /store/000003.log: No space left on device'), { code: 'LEVEL_IO_ERROR' })
}

export function createLevelStore(options: Partial<LevelStoreOptions> = {}) {
  const directory = options.directory ?? temporaryPath()
  const clock = options.clock instanceof ManualClock ? options.clock : new ManualClock()
  const log = options.log instanceof LineLog ? options.log : new LineLog()
  const disk = new FaultyDisk()
  const store = new LevelStore({
    durability: 'power-cut',
    open: disk.open,
    ballastBytes: 0,
    freeBytes: async () => 1e12,
    ...options,
    directory,
    clock,
    log,
  })
  return { store, directory, clock, log, disk }
}

/** A copy of a store's directory as a killed process would leave it. LevelDB may be at work in it: copied until nothing moved meanwhile. */
export function copyStore(directory: string): string {
  const copy = temporaryPath()
  for (let before = '', now = look(directory); before !== now; now = look(directory)) {
    before = now
    rmSync(copy, { recursive: true, force: true })
    try {
      cpSync(directory, copy, { recursive: true, filter: (path) => !path.endsWith('LOCK') })
    } catch (error) {
      // A file that LevelDB deleted meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      before = ''
    }
  }
  return copy
}

function look(directory: string): string {
  return readdirSync(directory)
    .map((name) => `${name} ${statSync(join(directory, name), { throwIfNoEntry: false })?.size}`)
    .join('\n')
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Resolves when it is true. A disk that others keep busy can take its time; what never comes fails after ten seconds. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await isTrue())) {
    assert.ok(performance.now() < deadline, 'it never came true')
    await turn()
  }
}

/** One write, as a promise of what became of it. */
export function written(store: Store, key: string, value: StoreValue | undefined): Promise<StoreError | 'committed'> {
  return new Promise((resolve) =>
    store.write([{ key, value }], { committed: () => resolve('committed'), failed: resolve }),
  )
}

/** Writes until it is accepted, a second apart. */
export function recover(store: Store, clock: ManualClock): Promise<void> {
  return until(async () => {
    clock.advance(1000)
    return (await written(store, 'recover', '1')) === 'committed'
  })
}

/** Resolves when no range is left to be deleted in the background. */
export function discarded(store: Store): Promise<void> {
  return until(async () => (await all(store.scanText({ from: 'x/', to: 'x0' }))).length === 0)
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

export const lost = new StoreError('io', 'lost on purpose')
