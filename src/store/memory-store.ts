/** The store in memory, for tests: the same groups, the same order of things, and faults on demand. */

import type { Clock } from '../onem2m/clock.ts'
import { GroupCommit, type GroupOperation, overlay, takeBack } from './commit-group.ts'
import {
  type CommitParticipant,
  type ScanRange,
  type Store,
  type StoreChange,
  StoreError,
  type StoreValue,
  type WriteOptions,
} from './store.ts'

export class MemoryStore implements Store {
  /** What would be on the disk. A store that is made with the data of another one is that store after a restart. */
  readonly data: Map<string, StoreValue>
  readonly #commit: GroupCommit
  #fault: StoreError | undefined
  #held: (() => void)[] | undefined
  #isClosed = false

  constructor({ clock, data = new Map() }: { readonly clock: Clock; readonly data?: Map<string, StoreValue> }) {
    this.data = data
    this.#commit = new GroupCommit({
      clock,
      congestion: 20_000,
      persist: (operations) => this.#persist(operations),
      lost: () => {},
    })
  }

  get isCongested(): boolean {
    return this.#commit.isCongested
  }

  get statistics() {
    return this.#commit.statistics
  }

  /** Until `heal` every group is lost with this error. */
  fail(error: StoreError): void {
    this.#fault = error
  }

  heal(): void {
    this.#fault = undefined
  }

  /** Holds commits back until `release`: a disk that takes its time. */
  hold(): void {
    this.#held ??= []
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const go of held) go()
  }

  flushed(): Promise<void> {
    return this.#commit.flushed()
  }

  async stop(): Promise<void> {
    await this.flushed()
    this.#isClosed = true
  }

  getText(key: string): string | undefined {
    const value = this.#get(key)
    return value === undefined ? undefined : asText(value)
  }

  getBytes(key: string): Uint8Array | undefined {
    const value = this.#get(key)
    return value === undefined ? undefined : asBytes(value)
  }

  scanText(range: ScanRange): AsyncIterable<readonly [string, string]> {
    return this.#scan(range, asText)
  }

  scanBytes(range: ScanRange): AsyncIterable<readonly [string, Uint8Array]> {
    return this.#scan(range, asBytes)
  }

  write(changes: readonly StoreChange[], participant?: CommitParticipant, options: WriteOptions = {}): void {
    if (!this.#isClosed) this.#commit.join(changes, participant, options)
    else if (participant !== undefined) takeBack([participant], new StoreError('closed', 'the store is closed'))
  }

  discardRange(from: string, to: string): void {
    this.write([], {
      committed: () => {
        for (const key of this.data.keys()) if (key >= from && key < to) this.data.delete(key)
      },
      failed: () => {},
    })
  }

  #get(key: string): StoreValue | undefined {
    const pending = this.#commit.pending(key)
    return pending === null ? this.data.get(key) : pending
  }

  #scan<V extends StoreValue>(
    range: ScanRange,
    convert: (value: StoreValue) => V,
  ): AsyncIterable<readonly [string, V]> {
    const pending = new Map<string, V | undefined>()
    for (const [key, value] of this.#commit.pendingIn(range))
      pending.set(key, value === undefined ? undefined : convert(value))
    const stored = [...this.data]
      .filter(([key]) => key >= range.from && key < range.to)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, value]) => [key, convert(value)] as const)
    if (range.reverse === true) stored.reverse()
    return overlay(eachOf(stored), pending, range)
  }

  async #persist(operations: readonly GroupOperation[]): Promise<void> {
    if (this.#held !== undefined) await new Promise<void>((resolve) => this.#held?.push(resolve))
    if (this.#fault !== undefined) throw this.#fault
    for (const { type, key, value } of operations) {
      if (type === 'put') this.data.set(key, value)
      else this.data.delete(key)
    }
  }
}

async function* eachOf<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items
}

function asText(value: StoreValue): string {
  return typeof value === 'string' ? value : new TextDecoder().decode(value)
}

function asBytes(value: StoreValue): Uint8Array {
  return typeof value === 'string' ? new TextEncoder().encode(value) : value
}
