/**
 * Group commit: changes join the open group while the last one is on its way to the disk, and what is lost is taken back in memory before
 * anybody hears of it. It knows the order of things; how a group is persisted is handed in.
 */

import type { Clock, Timer } from '../onem2m/clock.ts'
import { type CommitParticipant, type StoreChange, StoreError, type StoreValue } from './store.ts'

export interface GroupOperation {
  readonly type: 'put' | 'del'
  readonly key: string
  readonly value: StoreValue
}

export interface CommitStatistics {
  /** Groups that were stored, who waited for them, and what they held. */
  readonly groups: number
  readonly participants: number
  readonly changes: number
  readonly bytes: number
  /** Participants of the largest group. */
  readonly largestGroup: number
  /** Groups that were lost. */
  readonly failures: number
  /** How long the last group took to be stored. */
  readonly lastCommitMs: number
}

/** Changes and bytes in the open group beyond which writers should hold back, and beyond which it waits for nobody. */
export interface GroupBound {
  readonly changes: number
  readonly bytes: number
}

interface CommitFacts {
  readonly clock: Clock
  readonly bound: GroupBound
  /** Stores a group; rejects with a StoreError when it did not, whatever of it may be on the disk. */
  persist(operations: readonly GroupOperation[]): Promise<void>
  /** A group was lost; called before anything is undone. */
  lost(keys: Iterable<string>, error: StoreError): void
  /** A participant threw, or a function did that was to give a value. Everybody else has been served all the same. */
  bug(error: unknown): void
}

/** The last change of every key, and who waits for it. */
export class CommitGroup {
  readonly changes = new Map<string, StoreChange['value']>()
  readonly participants: CommitParticipant[] = []
  /** Roughly; a key that changes twice counts twice. */
  bytes = 0
  /** The monotonic time at which the least patient participant has waited long enough. */
  dueAtMs = Number.POSITIVE_INFINITY

  /** What a key of this group holds from it on; undefined when it is deleted. */
  value(key: string): StoreValue | undefined {
    const change = this.changes.get(key)
    return typeof change === 'function' ? change() : change
  }

  /** Takes the state of everything that was given as a function; from then on the group is what goes to the disk. */
  close(): GroupOperation[] {
    const operations: GroupOperation[] = []
    this.bytes = 0
    for (const [key, change] of this.changes) {
      const value = typeof change === 'function' ? change() : change
      if (value !== change) this.changes.set(key, value)
      operations.push(value === undefined ? { type: 'del', key, value: '' } : { type: 'put', key, value })
      this.bytes += key.length + (value?.length ?? 0)
    }
    return operations
  }
}

export class GroupCommit {
  readonly statistics = {
    groups: 0,
    participants: 0,
    changes: 0,
    bytes: 0,
    largestGroup: 0,
    failures: 0,
    lastCommitMs: 0,
  }
  readonly #facts: CommitFacts
  #open = new CommitGroup()
  #flying: CommitGroup | undefined
  #isScheduled = false
  #patience: Timer | undefined

  constructor(facts: CommitFacts) {
    this.#facts = facts
  }

  get isCongested(): boolean {
    const { changes, bytes } = this.#facts.bound
    return this.#open.changes.size > changes || this.#open.bytes > bytes
  }

  /** The group, not on the disk yet, that changes a key last. */
  groupOf(key: string): CommitGroup | undefined {
    if (this.#open.changes.has(key)) return this.#open
    return this.#flying?.changes.has(key) === true ? this.#flying : undefined
  }

  /** The groups that are not on the disk yet, in their order. */
  get pending(): readonly CommitGroup[] {
    return this.#flying === undefined ? [this.#open] : [this.#flying, this.#open]
  }

  join(changes: readonly StoreChange[], participant: CommitParticipant | undefined, patienceMs = 0): void {
    const group = this.#open
    for (const { key, value } of changes) {
      group.changes.set(key, value)
      group.bytes += key.length + (typeof value === 'function' ? 0 : (value?.length ?? 0))
    }
    if (participant !== undefined) group.participants.push(participant)
    const dueAtMs = patienceMs > 0 ? this.#facts.clock.monotonicMs() + patienceMs : Number.NEGATIVE_INFINITY
    if (dueAtMs < group.dueAtMs) {
      group.dueAtMs = dueAtMs
      this.#patience?.cancel()
      this.#patience = undefined
    }
    this.#arrange()
  }

  /** Resolves when everything that was written so far is stored or lost. Hurries whoever was patient. */
  flush(): Promise<void> {
    return new Promise((resolve) => this.join([], { committed: resolve, failed: () => resolve() }))
  }

  /**
   * Has the open group leave at the end of this turn of the event loop, when everything that arrived with this round of I/O is in it; or,
   * when all who wait for it are patient, once the first of them is not.
   */
  #arrange(): void {
    const { dueAtMs, changes, participants } = this.#open
    if (this.#isScheduled || this.#flying !== undefined || (changes.size === 0 && participants.length === 0)) return
    if (dueAtMs !== Number.NEGATIVE_INFINITY && !this.isCongested) {
      const { clock } = this.#facts
      this.#patience ??= clock.after(Math.max(0, dueAtMs - clock.monotonicMs()), () => {
        this.#open.dueAtMs = Number.NEGATIVE_INFINITY
        this.#arrange()
      })
      return
    }
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#send()
    })
  }

  #send(): void {
    const group = this.#replaceOpen()
    this.#flying = group
    const { clock } = this.#facts
    const startMs = clock.monotonicMs()
    this.#store(group).then(
      () => this.#committed(group, clock.monotonicMs() - startMs),
      (error: StoreError) => this.#failed(group, error),
    )
  }

  async #store(group: CommitGroup): Promise<void> {
    let operations: readonly GroupOperation[]
    try {
      operations = group.close()
    } catch (error) {
      this.#facts.bug(error)
      throw new StoreError('io', 'what was to be stored could not be put into words', error)
    }
    if (operations.length > 0) await this.#facts.persist(operations)
  }

  #replaceOpen(): CommitGroup {
    const group = this.#open
    this.#open = new CommitGroup()
    this.#patience?.cancel()
    this.#patience = undefined
    return group
  }

  #committed({ changes, participants, bytes }: CommitGroup, commitMs: number): void {
    this.#flying = undefined
    const { statistics } = this
    if (changes.size > 0) {
      statistics.groups++
      statistics.participants += participants.length
      statistics.changes += changes.size
      statistics.bytes += bytes
      statistics.largestGroup = Math.max(statistics.largestGroup, participants.length)
      statistics.lastCommitMs = commitMs
    }
    this.#arrange()
    for (const participant of participants) attempt(() => participant.committed(), this.#facts.bug)
  }

  /** The open group was built on the state that the lost one left in memory, so that it is lost too. */
  #failed(group: CommitGroup, error: StoreError): void {
    this.statistics.failures++
    const open = this.#replaceOpen()
    this.#facts.lost(group.changes.keys(), error)
    this.#flying = undefined
    takeBack([...group.participants, ...open.participants], error, this.#facts.bug)
  }
}

/** Undoes in the reverse order of joining, then tells everybody in the order of joining. Nobody's mistake keeps the others waiting. */
export function takeBack(
  participants: readonly CommitParticipant[],
  error: StoreError,
  bug: (error: unknown) => void,
): void {
  for (const participant of participants.toReversed()) attempt(() => participant.undo?.(), bug)
  for (const participant of participants) attempt(() => participant.failed(error), bug)
}

function attempt(call: () => void, bug: (error: unknown) => void): void {
  try {
    call()
  } catch (error) {
    bug(error)
  }
}

/** What is done about a participant that threw: the process ends as with any other bug, after this turn has served the others. */
export function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}
