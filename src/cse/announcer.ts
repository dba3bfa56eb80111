/**
 * Keeps announced resources at other CSEs as their originals are here (TS-0004 7.3.3.10, 7.3.3.11). What is to be done is a record on the disk
 * beside the change that made it so, done in order, several instances at a time, and tried again for as long as the other CSE is away: a
 * record names its original, so that what waits costs a line and not a copy.
 */

import type { Clock, Timer } from '../onem2m/clock.ts'
import { contentObject, type JsonObject } from '../onem2m/content.ts'
import type { Log } from '../onem2m/log.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { announcedOffset } from '../resources/announced.ts'
import type { Store } from '../store/store.ts'
import { announcedWire, announceTargets, cseOfEntry, isServiceWide, withdrawn } from './announcement.ts'
import { type Announcement, AnnouncementLedger, changeOf, removalOf } from './announcement-ledger.ts'
import { Attempts } from './attempt.ts'
import type { Execution } from './execution.ts'
import type { Resource, StoredInstance } from './resource.ts'
import type { Tree } from './tree.ts'

interface AnnouncerFacts {
  readonly tree: Tree
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly cseId: string
  readonly randomId: () => string
  /** Sends a request to another CSE, once; rejects when that can't be reached or does not answer. */
  readonly carry: (target: string, request: RequestPrimitive) => Promise<ResponsePrimitive>
  /** Undefined where there is none. */
  readonly registrarCseId: string | undefined
  /** The address of the CSEBase of another CSE. */
  readonly baseOf: (cseId: string) => string
  readonly internally: (change: (execution: Execution) => void) => void
}

interface Target {
  /** In order; what is done leaves. */
  readonly queue: Set<Announcement>
  isBusy: boolean
  pause: Timer | undefined
  failures: number
}

const longestPauseMs = 60_000
/** What a CREATE may be answered with that says what to do next. */
const settling: readonly number[] = [Status.NOT_FOUND, Status.CONFLICT, Status.BAD_REQUEST]
/** Instances announced at a time. */
const windowSize = 16
/** Instances that wait for one CSE; with one more the oldest is not announced. */
const maxWaiting = 10_000

export class Announcer {
  readonly statistics = { announced: 0, refused: 0, dropped: 0 }
  readonly #facts: AnnouncerFacts
  readonly #ledger: AnnouncementLedger
  readonly #targets = new Map<string, Target>()
  readonly #attempts: Attempts<Announcement>
  /** CSEs that give the names themselves. */
  readonly #nameless = new Set<string>()
  #isStopped = false

  constructor(facts: AnnouncerFacts) {
    this.#facts = facts
    this.#ledger = new AnnouncementLedger(facts.store)
    this.#attempts = new Attempts(facts.clock)
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
      this.#plan(execution, this.#newRecord(resource.resourceIdentifier, target, place), {})
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
      const record = this.#newRecord(instance.resourceIdentifier, target, undefined, containerIdentifier)
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

  /** Whether this is how the registrar knows an AE of the whole service provider, of which its CSE speaks there in its name. */
  #isRegistration({ original, target }: Announcement): boolean {
    return original.startsWith('S') && target === this.#facts.registrarCseId
  }

  #newRecord(original: string, target: string, place?: string, container?: string): Announcement {
    return {
      original,
      target,
      requestIdentifier: this.#facts.randomId(),
      ...(place === undefined ? {} : { place }),
      ...(container === undefined ? {} : { container }),
    }
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
      this.statistics.dropped++
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

  /** Does what a record says, until it says nothing more. Rejects with what the other CSE objects to, or when it is away. */
  async #perform(record: Announcement): Promise<void> {
    const { tree, clock } = this.#facts
    const resource = record.isGone === true ? undefined : tree.resolve(record.original, clock.wallMs())?.resource
    if (resource === undefined) {
      if (record.address !== undefined) await this.#withdraw(record, record.address)
      this.#drop(record)
      return
    }
    if (record.address === undefined) await this.#create(record, resource)
    else if (record.isStale === true && !(await this.#update(record, resource))) {
      this.#reset(record, resource)
      await this.#create(record, resource)
    }
    // It may have changed again while the other CSE was asked.
    if (record.isStale !== true && record.isGone !== true) this.#targets.get(record.target)?.queue.delete(record)
    this.#ledger.write(record)
  }

  async #create(record: Announcement, resource: Resource | StoredInstance): Promise<void> {
    const { definition, parent } = resource
    record.isStale = false
    const wire = announcedWire(resource, this.#facts.cseId)
    const member = `${definition.memberName}A`
    let place = ''
    // A name that says of what it is, so that a CREATE whose response was lost is found again. Strict peers take none: TS-0001 9.6.26.
    const name = this.#nameless.has(record.target) ? {} : { rn: resource.resourceIdentifier }
    const create = async (given: JsonObject = name) => {
      place = await this.#placeOf(record, resource)
      const content = { [member]: { ...given, ...wire } }
      const resourceType = definition.type + announcedOffset
      const { requestIdentifier } = record
      return this.#request(record, Operation.CREATE, place, { requestIdentifier, resourceType, content }, settling)
    }
    let response = await create()
    if (response.responseStatusCode === Status.BAD_REQUEST && 'rn' in name) {
      record.requestIdentifier = this.#facts.randomId()
      response = await create({})
      if (response.responseStatusCode < 4000) this.#nameless.add(record.target)
    }
    const above = this.#above(record, resource)
    if (response.responseStatusCode === Status.NOT_FOUND && above !== undefined && parent !== undefined) {
      // The other CSE has lost what this was to lie below.
      record.requestIdentifier = this.#facts.randomId()
      this.#reset(above, above.original === parent.resourceIdentifier ? parent : this.#facts.tree.root)
      response = await create()
    }
    const made = response.content === undefined ? undefined : contentObject(response.content)[member]
    const identifier = (made as JsonObject | undefined)?.['ri']
    if (typeof identifier === 'string')
      record.address = identifier.startsWith('/') ? identifier : `${record.target}/${identifier}`
    else if (response.responseStatusCode === Status.CONFLICT) {
      record.address = `${place}/${resource.resourceIdentifier}`
      // It may be there from earlier.
      record.isStale = record.container === undefined
    } else throw new OneM2MError(Status.BAD_REQUEST, `${response.responseStatusCode}, and no announced resource`)
    record.sent = Object.keys(wire)
    this.statistics.announced++
    if (record.container === undefined) this.#show(record, resource as Resource, record.address)
  }

  async #withdraw(record: Announcement, address: string): Promise<void> {
    if (this.#isRegistration(record))
      await this.#request(record, Operation.UPDATE, address, { content: withdrawn }, [Status.NOT_FOUND])
    else await this.#request(record, Operation.DELETE, address, {}, [Status.NOT_FOUND])
  }

  /** False when the announced resource is there no more. */
  async #update(record: Announcement, resource: Resource | StoredInstance): Promise<boolean> {
    record.isStale = false
    const { lnk, ...rest } = announcedWire(resource, this.#facts.cseId)
    const wire = lnk !== undefined && this.#isRegistration(record) ? { lnk, ...rest } : rest
    const removed = (record.sent ?? []).filter((short) => short !== 'lnk' && !(short in wire))
    const content = {
      [`${resource.definition.memberName}A`]: { ...wire, ...Object.fromEntries(removed.map((short) => [short, null])) },
    }
    const to = record.address as string
    const response = await this.#request(record, Operation.UPDATE, to, { content }, [Status.NOT_FOUND]).catch(
      (error) => {
        record.isStale = true
        throw error
      },
    )
    record.sent = ['lnk', ...Object.keys(wire)]
    return response.responseStatusCode !== Status.NOT_FOUND
  }

  /** The other CSE has lost it, and with it what lay below. */
  #reset(record: Announcement, resource: Resource | StoredInstance): void {
    delete record.address
    record.requestIdentifier = this.#facts.randomId()
    if (!('children' in resource)) return
    for (const child of resource.children.values()) {
      const below = this.#ledger.at(child.resourceIdentifier, record.target)
      if (below?.address === undefined) continue
      this.#reset(below, child)
      this.#enqueue(below)
    }
  }

  /** Below what is announced of the parent; else where it was asked for; else below what is announced of this CSE. TS-0004 7.3.3.10. */
  async #placeOf(record: Announcement, resource: Resource | StoredInstance): Promise<string> {
    const { tree, baseOf } = this.#facts
    const { parent } = resource
    if (parent === undefined) return baseOf(record.target)
    const above = this.#above(record, resource)
    if (above === undefined && record.place !== undefined) return record.place
    if (above !== undefined)
      return this.#addressOf(above, above.original === parent.resourceIdentifier ? (parent as Resource) : tree.root)
    return this.#addressOf(this.#newRecord(tree.root.resourceIdentifier, record.target), tree.root)
  }

  /** What a resource is announced below: its parent, or this CSE where nobody asked for another place. */
  #above({ target, place }: Announcement, { parent }: Resource | StoredInstance): Announcement | undefined {
    if (parent === undefined) return undefined
    const { root } = this.#facts.tree
    const above = parent === root ? undefined : this.#ledger.at(parent.resourceIdentifier, target)
    return above ?? (place === undefined ? this.#ledger.at(root.resourceIdentifier, target) : undefined)
  }

  async #addressOf(record: Announcement, resource: Resource): Promise<string> {
    if (record.address === undefined) {
      await this.#create(record, resource)
      this.#ledger.remember(record)
      this.#ledger.write(record)
    }
    return record.address as string
  }

  /** Rejects with what the response says, unless it is among the statuses that are as good as success. */
  async #request(
    record: Announcement,
    operation: Operation,
    to: string,
    parameters: Partial<RequestPrimitive>,
    accepted: readonly number[] = [],
  ): Promise<ResponsePrimitive> {
    const { carry, cseId, randomId } = this.#facts
    const { target, original } = record
    const request: RequestPrimitive = {
      operation,
      to,
      originator: this.#isRegistration(record) ? `${cseId}/${original}` : cseId,
      requestIdentifier: randomId(),
      releaseVersionIndicator: '3',
      ...parameters,
    }
    const response = await carry(target, request)
    const { responseStatusCode: status, content } = response
    if (status < 4000 || accepted.includes(status)) return response
    const reason = content === undefined ? '' : `: ${JSON.stringify(contentObject(content)['m2m:dbg'])}`
    throw new OneM2MError(status, `${original} at ${target}${reason}`)
  }

  /** The announced resource takes the place of its CSE in announceTo: TS-0004 7.3.3.10. Without an address the CSE leaves the list. */
  #show({ target }: Announcement, resource: Resource, address: string | undefined): void {
    const { tree, internally } = this.#facts
    if (resource === tree.root) return
    internally((execution) => {
      if (tree.get(resource.resourceIdentifier) !== resource) return
      const entries = announceTargets(resource).flatMap((entry) =>
        cseOfEntry(entry) === target ? (address === undefined ? [] : [address]) : [entry],
      )
      const { announceTo: _, ...rest } = resource.stored
      execution.replaceAttributes(resource, entries.length === 0 ? rest : { ...rest, announceTo: entries })
    })
  }

  #refused(record: Announcement, reason: Error): void {
    this.statistics.refused++
    this.#facts.log.warn('not announced: the other CSE refuses it', { target: record.target, reason: reason.message })
    this.#drop(record)
    const resource = this.#facts.tree.get(record.original)
    if (resource !== undefined && record.container === undefined) this.#show(record, resource, undefined)
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
