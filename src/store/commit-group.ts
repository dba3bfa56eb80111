/**
 * Group commit: changes join the open group while the last one is on its way to the disk, and what is lost is taken back in memory before
 * anybody hears of it. It knows the order of things; how a group is persisted is handed in.
 */

import type { Clock, Timer } from '../onem2m/clock.ts'
import type { CommitParticipant, ScanRange, StoreChange, StoreError, StoreValue, WriteOptions } from './store.ts'

export interface GroupOperation {
  readonly type: 'put' | 'del'
  readonly key: string
  readonly value: StoreValue
}

/** A group on its way to the disk: the last change of every key, and who waits for it. */
export class CommitGroup {
  readonly changes = new Map<string, StoreChange['value']>()
  readonly participants: CommitParticipant[] = []

  /** Takes the state of everything that was given as a function; from then on the group is what goes to the disk. */
  close(): GroupOperation[] {
    const operations: GroupOperation[] = []
    for (const [key, change] of this.changes) {
      const value = typeof change === 'function' ? change() : change
      if (typeof change === 'function') this.changes.set(key, value)
      operations.push(value === undefined ? { type: 'del', key, value: '' } : { type: 'put', key, value })
    }
    return operations
  }
}

interface CommitFacts {
  readonly clock: Clock
  /** Changes in one group beyond which writers should hold back. */
  readonly congestion: number
  /** Stores a group; rejects with a StoreError when it did not, whatever of it may be on the disk. */
  persist(operations: readonly GroupOperation[]): Promise<void>
  /** A group was lost; called before anything is undone. */
  lost(group: CommitGroup, error: StoreError): void
}

export class GroupCommit {
  readonly statistics = { groups: 0, participants: 0, changes: 0, largestGroup: 0, failures: 0 }
  readonly #facts: CommitFacts
  #open = new CommitGroup()
  #flying: CommitGroup | undefined
  #isScheduled = false
  #patience: Timer | undefined
  #idle: (() => void)[] = []

  constructor(facts: CommitFacts) {
    this.#facts = facts
  }

  get isCongested(): boolean {
    return this.#open.changes.size > this.#facts.congestion
  }

  /** The change of a key that is not on the disk yet: `null` says that there is none. */
  pending(key: string): StoreValue | undefined | null {
    for (const group of [this.#open, this.#flying]) {
      if (group?.changes.has(key) !== true) continue
      const change = group.changes.get(key)
      return typeof change === 'function' ? change() : change
    }
    return null
  }

  get hasPending(): boolean {
    return this.#open.changes.size > 0 || this.#flying !== undefined
  }

  /** Changes of a range that are not on the disk yet, as they are now. */
  pendingIn({ from, to }: ScanRange): Map<string, StoreValue | undefined> {
    const found = new Map<string, StoreValue | undefined>()
    for (const group of [this.#flying, this.#open]) {
      for (const [key, change] of group?.changes ?? [])
        if (key >= from && key < to) found.set(key, typeof change === 'function' ? change() : change)
    }
    return found
  }

  join(changes: readonly StoreChange[], participant: CommitParticipant | undefined, options: WriteOptions): void {
    const group = this.#open
    for (const { key, value } of changes) group.changes.set(key, value)
    if (participant !== undefined) group.participants.push(participant)
    if (this.#isScheduled || this.#flying !== undefined) return
    const patienceMs = options.patienceMs ?? 0
    if (patienceMs > 0) {
      this.#patience ??= this.#facts.clock.after(patienceMs, () => this.#schedule())
      return
    }
    this.#schedule()
  }

  /** Resolves when nothing is open or under way any more. Hurries groups that were patient. */
  flushed(): Promise<void> {
    if (!this.hasPending && this.#open.participants.length === 0) return Promise.resolve()
    if (!this.#isScheduled && this.#flying === undefined) this.#schedule()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /**
   * At the end of the turn of the event loop: everything that arrived with this round of I/O is in the group, and a lone writer waits for
   * nothing else.
   */
  #schedule(): void {
    this.#patience?.cancel()
    this.#patience = undefined
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#send()
    })
  }

  #send(): void {
    const group = this.#open
    if (this.#flying !== undefined) return
    if (group.changes.size === 0 && group.participants.length === 0) {
      for (const resolve of this.#idle.splice(0)) resolve()
      return
    }
    this.#patience?.cancel()
    this.#patience = undefined
    this.#open = new CommitGroup()
    this.#flying = group
    this.#facts.persist(group.close()).then(
      () => this.#committed(group),
      (error: StoreError) => this.#failed(group, error),
    )
  }

  #committed(group: CommitGroup): void {
    const { statistics } = this
    statistics.groups++
    statistics.participants += group.participants.length
    statistics.changes += group.changes.size
    statistics.largestGroup = Math.max(statistics.largestGroup, group.participants.length)
    this.#flying = undefined
    // The next group leaves first: answering can take as long as the disk.
    this.#send()
    for (const participant of group.participants) participant.committed()
  }

  /** The open group was built on the state that the lost one left in memory, so that it is lost too. */
  #failed(group: CommitGroup, error: StoreError): void {
    this.statistics.failures++
    const open = this.#open
    this.#open = new CommitGroup()
    this.#facts.lost(group, error)
    this.#flying = undefined
    takeBack([...group.participants, ...open.participants], error)
    this.#send()
  }
}

/** Undoes in the reverse order of joining, then tells everybody in the order of joining. */
export function takeBack(participants: readonly CommitParticipant[], error: StoreError): void {
  for (let index = participants.length - 1; index >= 0; index--) participants[index]?.undo?.()
  for (const participant of participants) participant.failed(error)
}

/** Merges what is on the disk with what is pending, in key order. */
export async function* overlay<V>(
  stored: AsyncIterable<readonly [string, V]>,
  pending: ReadonlyMap<string, V | undefined>,
  { reverse = false, limit = Number.POSITIVE_INFINITY }: ScanRange,
): AsyncIterable<readonly [string, V]> {
  const isBefore = (left: string, right: string) => (reverse ? left > right : left < right)
  const waiting = [...pending].sort(([left], [right]) => (isBefore(left, right) ? -1 : 1))
  let next = 0
  let left = limit
  for await (const [key, value] of stored) {
    for (; next < waiting.length && isBefore((waiting[next] as [string, V])[0], key); next++) {
      const [pendingKey, pendingValue] = waiting[next] as [string, V | undefined]
      if (pendingValue !== undefined && left-- > 0) yield [pendingKey, pendingValue]
    }
    if (left <= 0) return
    if (pending.has(key)) continue
    left--
    yield [key, value]
    if (left <= 0) return
  }
  for (; next < waiting.length && left > 0; next++) {
    const [key, value] = waiting[next] as [string, V | undefined]
    if (value === undefined) continue
    left--
    yield [key, value]
  }
}
