/** What every store does alike, wherever it keeps its data: reads that see what is not stored yet, and writes that join a commit group. */

import type { Clock } from '../onem2m/clock.ts'
import {
  type CommitStatistics,
  type GroupBound,
  GroupCommit,
  type GroupOperation,
  takeBack,
  throwLater,
} from './commit-group.ts'
import { Discard, discardNotes } from './discard.ts'
import { isWithin, overlay, type StoredRange } from './overlay.ts'
import {
  type CommitParticipant,
  type ScanRange,
  type Store,
  type StoreChange,
  StoreError,
  type StoreValue,
  type WriteOptions,
} from './store.ts'

/** How a value is wanted; a backing may give the other form. */
export type Form = 'text' | 'bytes'

/** Where a store keeps its data. Everything throws or rejects with StoreError. */
export interface Backing {
  /** What keys of lost groups held before, as long as the disk may hold something else. */
  readonly restored: ReadonlyMap<string, StoreValue | undefined>
  read(key: string, form: Form): StoreValue | undefined
  /** A range as it is now. */
  range(range: ScanRange, form: Form): StoredRange
  keys(range: ScanRange): Promise<readonly string[]>
  persist(operations: readonly GroupOperation[]): Promise<void>
  lost(keys: Iterable<string>, error: StoreError): void
  /** Why this can't be written now; undefined when it can. */
  refusal(makesRoom: boolean): StoreError | undefined
  /** A range was deleted. */
  reclaim(from: string, to: string): Promise<void>
}

const defaultBound: GroupBound = { changes: 20_000, bytes: 4 * 1_048_576 }

interface GroupedStoreParts<B extends Backing> {
  readonly backing: B
  readonly clock: Clock
  readonly groupBytes?: number | undefined
  /** How long every group may wait for company, whoever is in it; 0 by default. */
  readonly commitDelayMs?: number | undefined
  /** What is done about a participant that throws; by default the process ends, once the others have been served. */
  readonly bug?: ((error: unknown) => void) | undefined
}

export class GroupedStore<B extends Backing> implements Store {
  protected readonly backing: B
  protected readonly discard: Discard
  readonly #commit: GroupCommit
  readonly #bug: (error: unknown) => void
  readonly #commitDelayMs: number
  #isClosed = false

  constructor(parts: GroupedStoreParts<B>) {
    const { backing, clock, groupBytes = defaultBound.bytes, commitDelayMs = 0, bug = throwLater } = parts
    this.#commitDelayMs = commitDelayMs
    this.backing = backing
    this.#bug = bug
    this.#commit = new GroupCommit({
      clock,
      bound: { changes: defaultBound.changes, bytes: groupBytes },
      persist: (operations) => backing.persist(operations),
      lost: (keys, error) => backing.lost(keys, error),
      bug,
    })
    this.discard = new Discard({
      write: (changes, participant) => this.write(changes, participant, { makesRoom: true }),
      keys: (range) => backing.keys(range),
      deleted: (from, to) => backing.reclaim(from, to),
    })
  }

  get statistics(): CommitStatistics {
    return this.#commit.statistics
  }

  get isCongested(): boolean {
    return this.#commit.isCongested
  }

  /** Resolves when everything that was written so far is stored or lost. */
  flush(): Promise<void> {
    return this.#commit.flush()
  }

  getText(key: string): string | undefined {
    const value = this.#get(key, 'text')
    return value === undefined ? undefined : asText(value)
  }

  getBytes(key: string): Uint8Array | undefined {
    const value = this.#get(key, 'bytes')
    return value === undefined ? undefined : asBytes(value)
  }

  scanText(range: ScanRange): AsyncIterable<readonly [string, string]> {
    return this.#scan(range, 'text', asText)
  }

  scanBytes(range: ScanRange): AsyncIterable<readonly [string, Uint8Array]> {
    return this.#scan(range, 'bytes', asBytes)
  }

  write(changes: readonly StoreChange[], participant?: CommitParticipant, options?: WriteOptions): void {
    const refusal = this.#isClosed
      ? new StoreError('closed', 'the store is closed')
      : this.backing.refusal(options?.makesRoom === true)
    if (refusal === undefined)
      this.#commit.join(changes, participant, Math.max(options?.patienceMs ?? 0, this.#commitDelayMs))
    else if (participant !== undefined) takeBack([participant], refusal, this.#bug)
  }

  discardRange(from: string, to: string): void {
    this.discard.begin(from, to)
  }

  /** Takes up the ranges whose deletion an earlier run did not finish. */
  protected resumeDiscards(): Promise<void> {
    return this.discard.resume(this.scanText(discardNotes))
  }

  /** Refuses what comes from now on, and waits for what came before. */
  protected async close(): Promise<void> {
    this.#isClosed = true
    this.discard.stop()
    await this.flush()
  }

  #get(key: string, form: Form): StoreValue | undefined {
    const group = this.#commit.groupOf(key)
    if (group !== undefined) return group.value(key)
    const { restored } = this.backing
    return restored.has(key) ? restored.get(key) : this.backing.read(key, form)
  }

  #scan<V>(range: ScanRange, form: Form, convert: (value: StoreValue) => V): AsyncIterable<readonly [string, V]> {
    const pending = new Map<string, StoreValue | undefined>()
    for (const [key, value] of this.backing.restored) if (isWithin(key, range)) pending.set(key, value)
    for (const group of this.#commit.pending)
      for (const key of group.changes.keys()) if (isWithin(key, range)) pending.set(key, group.value(key))
    return overlay(this.backing.range(range, form), pending, range, convert)
  }
}

function asText(value: StoreValue): string {
  return typeof value === 'string' ? value : new TextDecoder().decode(value)
}

function asBytes(value: StoreValue): Uint8Array {
  return typeof value === 'string' ? new TextEncoder().encode(value) : value
}
