/**
 * How groups reach LevelDB, what is done when they do not, and how the store comes back. LevelDB leaves a failed batch in doubt: it may be
 * found after reopening, and a torn record in the log hides what is appended after it. So nothing is written any more until the database
 * has been reopened and what the keys of the lost groups held before has been written back. Decision 1 in docs/decisions says more.
 */

import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import type { GroupOperation } from './commit-group.ts'
import { type Database, storeError } from './database.ts'
import type { Backing, Form } from './grouped-store.ts'
import type { StoredRange } from './overlay.ts'
import type { Room } from './room.ts'
import { markDamaged, openOrSalvage, type StartReport, salvage } from './salvage.ts'
import { type ScanRange, StoreError, type StoreValue } from './store.ts'

interface LevelBackingFacts {
  readonly directory: string
  readonly isSynced: boolean
  readonly log: Log
  readonly clock: Clock
  readonly room: Room
  readonly open: () => Promise<Database>
  /** Writes are accepted again. */
  readonly recovered: () => void
}

/** So much is written between two looks at the free space. */
const bytesBetweenChecks = 262_144
const retryMs = 1000
const pageSize = 256
const encodings = { text: { valueEncoding: 'utf8' }, bytes: { valueEncoding: 'view' } } as const

export class LevelBacking implements Backing {
  readonly restored = new Map<string, StoreValue | undefined>()
  readonly #facts: LevelBackingFacts
  #database: Database | undefined
  /** Why writes are refused; undefined while all is well. */
  #trouble: StoreError | undefined
  /** LevelDB itself failed: the handle is good for reading only. */
  #isHurt = false
  #isDamageMarked = false
  #recovery: Promise<void> | undefined
  #retryAtMs = 0
  #unchecked = bytesBetweenChecks

  constructor(facts: LevelBackingFacts) {
    this.#facts = facts
  }

  /** Opens; a full disk gets its ballast back for that. Throws StoreError `locked`, `full` or `io`. */
  async start(): Promise<StartReport> {
    const { room } = this.#facts
    const openOnce = () => openOrSalvage(this.#salvageFacts)
    const { database, report } = await openOnce().catch(async (error: unknown) => {
      if (storeError(error).reason === 'full' && (await room.releaseBallast())) return openOnce()
      throw error
    })
    this.#database = database
    return report
  }

  /** Sets the open store aside, because something in it can not be read, and goes on with what can be saved. */
  async restartSalvaged(): Promise<StartReport> {
    await this.#close()
    const { database, report } = await salvage(this.#salvageFacts, 'reading it failed')
    this.#database = database
    return report
  }

  /** Leaves the disk as memory is, as far as it lets itself be written. */
  async stop(): Promise<void> {
    const { log, isSynced } = this.#facts
    await this.#recovery
    try {
      if (this.#isHurt) await this.#restore()
      // Nothing has been synced so far: the deletion of a key that never exists takes all before it along.
      else if (!isSynced) await this.#database?.batch([{ type: 'del', key: 'x' }], { sync: true })
    } catch (error) {
      log.warn('store: closed without having recovered', { reason: storeError(error).message })
    }
    await this.#close()
    this.#trouble = undefined
  }

  read(key: string, form: Form): StoreValue | undefined {
    try {
      return this.#opened.getSync<string, StoreValue>(key, encodings[form])
    } catch (error) {
      throw this.#unreadable(error)
    }
  }

  range({ from, to, reverse = false, limit }: ScanRange, form: Form): StoredRange {
    // Pending deletions may hide what is found: the limit only says how much to fetch at once.
    const size = Math.min(pageSize, (limit ?? pageSize) + 1)
    try {
      const iterator = this.#opened.iterator<string, StoreValue>({ gte: from, lt: to, reverse, ...encodings[form] })
      const fetch = () => iterator.nextv(size).catch((error: unknown) => Promise.reject(this.#unreadable(error)))
      let pages = 0
      let ahead: ReturnType<typeof fetch> | undefined
      return {
        // While a page of a long scan is looked at, LevelDB's thread reads the next one.
        nextPage: async () => {
          const page = await (ahead ?? fetch())
          ahead = ++pages > 1 && page.length === size ? fetch() : undefined
          // Whoever asks for it hears what is wrong.
          ahead?.catch(() => {})
          return page
        },
        close: () => iterator.close(),
      }
    } catch (error) {
      throw this.#unreadable(error)
    }
  }

  async keys({ from, to, limit = -1 }: ScanRange): Promise<readonly string[]> {
    return this.#opened.keys({ gte: from, lt: to, limit }).all()
  }

  async persist(operations: readonly GroupOperation[]): Promise<void> {
    let bytes = 0
    for (const { key, value } of operations) bytes += key.length + value.length
    this.#unchecked += bytes
    if (this.#unchecked >= bytesBetweenChecks) {
      // While the disk is full nothing else has joined a group.
      await this.#facts.room.check({ bytes, makesRoom: this.#isMerelyFull })
      this.#unchecked = 0
    }
    try {
      await this.#opened.batch(operations as (GroupOperation & { type: 'put' })[], { sync: this.#facts.isSynced })
    } catch (error) {
      this.#isHurt = true
      throw storeError(error)
    }
  }

  /** What the keys held before can still be read from the old handle: LevelDB applies a batch after it has written it. */
  lost(keys: Iterable<string>, error: StoreError): void {
    const { clock, log } = this.#facts
    this.#trouble = error
    this.#retryAtMs = clock.monotonicMs() + retryMs
    log.error('store: a group of changes was lost and taken back; writes are refused until the store has recovered', {
      reason: error.message,
    })
    if (!this.#isHurt) return
    if (error.reason === 'damaged') this.#markDamaged(error)
    for (const key of keys) {
      if (this.restored.has(key)) continue
      try {
        this.restored.set(key, this.read(key, 'bytes'))
      } catch (unreadable) {
        log.error('store: what a lost change replaced can not be read', { key, reason: (unreadable as Error).message })
      }
    }
  }

  refusal(makesRoom: boolean): StoreError | undefined {
    if (this.#trouble !== undefined) this.#recover()
    return makesRoom && this.#isMerelyFull ? undefined : this.#trouble
  }

  /** On a full disk the room of a deleted range is wanted now, and not when LevelDB gets to it. */
  async reclaim(from: string, to: string): Promise<void> {
    if (!this.#isMerelyFull) return
    await this.#opened.compactRange(from, to).catch((error: unknown) => {
      this.#facts.log.debug('store: not compacted', { reason: storeError(error).message })
    })
  }

  /** Full for who looks at the free space, while LevelDB itself is well. */
  get #isMerelyFull(): boolean {
    return this.#trouble?.reason === 'full' && !this.#isHurt
  }

  get #salvageFacts() {
    const { directory, log, clock, open } = this.#facts
    return { directory, log, open, wallMs: clock.wallMs() }
  }

  get #opened(): Database {
    if (this.#database !== undefined) return this.#database
    if (this.#trouble !== undefined) this.#recover()
    throw this.#trouble ?? new StoreError('closed', 'the store is not open')
  }

  /** Tried when somebody wants to write, at most once a second. */
  #recover(): void {
    const { clock, log, recovered } = this.#facts
    if (this.#recovery !== undefined || clock.monotonicMs() < this.#retryAtMs) return
    this.#recovery = this.#restore()
      .then(
        () => {
          this.#trouble = undefined
          log.info('store: it has recovered, writes are accepted again')
        },
        (error: unknown) => {
          this.#trouble = storeError(error)
          this.#retryAtMs = clock.monotonicMs() + retryMs
        },
      )
      .then(() => {
        this.#recovery = undefined
        if (this.#trouble === undefined) recovered()
      })
  }

  /** Keeps the old handle, which can be read from, until it looks as if the database could be opened again. */
  async #restore(): Promise<void> {
    const { room, open } = this.#facts
    await room.check({ isRecovery: true })
    if (!this.#isHurt) return
    await room.probe()
    await this.#close()
    this.#database = await open()
    const before = [...this.restored].map(([key, value]) =>
      value === undefined ? { type: 'del' as const, key } : { type: 'put' as const, key, value },
    )
    await this.#database.batch(before, { sync: true })
    this.#isHurt = false
    this.restored.clear()
  }

  async #close(): Promise<void> {
    const database = this.#database
    this.#database = undefined
    await database?.close()
  }

  #unreadable(error: unknown): StoreError {
    const failure = storeError(error)
    if (failure.reason === 'damaged') this.#markDamaged(failure)
    return failure
  }

  #markDamaged(failure: StoreError): void {
    if (this.#isDamageMarked) return
    this.#isDamageMarked = true
    const { directory, log } = this.#facts
    const reason = failure.message
    log.error('store: a part of it can not be read', {
      reason,
      advice: 'restart the gateway: it sets the store aside and goes on with what can be saved',
    })
    markDamaged(directory, reason).catch((error: Error) => log.debug('store: not marked', { reason: error.message }))
  }
}
