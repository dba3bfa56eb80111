/** The store in memory, for tests: the same groups, the same order of things, and faults on demand. */

import type { Clock } from '../onem2m/clock.ts'
import type { GroupOperation } from './commit-group.ts'
import { type Backing, GroupedStore } from './grouped-store.ts'
import { compareKeys, type Entry, isWithin, type StoredRange } from './overlay.ts'
import type { ScanRange, StoreError, StoreValue } from './store.ts'

export interface MemoryStoreOptions {
  readonly clock: Clock
  /** What is on the disk. A store made with the data of another one is that store after a restart. */
  readonly data?: Map<string, StoreValue>
  readonly groupBytes?: number
}

export class MemoryStore extends GroupedStore<MemoryBacking> {
  constructor({ clock, data = new Map(), groupBytes }: MemoryStoreOptions) {
    super({ backing: new MemoryBacking(data), clock, groupBytes })
  }

  /** What would be on the disk. */
  get data(): Map<string, StoreValue> {
    return this.backing.data
  }

  async start(): Promise<void> {
    await this.resumeDiscards()
  }

  async stop(): Promise<void> {
    this.release()
    await this.close()
  }

  /** The next group is lost. */
  failNext(error: StoreError): void {
    this.backing.fault = error
  }

  /** Until `heal` every group is lost. */
  fail(error: StoreError): void {
    this.backing.lastingFault = error
  }

  heal(): void {
    this.backing.lastingFault = undefined
  }

  /** Holds groups back until `release`: a disk that takes its time. */
  hold(): void {
    this.backing.held ??= []
  }

  release(): void {
    const held = this.backing.held ?? []
    this.backing.held = undefined
    for (const go of held) go()
  }
}

class MemoryBacking implements Backing {
  readonly restored = new Map<string, StoreValue | undefined>()
  readonly data: Map<string, StoreValue>
  fault: StoreError | undefined
  lastingFault: StoreError | undefined
  held: (() => void)[] | undefined

  constructor(data: Map<string, StoreValue>) {
    this.data = data
  }

  read(key: string): StoreValue | undefined {
    return this.data.get(key)
  }

  range(range: ScanRange): StoredRange {
    const pages = [this.#entries(range)]
    return { nextPage: async () => pages.pop() ?? [], close: async () => {} }
  }

  async keys(range: ScanRange): Promise<readonly string[]> {
    return this.#entries(range)
      .slice(0, range.limit)
      .map(([key]) => key)
  }

  async persist(operations: readonly GroupOperation[]): Promise<void> {
    if (this.held !== undefined) await new Promise<void>((resolve) => this.held?.push(resolve))
    const fault = this.fault ?? this.lastingFault
    this.fault = undefined
    if (fault !== undefined) throw fault
    for (const { type, key, value } of operations) {
      if (type === 'put') this.data.set(key, value)
      else this.data.delete(key)
    }
  }

  lost(): void {}

  refusal(): undefined {}

  async reclaim(): Promise<void> {}

  #entries(range: ScanRange): Entry[] {
    const entries = [...this.data].filter(([key]) => isWithin(key, range))
    entries.sort(([left], [right]) => compareKeys(left, right))
    return range.reverse === true ? entries.reverse() : entries
  }
}
