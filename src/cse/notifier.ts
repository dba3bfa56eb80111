/**
 * Tells the targets of subscriptions what happened (TS-0004 7.5.1.2): one stream in the outbox for each subscription and target, and the
 * counters that go with it: expirationCounter and notificationStatsInfo.
 */

import type { Clock } from '../onem2m/clock.ts'
import type { Json, JsonObject } from '../onem2m/content.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive } from '../onem2m/primitive.ts'
import type { NotificationStatistics, Subscription } from '../resources/subscription.ts'
import type { Courier } from './courier.ts'
import { remove } from './deletion.ts'
import { subscriptionReference } from './event.ts'
import type { Execution } from './execution.ts'
import type { Outbox, OutboxLimits } from './outbox.ts'
import { Pacing } from './pacing.ts'
import type { Resource } from './resource.ts'
import type { Entry } from './spool.ts'
import type { Letter, Sender, Stream } from './stream.ts'
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

const subscriptionType = 23
/** TS-0004 6.3.4.2.13, eventCat. */
const latest = 4

export class Notifier {
  readonly #facts: NotifierFacts
  readonly #streams = new Map<Resource, Map<string, Stream<JsonObject>>>()
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
      this.#facts.outbox.put(this.#streamOf(subscription, target), notification, { isDurable, transaction })
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
    return courier.carry(target, { ...this.#letter(target, content), requestIdentifier: randomId() }, { timeoutMs })
  }

  /** Passes somebody's NOTIFY on to an entity of this CSE, at once. Rejects as `Courier.carry` does. */
  forward(target: string, request: RequestPrimitive): Promise<ResponsePrimitive> {
    return this.#facts.courier.carry(target, request, { timeoutMs: this.#facts.settings.notification.timeoutMs })
  }

  /** A resource was changed: what waits for it, or by it, may have another way or time to go now. */
  changed(resource: Resource): void {
    const targets = (resource.stored as Subscription).notificationUri
    const streams = this.#streams.get(resource)
    for (const [target, stream] of streams ?? []) {
      if (targets?.includes(target) === true) continue
      streams?.delete(target)
      this.#facts.outbox.close(stream)
    }
    const { outbox, courier } = this.#facts
    outbox.wake(({ name, target }) => {
      if (name.startsWith(`${resource.resourceIdentifier}/`)) return true
      const entity = courier.entityOf(target)
      // The schedule of a subscription, of an AE's node; the AE itself, its polling channel.
      return entity !== undefined && (entity === resource || entity === resource.parent)
    })
  }

  /** A resource is gone: what was collected for a subscription goes out, and its subscriber is told (TS-0004 7.4.8.2.4). */
  ended(resource: Resource): void {
    for (const stream of this.#streams.get(resource)?.values() ?? []) this.#facts.outbox.close(stream)
    this.#streams.delete(resource)
    if (resource.definition.type !== subscriptionType) return
    const { subscriberUri, associatedCrossResourceSub = [], creator } = resource.stored as Subscription
    const notice: Record<string, Json> = { sud: true, sur: subscriptionReference(this.#facts, resource) }
    if (typeof creator === 'string') notice['cr'] = creator
    for (const target of subscriberUri === undefined
      ? associatedCrossResourceSub
      : [subscriberUri, ...associatedCrossResourceSub])
      this.send(target, { 'm2m:sgn': notice })
  }

  /** Goes on with what an earlier run of the gateway left of a stream, also when its subscription is there no more. */
  resume(name: string): void {
    const cut = name.indexOf('/')
    const target = decodeURIComponent(name.slice(cut + 1))
    const subscription = this.#facts.tree.get(name.slice(0, cut))
    if (subscription !== undefined) this.#streamOf(subscription, target)
    else
      this.#facts.outbox.open<JsonObject>({
        name,
        target,
        compose: (items) => this.#letter(target, contentOf(items, false)),
      })
  }

  #streamOf(subscription: Resource, target: string): Stream<JsonObject> {
    let streams = this.#streams.get(subscription)
    if (streams === undefined) {
      streams = new Map()
      this.#streams.set(subscription, streams)
    }
    let stream = streams.get(target)
    if (stream === undefined) {
      stream = this.#facts.outbox.open(this.#senderFor(subscription, target))
      streams.set(target, stream)
    }
    return stream
  }

  #senderFor(subscription: Resource, target: string): Sender<JsonObject> {
    const { clock, courier, settings } = this.#facts
    return {
      target,
      name: `${subscription.resourceIdentifier}/${encodeURIComponent(target.toWellFormed())}`,
      gate: new Pacing({ clock, courier, subscription, target, maxBatch: settings.notification.maxQueued }),
      compose: (items) => {
        const { notificationEventCat, latestNotify, batchNotify } = subscription.stored as Subscription
        // TS-0004 7.5.1.2.2: latestNotify goes out as event category latest.
        const eventCategory = latestNotify === true ? latest : notificationEventCat
        return this.#letter(target, contentOf(items, batchNotify !== undefined), eventCategory)
      },
      sent: ({ length }) => this.#count(subscription, target, 'requests', length),
      settled: (entries, error) => {
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

  /** expirationCounter, TS-0001 9.6.8: a subscription ends after so many notifications. */
  #countDown(subscription: Resource, entries: readonly Entry<JsonObject>[]): void {
    const { expirationCounter } = subscription.stored as Subscription
    if (expirationCounter === undefined || !this.#isThere(subscription)) return
    const news = entries.filter(({ item }) => !this.#counted.has(item))
    for (const { item } of news) this.#counted.add(item)
    if (news.length === 0) return
    const left = expirationCounter - news.length
    this.#facts.internally((execution) => {
      if (left < 1) remove(execution, subscription)
      else execution.replaceAttributes(subscription, { ...subscription.stored, expirationCounter: left })
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

/** One notification as it is; a batch as an aggregated one, also when only one was collected: TS-0004 6.3.5.13. */
function contentOf(notifications: readonly JsonObject[], isBatch: boolean): JsonObject {
  return isBatch || notifications.length > 1
    ? { 'm2m:agn': { 'm2m:sgn': notifications as readonly Json[] } }
    : { 'm2m:sgn': notifications[0] as Json }
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
