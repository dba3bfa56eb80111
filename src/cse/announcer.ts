/**
 * Keeps announced resources at other CSEs as their originals are here (TS-0004 7.3.3.10, 7.3.3.11). What is to be done is a record on the disk
 * beside the change that made it so, done in order, several instances at a time, and tried again for as long as the other CSE is away: a
 * record names its original, so that what waits costs a line and not a copy.
 */

import type { Clock, Timer } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import type { Store } from '../store/store.ts'
import { announceTargets, cseOfEntry, isServiceWide } from './announcement.ts'
import { AnnouncementExchange, type AnnouncementExchangeFacts } from './announcement-exchange.ts'
import { type Announcement, AnnouncementLedger, changeOf, removalOf } from './announcement-ledger.ts'
import { Attempts } from './attempt.ts'
import type { Execution } from './execution.ts'
import type { Resource, StoredInstance } from './resource.ts'

interface AnnouncerFacts extends Omit<AnnouncementExchangeFacts, 'ledger' | 'enqueue'> {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
}

interface Target {
  /** In order; what is done leaves. */
  readonly queue: Set<Announcement>
  isBusy: boolean
  pause: Timer | undefined
  failures: number
}

const longestPauseMs = 60_000
/** Instances announced at a time. */
const windowSize = 16
/** Instances that wait for one CSE; with one more the oldest is not announced. */
const maxWaiting = 10_000

export class Announcer {
  readonly #statistics = { refused: 0, dropped: 0 }
  readonly #facts: AnnouncerFacts
  readonly #exchange: AnnouncementExchange
  readonly #ledger: AnnouncementLedger
  readonly #targets = new Map<string, Target>()
  readonly #attempts: Attempts<Announcement>
  #isStopped = false

  constructor(facts: AnnouncerFacts) {
    this.#facts = facts
    this.#ledger = new AnnouncementLedger(facts.store)
    this.#attempts = new Attempts(facts.clock)
    this.#exchange = new AnnouncementExchange({
      ...facts,
      ledger: this.#ledger,
      enqueue: (record) => this.#enqueue(record),
    })
  }

  get statistics(): { readonly announced: number; readonly refused: number; readonly dropped: number } {
    return { announced: this.#exchange.announced, ...this.#statistics }
  }

  /** Goes on with what an earlier run left. */
  async start(): Promise<void> {
    for (const record of await this.#ledger.load())
      if (record.address === undefined || record.isStale === true || record.isGone === true) this.#enqueue(record)
  }

  stop(): void {
    this.#isStopped = true
    for (const { pause } of this.#targets.values()) pause?.cancel()
    this.#targets.clear()
  }

  /** The way to another CSE may be open again. */
  wake(): void {
    for (const [cseId, target] of this.#targets) {
      target.pause?.cancel()
      target.pause = undefined
      target.failures = 0
      this.#advance(cseId, target)
    }
  }

  /**
   * Resolves when these were tried, or when their CSEs are away: a response follows what its request announces (TS-0004 7.3.3.10). Those are
   * the `announcements` of an Execution, from before its change is on the disk.
   */
  async attempt(announcements: readonly Announcement[]): Promise<void> {
    const open = announcements.filter(({ target }) => this.#targets.get(target)?.pause === undefined)
    if (open.length > 0 && !this.#isStopped) await this.#attempts.wait(open)
  }

  /** A resource was created or changed: announces it where announceTo says, and nowhere else. */
  observe(execution: Execution, resource: Resource): void {
    const wanted = this.#placesFor(resource)
    const known = this.#ledger.of(resource.resourceIdentifier)
    for (const [target, record] of known ?? []) {
      if (!wanted.has(target)) this.#plan(execution, record, { isGone: true })
      else if (record.isGone !== true) this.#plan(execution, record, { isStale: true })
    }
    for (const [target, place] of wanted) {
      const isKnown = known?.get(target)
      if (isKnown !== undefined && isKnown.isGone !== true) continue
      this.#plan(execution, this.#exchange.newRecord(resource.resourceIdentifier, target, place), {})
    }
  }

  /** An instance was created. Throws OPERATION_NOT_ALLOWED where its container is not announced. TS-0004 7.3.3.10. */
  observeInstance(
    execution: Execution,
    container: Resource,
    instance: StoredInstance,
    announceTo: readonly string[] | undefined,
  ): void {
    const containerIdentifier = container.resourceIdentifier
    if (this.#ledger.hasInstances(containerIdentifier))
      execution.transaction.afterCommit(() => this.#sweep(containerIdentifier))
    // Handed in, because asking the instance would have its record read back for every one that is created.
    if (announceTo === undefined) return
    for (const target of placesBy(announceTo).keys()) {
      if (this.#ledger.at(containerIdentifier, target) === undefined)
        throw new OneM2MError(
          Status.OPERATION_NOT_ALLOWED,
          `at: ${container.address} is not announced at ${target}, so its instances can't be`,
        )
      const record = this.#exchange.newRecord(instance.resourceIdentifier, target, undefined, containerIdentifier)
      this.#plan(execution, record, {})
    }
  }

  /** A resource or an instance is deleted: so is what is announced of it. */
  leave(execution: Execution, resource: Resource | StoredInstance): void {
    const { resourceIdentifier } = resource
    for (const record of this.#ledger.of(resourceIdentifier)?.values() ?? [])
      this.#plan(execution, record, { isGone: true })
    const instances = [...this.#ledger.instancesOf(resourceIdentifier)]
    if (instances.length === 0) return
    // They go with the announced container.
    for (const record of instances) execution.transaction.changes.push(removalOf(record))
    execution.transaction.afterCommit(() => {
      for (const record of instances) {
        this.#targets.get(record.target)?.queue.delete(record)
        this.#ledger.forget(record)
      }
    })
  }

  #placesFor(resource: Resource): ReadonlyMap<string, string | undefined> {
    const { registrarCseId, baseOf } = this.#facts
    const places = placesBy(announceTargets(resource))
    if (registrarCseId === undefined || !isServiceWide(resource)) return places
    return new Map(places).set(registrarCseId, baseOf(registrarCseId))
  }

  /** Notes with a change what follows from it, and does so once the change is on the disk. */
  #plan(execution: Execution, record: Announcement, change: Partial<Announcement>): void {
    const { transaction } = execution
    // Nothing that is shown of an instance follows from its announcement, and there may be many.
    if (record.container === undefined) {
      execution.announcements ??= []
      execution.announcements.push(record)
    }
    transaction.changes.push(changeOf(record, change))
    transaction.afterCommit(() => {
      Object.assign(record, change)
      this.#ledger.remember(record)
      this.#enqueue(record)
    })
  }

  /** Instances that their container has dropped meanwhile are not announced any more: the oldest go first. */
  #sweep(container: string): void {
    const { tree, clock } = this.#facts
    const gone: Announcement[] = []
    for (const record of this.#ledger.instancesOf(container)) {
      if (record.isGone === true) continue
      if (tree.resolve(record.original, clock.wallMs()) !== undefined) break
      gone.push(record)
    }
    for (const record of gone) {
      if (record.address === undefined) this.#drop(record)
      else {
        record.isGone = true
        this.#ledger.write(record)
        this.#enqueue(record)
      }
    }
  }

  /** Nothing more is to be done, and nothing is announced. */
  #drop(record: Announcement): void {
    this.#targets.get(record.target)?.queue.delete(record)
    this.#ledger.erase(record)
  }

  #enqueue(record: Announcement): void {
    if (this.#isStopped) return
    let target = this.#targets.get(record.target)
    if (target === undefined) {
      target = { queue: new Set(), isBusy: false, pause: undefined, failures: 0 }
      this.#targets.set(record.target, target)
    }
    target.queue.add(record)
    if (target.queue.size > maxWaiting) this.#dropOldest(target)
    this.#advance(record.target, target)
  }

  #dropOldest({ queue }: Target): void {
    for (const record of queue) {
      if (record.container === undefined || record.isGone === true) continue
      this.#drop(record)
      this.#statistics.dropped++
      this.#facts.log.warn('instances are not announced: too many wait for a CSE that is away', {
        target: record.target,
      })
      return
    }
  }

  #advance(cseId: string, target: Target): void {
    if (target.isBusy || target.pause !== undefined || this.#isStopped) return
    target.isBusy = true
    void this.#work(target).then((isAway) => {
      target.isBusy = false
      for (const record of target.queue) this.#attempts.tried(record)
      if (this.#isStopped) return
      if (!isAway) {
        if (target.queue.size === 0) this.#targets.delete(cseId)
        return
      }
      const pauseMs = Math.min(1000 * 2 ** target.failures++, longestPauseMs)
      target.pause = this.#facts.clock.after(pauseMs, () => {
        target.pause = undefined
        this.#advance(cseId, target)
      })
    })
  }

  /** Does what a record says, until it says nothing more. Rejects with what the other CSE objects to, or when it is away. */
  async #perform(record: Announcement): Promise<void> {
    const { tree, clock } = this.#facts
    const resource = record.isGone === true ? undefined : tree.resolve(record.original, clock.wallMs())?.resource
    if (resource === undefined) {
      await this.#exchange.withdraw(record)
      this.#drop(record)
      return
    }
    await this.#exchange.settle(record, resource)
    // It may have changed again while the other CSE was asked.
    if (record.isStale !== true && record.isGone !== true) this.#targets.get(record.target)?.queue.delete(record)
    this.#ledger.write(record)
  }

  /** Never rejects; resolves to true when the other CSE is away. */
  async #work(target: Target): Promise<boolean> {
    while (target.queue.size > 0 && !this.#isStopped) {
      const batch = nextBatch(target.queue)
      const results = await Promise.allSettled(batch.map((record) => this.#perform(record)))
      for (const [index, result] of results.entries()) {
        if (result.status === 'fulfilled') target.failures = 0
        else if (isAway(result.reason)) return true
        else this.#refused(batch[index] as Announcement, result.reason)
      }
      for (const record of batch) if (!target.queue.has(record)) this.#attempts.tried(record)
    }
    return false
  }

  #refused(record: Announcement, reason: Error): void {
    this.#statistics.refused++
    this.#facts.log.warn('not announced: the other CSE refuses it', { target: record.target, reason: reason.message })
    this.#drop(record)
    const resource = this.#facts.tree.get(record.original)
    if (resource !== undefined && record.container === undefined) this.#exchange.show(record, resource, undefined)
  }
}

/** What can be done at a time: one resource, or several new instances. */
function nextBatch(queue: ReadonlySet<Announcement>): readonly Announcement[] {
  const batch: Announcement[] = []
  for (const record of queue) {
    const isNewInstance = record.container !== undefined && record.address === undefined && record.isGone !== true
    if (!isNewInstance && batch.length > 0) break
    batch.push(record)
    if (!isNewInstance || batch.length === windowSize) break
  }
  return batch
}

/** The CSEs of an announceTo, each with the place asked for where the entry is more than a CSE-ID. */
function placesBy(entries: readonly string[]): ReadonlyMap<string, string | undefined> {
  const places = new Map<string, string | undefined>()
  for (const entry of entries) {
    const target = cseOfEntry(entry)
    if (target !== undefined && !places.has(target)) places.set(target, entry.endsWith(target) ? undefined : entry)
  }
  return places
}

function isAway(error: unknown): boolean {
  return (
    error instanceof OneM2MError &&
    (error.status === Status.TARGET_NOT_REACHABLE || error.status === Status.REQUEST_TIMEOUT)
  )
}
