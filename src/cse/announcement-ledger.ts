/** Which resource is announced where, in memory and on the disk: one record for each resource and CSE. */

import type { Store, StoreChange } from '../store/store.ts'

/** One resource at one CSE. */
export interface Announcement {
  readonly original: string
  /** The CSE-ID. */
  readonly target: string
  /** Where it was asked to be put, when that is more than a CSE. */
  readonly place?: string
  /** The container of an instance. */
  readonly container?: string
  /** Of the CREATE, the same until it is answered: a response may be lost. */
  requestIdentifier: string
  /** Of the announced resource, once it is there. */
  address?: string
  /** Short names of the attributes that it has. */
  sent?: readonly string[]
  /** The original has changed since, or is gone. */
  isStale?: boolean
  isGone?: boolean
}

export class AnnouncementLedger {
  readonly #store: Store
  readonly #records = new Map<string, Map<string, Announcement>>()
  /** Records of instances by their container, oldest first. */
  readonly #instances = new Map<string, Announcement[]>()

  constructor(store: Store) {
    this.#store = store
  }

  /** Remembers what the disk has; resolves with it. */
  async load(): Promise<readonly Announcement[]> {
    const records: Announcement[] = []
    for await (const [, text] of this.#store.scanText({ from: 'a/', to: 'a0' })) {
      const record = readRecord(text)
      if (record !== undefined) records.push(record)
    }
    for (const record of records) this.remember(record)
    return records
  }

  /** What is announced of a resource, by CSE. */
  of(original: string): ReadonlyMap<string, Announcement> | undefined {
    return this.#records.get(original)
  }

  /** What is announced of a resource at a CSE, and is to stay there. */
  at(original: string, target: string): Announcement | undefined {
    const record = this.#records.get(original)?.get(target)
    return record?.isGone === true ? undefined : record
  }

  /** What is announced of the instances of a container, oldest first. */
  instancesOf(container: string): readonly Announcement[] {
    return this.#instances.get(container) ?? []
  }

  hasInstances(container: string): boolean {
    return this.#instances.has(container)
  }

  remember(record: Announcement): void {
    const { original, target, container } = record
    let ofOriginal = this.#records.get(original)
    if (ofOriginal === undefined) {
      ofOriginal = new Map()
      this.#records.set(original, ofOriginal)
    }
    if (container !== undefined && !ofOriginal.has(target)) {
      const siblings = this.#instances.get(container)
      if (siblings === undefined) this.#instances.set(container, [record])
      else siblings.push(record)
    }
    ofOriginal.set(target, record)
  }

  forget(record: Announcement): void {
    const { original, target, container } = record
    const ofOriginal = this.#records.get(original)
    if (ofOriginal?.get(target) === record) ofOriginal.delete(target)
    if (ofOriginal?.size === 0) this.#records.delete(original)
    const siblings = container === undefined ? undefined : this.#instances.get(container)
    const index = siblings?.indexOf(record) ?? -1
    if (index >= 0) siblings?.splice(index, 1)
    if (container !== undefined && siblings?.length === 0) this.#instances.delete(container)
  }

  /** Has the disk follow. */
  write(record: Announcement): void {
    this.#store.write([changeOf(record)])
  }

  erase(record: Announcement): void {
    // What was registered again under the same identifier has the same key.
    const isReplaced = this.#records.get(record.original)?.get(record.target) !== record
    this.forget(record)
    if (!isReplaced) this.#store.write([removalOf(record)])
  }
}

/** The record as it is to be on the disk, with what is about to change. */
export function changeOf(record: Announcement, change: Partial<Announcement> = {}): StoreChange {
  return { key: keyOf(record), value: JSON.stringify({ ...record, ...change }) }
}

export function removalOf(record: Announcement): StoreChange {
  return { key: keyOf(record), value: undefined }
}

function keyOf({ original, target }: Announcement): string {
  return `a/${original}/${encodeURIComponent(target)}`
}

/** Undefined for what a repair of the store left damaged. */
function readRecord(text: string): Announcement | undefined {
  try {
    return JSON.parse(text) as Announcement
  } catch {
    return undefined
  }
}
