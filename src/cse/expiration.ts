/** Removes what has expired when its time comes: one timer for the whole tree, set to the next expiration. TS-0001 9.6.1.3.2. */

import type { Clock, Timer } from '../onem2m/clock.ts'
import { endOfInstance, endOfResource } from './lifetime.ts'
import { Resource, type StoredInstance } from './resource.ts'

interface ExpirationFacts {
  readonly clock: Clock
  /** Removes what expired and tells the subscribers; must not throw. */
  remove(expired: readonly (Resource | StoredInstance)[]): void
}

interface Deadline {
  readonly atMs: number
  readonly resource: Resource
}

/** Longest sleep: what a timer can hold, and often enough to notice that the wall clock was set. */
const longestSleepMs = 3_600_000
const retryMs = 60_000
const fewStale = 64
/** Instances removed in one go, so that a large container does not hold up everybody else. */
const sweepSize = 500

export class Expiration {
  readonly #facts: ExpirationFacts
  /** A binary heap, earliest first. */
  #heap: Deadline[] = []
  /** The entry of each resource that counts; others in the heap are stale. */
  readonly #entries = new Map<Resource, Deadline>()
  #timer: Timer | undefined
  #wakeMs = Number.POSITIVE_INFINITY
  #isRunning = false

  constructor(facts: ExpirationFacts) {
    this.#facts = facts
    facts.clock.calendar?.onSet(() => this.#begin())
  }

  /** Nothing is removed before this: a resource that is due may have children that are not loaded yet. */
  start(): void {
    this.#isRunning = true
    this.#schedule()
  }

  /** Looks after a resource whose expiration time was set or moved, and its instances; not before `earliestMs`. */
  watch(resource: Resource, earliestMs = 0): void {
    const atMs = Math.max(this.#dueMs(resource), earliestMs)
    // A time that moved away is found out when the entry comes up.
    if (!Number.isFinite(atMs) || atMs >= (this.#entries.get(resource)?.atMs ?? Number.POSITIVE_INFINITY)) return
    const deadline = { atMs, resource }
    this.#entries.set(resource, deadline)
    push(this.#heap, deadline)
    this.#compact()
    if (atMs < this.#wakeMs) this.#schedule()
  }

  /** Holds on to a resource that is gone no longer. */
  forget(resource: Resource): void {
    if (this.#entries.delete(resource)) this.#compact()
  }

  /** Deadlines that are kept, those that are stale included. */
  get size(): number {
    return this.#heap.length
  }

  /** Lifetimes are years: what is stale must not wait for its time. */
  #compact(): void {
    if (this.#heap.length <= 2 * this.#entries.size + fewStale) return
    // Sorted is a heap as well.
    this.#heap = [...this.#entries.values()].sort((left, right) => left.atMs - right.atMs)
  }

  /** What could not be removed, because the store failed, is tried again in a while. */
  retry(expired: readonly (Resource | StoredInstance)[]): void {
    const earliestMs = this.#facts.clock.wallMs() + retryMs
    for (const each of expired) this.watch(each instanceof Resource ? each : each.parent, earliestMs)
  }

  stop(): void {
    this.#isRunning = false
    this.#timer?.cancel()
  }

  #dueMs(resource: Resource): number {
    return Math.min(
      endOfResource(this.#facts.clock, resource),
      resource.instances?.expiryMs ?? Number.POSITIVE_INFINITY,
    )
  }

  /** The clock was set: what was due then is due at another time. */
  #begin(): void {
    const resources = [...this.#entries.keys()]
    this.#heap = []
    this.#entries.clear()
    for (const resource of resources) this.watch(resource)
    this.#schedule()
  }

  #schedule(): void {
    this.#timer?.cancel()
    const next = this.#heap[0]
    this.#wakeMs = next?.atMs ?? Number.POSITIVE_INFINITY
    if (next === undefined || !this.#isRunning || this.#facts.clock.calendar?.isTrusted === false) return
    const delayMs = Math.min(Math.max(next.atMs - this.#facts.clock.wallMs(), 0), longestSleepMs)
    this.#timer = this.#facts.clock.after(delayMs, () => this.#sweep())
  }

  #sweep(): void {
    const nowMs = this.#facts.clock.wallMs()
    const containers: Resource[] = []
    const expired: Resource[] = []
    while ((this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs) {
      const deadline = pop(this.#heap)
      const { resource } = deadline
      if (this.#entries.get(resource) !== deadline) continue
      this.#entries.delete(resource)
      if (resource.parent?.children.get(resource.name) !== resource) continue
      if (endOfResource(this.#facts.clock, resource) <= nowMs) expired.push(resource)
      else if ((resource.instances?.expiryMs ?? Number.POSITIVE_INFINITY) <= nowMs) containers.push(resource)
      else this.watch(resource)
    }
    if (expired.length > 0) this.#facts.remove(expired)
    for (const container of containers) void this.#sweepInstances(container, nowMs)
    this.#schedule()
  }

  /** Never rejects: scanning a store that fails ends the sweep, and the container is looked at again with the next instance. */
  async #sweepInstances(container: Resource, nowMs: number): Promise<void> {
    const log = container.instances
    if (log === undefined) return
    const { clock } = this.#facts
    let next = Number.POSITIVE_INFINITY
    const expired: StoredInstance[] = []
    try {
      for await (const instance of log.scan(0)) {
        const atMs = endOfInstance(clock, instance.record)
        if (atMs <= nowMs && expired.length < sweepSize) expired.push(instance)
        else if (atMs < next && atMs < endOfResource(clock, container)) next = atMs
        if (next < Number.POSITIVE_INFINITY && (log.expireInOrder || expired.length >= sweepSize)) break
      }
    } catch {
      // The store said why in its own log; trying again later is all that can be done here.
      next = nowMs + longestSleepMs
    }
    if (!this.#isRunning) return
    if (expired.length > 0) this.#facts.remove(expired)
    log.noteExpiry(next)
    this.watch(container)
  }
}

function push(heap: Deadline[], deadline: Deadline): void {
  let index = heap.push(deadline) - 1
  while (index > 0) {
    const parent = (index - 1) >> 1
    if ((heap[parent] as Deadline).atMs <= deadline.atMs) break
    heap[index] = heap[parent] as Deadline
    index = parent
  }
  heap[index] = deadline
}

function pop(heap: Deadline[]): Deadline {
  const top = heap[0] as Deadline
  const last = heap.pop() as Deadline
  if (heap.length === 0) return top
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && (heap[child + 1] as Deadline).atMs < (heap[child] as Deadline).atMs) child++
    if ((heap[child] as Deadline).atMs >= last.atMs) break
    heap[index] = heap[child] as Deadline
    index = child
  }
  heap[index] = last
  return top
}
