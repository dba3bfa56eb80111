/**
 * Tells the targets of subscriptions what happened (TS-0004 7.5.1.2): one stream in the outbox for each subscription and target, and the
 * counters that go with it: expirationCounter and notificationStatsInfo.
 */

import type { Clock } from '../onem2m/clock.ts'
import type { Json, JsonObject } from '../onem2m/content.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive } from '../onem2m/primitive.ts'
import type { NotificationStatistics, Subscription } from '../resources/subscription.ts'
import { type Courier, scheduleEntriesOf } from './courier.ts'
import { remove } from './deletion.ts'
import { contentOf, subscriptionReference } from './event.ts'
import type { Execution } from './execution.ts'
import type { Outbox, OutboxLimits } from './outbox.ts'
import { Pacing } from './pacing.ts'
import type { Resource } from './resource.ts'
import type { Entry } from './spool.ts'
import type { Ends, Letter, Sender } from './stream.ts'
import type { Tree } from './tree.ts'

interface NotifierFacts {
  readonly tree: Tree
  readonly clock: Clock
  readonly courier: Courier
  readonly outbox: Outbox
  readonly settings: { readonly cseId: string; readonly notification: OutboxLimits }
  readonly randomId: () => string
  readonly internally: (change: (execution: Execution) => void) => void
}

const aeType = 2
const groupType = 9
const subscriptionType = 23
/** Polling channels, remote CSEs, schedules. */
const waysAndTimes: readonly number[] = [15, 16, 18]
/** TS-0004 6.3.4.2.13, eventCat. What is immediate goes by no schedule of its own. */
const immediate = 2
const latest = 4

export class Notifier {
  readonly #facts: NotifierFacts
  /** Events that were counted for their subscription: one that goes to several targets counts once. */
  readonly #counted = new WeakSet<JsonObject>()

  constructor(facts: NotifierFacts) {
    this.#facts = facts
  }

  /** Notifies all targets of a subscription of one event, once the transaction is on the disk. */
  notify(execution: Execution, subscription: Resource, notification: JsonObject): void {
    const { transaction } = execution
    const { notificationUri = [], pendingNotification } = subscription.stored as Subscription
    countEvent(execution, subscription)
    for (const target of notificationUri) {
      const isDurable = pendingNotification !== undefined || this.#facts.courier.isElsewhere(target)
      const ends = { owner: subscription.resourceIdentifier, target }
      const stream = this.#facts.outbox.stream(ends, () => this.#senderFor(subscription, target))
      this.#facts.outbox.put(stream, notification, { isDurable, transaction })
    }
  }

  /** Queues a NOTIFY to one target: an AE-ID or CSE-ID, an address of either, or a URL. */
  send(target: string, content: JsonObject): void {
    const { outbox, courier } = this.#facts
    outbox.enqueue(target, this.#letter(target, content), { isDurable: courier.isElsewhere(target) })
  }

  /** Sends a NOTIFY at once, without queue or retry. Resolves with the target's response; rejects as `Courier.carry` does. */
  ask(target: string, content: JsonObject, timeoutMs: number): Promise<ResponsePrimitive> {
    const { courier, randomId } = this.#facts
    return courier.carry(
      target,
      { ...this.#letter(target, content), requestIdentifier: randomId() },
      { timeoutMs, isPatient: false },
    )
  }

  /** Passes somebody's NOTIFY on to an entity of this CSE, at once. Rejects as `Courier.carry` does. */
  forward(target: string, request: RequestPrimitive): Promise<ResponsePrimitive> {
    const { timeoutMs } = this.#facts.settings.notification
    return this.#facts.courier.carry(target, request, { timeoutMs, isPatient: false })
  }

  /** A resource is new, or other than it was: what waits because of it may have a way or a time to go now. */
  changed(resource: Resource): void {
    const { outbox, courier } = this.#facts
    const { type } = resource.definition
    // Who takes turns with whom, and when: a schedule may be that of a node with many AEs.
    if (waysAndTimes.includes(type)) outbox.wake(() => true)
    else if (type === aeType) outbox.wake(({ target }) => courier.entityOf(target) === resource)
    else if (type === subscriptionType || type === groupType) {
      if (type === subscriptionType)
        outbox.end(resource.resourceIdentifier, (resource.stored as Subscription).notificationUri)
      outbox.wake(({ owner }) => owner === resource.resourceIdentifier)
    }
  }

  /** A resource is gone: what was collected for a subscription goes out, and its subscriber is told (TS-0004 7.4.8.2.4). */
  ended(resource: Resource): void {
    // Of a subscription, or of a group.
    this.#facts.outbox.end(resource.resourceIdentifier)
    if (resource.definition.type !== subscriptionType) {
      this.changed(resource)
      return
    }
    const { subscriberUri, associatedCrossResourceSub = [], creator } = resource.stored as Subscription
    const notice: Record<string, Json> = { sud: true, sur: subscriptionReference(this.#facts, resource) }
    if (typeof creator === 'string') notice['cr'] = creator
    for (const target of subscriberUri === undefined
      ? associatedCrossResourceSub
      : [subscriberUri, ...associatedCrossResourceSub])
      this.send(target, { 'm2m:sgn': notice })
  }

  /** Who goes on with what an earlier run of the gateway left for a target: its subscription, also when that is there no more. */
  senderOf({ owner, target }: Ends): Sender {
    const subscription = this.#facts.tree.get(owner)
    if (subscription !== undefined) return this.#senderFor(subscription, target)
    return { compose: (items) => this.#letter(target, contentOf(items as readonly JsonObject[], false)) }
  }

  #senderFor(subscription: Resource, target: string): Sender {
    const { clock, courier, settings } = this.#facts
    const underWay = new Set<Entry>()
    return {
      gate: new Pacing({
        clock,
        maxBatch: settings.notification.maxQueued,
        wishes: () => subscription.stored,
        schedules: () => {
          const isImmediate = (subscription.stored as Subscription).notificationEventCat === immediate
          return [isImmediate ? undefined : scheduleEntriesOf(subscription), courier.scheduleOf(target)]
        },
      }),
      compose: (items) => {
        const { notificationEventCat, latestNotify, batchNotify } = subscription.stored as Subscription
        // TS-0004 7.5.1.2.2: latestNotify goes out as event category latest.
        const eventCategory = latestNotify === true ? latest : notificationEventCat
        return this.#letter(target, contentOf(items as readonly JsonObject[], batchNotify !== undefined), eventCategory)
      },
      allowance: (waiting) => this.#allowance(subscription, underWay, waiting),
      sent: (entries) => {
        for (const entry of entries) underWay.add(entry)
        this.#count(subscription, target, 'requests', entries.length)
      },
      settled: (entries, error) => {
        for (const entry of entries) underWay.delete(entry)
        if (error !== undefined) return
        this.#count(subscription, target, 'responses', entries.length)
        this.#countDown(subscription, entries)
      },
    }
  }

  #letter(target: string, content: JsonObject, eventCategory?: number): Letter {
    return {
      operation: Operation.NOTIFY,
      to: target,
      originator: this.#facts.settings.cseId,
      releaseVersionIndicator: '3',
      content,
      ...(eventCategory === undefined ? {} : { eventCategory }),
    }
  }

  /** As many as the expiration counter leaves, besides what is under way: none goes out beyond it. What another target got costs nothing more. */
  #allowance(subscription: Resource, underWay: Iterable<Entry>, waiting: readonly Entry[]): number {
    let left = (subscription.stored as Subscription).expirationCounter
    if (left === undefined) return waiting.length
    const isCounted = ({ item }: Entry) => this.#counted.has(item as JsonObject)
    for (const entry of underWay) if (!isCounted(entry)) left--
    let allowed = 0
    for (const entry of waiting) {
      if (!isCounted(entry) && left-- < 1) break
      allowed++
    }
    return allowed
  }

  /** expirationCounter, TS-0001 9.6.8: a subscription ends after so many notifications. */
  #countDown(subscription: Resource, entries: readonly Entry[]): void {
    const { expirationCounter } = subscription.stored as Subscription
    if (expirationCounter === undefined || !this.#isThere(subscription)) return
    const news = entries.filter(({ item }) => !this.#counted.has(item as JsonObject))
    for (const { item } of news) this.#counted.add(item as JsonObject)
    if (news.length === 0) return
    const left = expirationCounter - news.length
    this.#facts.internally((execution) => {
      execution.replaceAttributes(subscription, { ...subscription.stored, expirationCounter: left })
      if (left < 1) remove(execution, subscription)
    })
  }

  #count(subscription: Resource, target: string, counter: 'requests' | 'responses', by: number): void {
    if ((subscription.stored as Subscription).notificationStatsEnable !== true || !this.#isThere(subscription)) return
    this.#facts.internally((execution) =>
      addStatistics(execution, subscription, (each) =>
        each.target === target ? { ...each, [counter]: each[counter] + by } : each,
      ),
    )
  }

  #isThere(subscription: Resource): boolean {
    return this.#facts.tree.get(subscription.resourceIdentifier) === subscription
  }
}

function countEvent(execution: Execution, subscription: Resource): void {
  if ((subscription.stored as Subscription).notificationStatsEnable !== true) return
  addStatistics(execution, subscription, (each) => ({ ...each, events: each.events + 1 }))
}

/** notificationStatsInfo is there from the first event on: TS-0001 9.6.8. */
function addStatistics(
  execution: Execution,
  subscription: Resource,
  add: (each: NotificationStatistics) => NotificationStatistics,
): void {
  const { notificationUri = [], notificationStatsInfo = [] } = subscription.stored as Subscription
  const statistics = notificationUri.map(
    (target) =>
      notificationStatsInfo.find((each) => each.target === target) ?? { target, requests: 0, responses: 0, events: 0 },
  )
  execution.replaceAttributes(subscription, { ...subscription.stored, notificationStatsInfo: statistics.map(add) })
}
