/**
 * Brings notifications to their targets (TS-0004 7.5.1.2): a bounded queue for each target, the points of access of an AE in order, retries
 * with back-off. What can't be delivered is counted and logged; it never holds up a request.
 */

import type { Clock, Timer } from '../onem2m/clock.ts'
import type { JsonObject } from '../onem2m/content.ts'
import type { Log } from '../onem2m/log.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive } from '../onem2m/primitive.ts'
import { type Serialization, serializationOfMediaType } from '../onem2m/serialization.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import type { Subscription } from '../resources/subscription.ts'
import type { Requester } from './handler.ts'
import { Pacing } from './pacing.ts'
import { Resource } from './resource.ts'
import type { Tree } from './tree.ts'

interface NotifierFacts {
  readonly tree: Tree
  readonly clock: Clock
  readonly log: Log
  readonly cseId: string
  readonly randomId: () => string
  readonly limits: NotificationLimits
  /** A notification of this subscription was delivered. */
  onDelivered(subscription: Resource): void
}

export interface NotificationLimits {
  /** Notifications that wait for one target; the oldest is dropped when there is one more. */
  readonly maxQueued: number
  /** Notifications under way to one target. */
  readonly maxInFlight: number
  readonly timeoutMs: number
  /** Tries for one notification while its target can't be reached. */
  readonly maxTries: number
}

interface Message {
  readonly notification: JsonObject
  readonly subscription: Resource | undefined
  tries: number
}

interface Place {
  readonly pointOfAccess: string
  readonly entity: string | undefined
  readonly serialization?: Serialization | undefined
}

interface TargetQueue {
  readonly waiting: Message[]
  inFlight: number
  pause: Timer | undefined
}

/** Where a target is when nothing says how to reach it: it has a connection of its own open here, or it uses the broker that runs here. */
const connectedHere: readonly string[] = ['ws:', 'mqtt:']

export class Notifier {
  readonly statistics = { delivered: 0, failed: 0, dropped: 0 }
  readonly #facts: NotifierFacts
  readonly #queues = new Map<string, TargetQueue>()
  readonly #requesters = new Map<string, Requester>()
  readonly #pacing: Pacing
  #isStopped = false
  #whenEmpty: (() => void)[] = []

  constructor(facts: NotifierFacts) {
    this.#facts = facts
    this.#pacing = new Pacing({
      clock: facts.clock,
      maxWaiting: facts.limits.maxQueued,
      send: (subscription, content) => {
        for (const target of (subscription.stored['notificationUri'] as readonly string[] | undefined) ?? [])
          this.send(target, content, subscription)
      },
      dropped: (subscription) => this.#countDropped(subscription.address),
    })
  }

  use(requester: Requester): void {
    for (const scheme of requester.schemes) this.#requesters.set(scheme, requester)
  }

  /** Notifies all targets of a subscription, when its batch and its rate limit say so. */
  notify(subscription: Resource, notification: JsonObject): void {
    if (!this.#isStopped) this.#pacing.offer(subscription, notification)
  }

  /** A subscription ends, or is changed: what was collected for it goes out. */
  release(subscription: Resource): void {
    this.#pacing.flush(subscription)
  }

  /** Sends what was collected, and resolves when all of it is delivered or given up, or `timeoutMs` have passed. */
  async flush(timeoutMs: number): Promise<void> {
    this.#pacing.flushAll()
    if (this.#queues.size === 0) return
    await new Promise<void>((resolve) => {
      const timer = this.#facts.clock.after(timeoutMs, resolve)
      this.#whenEmpty.push(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  /** Queues a notification for one target: an AE-ID or CSE-ID, an address of either, or a URL. */
  send(target: string, notification: JsonObject, subscription?: Resource): void {
    if (this.#isStopped) return
    let queue = this.#queues.get(target)
    if (queue === undefined) {
      queue = { waiting: [], inFlight: 0, pause: undefined }
      this.#queues.set(target, queue)
    }
    if (queue.waiting.length >= this.#facts.limits.maxQueued) {
      queue.waiting.shift()
      this.#countDropped(target)
    }
    queue.waiting.push({ notification, subscription, tries: 0 })
    this.#advance(target, queue)
  }

  /** Passes a NOTIFY on at once, without queue or retry. Throws TARGET_NOT_REACHABLE, or what the target answered. */
  async forward(target: string, notification: JsonObject): Promise<void> {
    const failure = await this.#try(target, { notification, subscription: undefined, tries: 1 }, () => {})
    if (failure instanceof OneM2MError) throw failure
    if (failure !== undefined) throw new OneM2MError(Status.TARGET_NOT_REACHABLE, failure.message, failure)
  }

  /** Drops what waits and starts nothing new. */
  stop(): void {
    this.#isStopped = true
    for (const queue of this.#queues.values()) queue.pause?.cancel()
    this.#queues.clear()
  }

  #countDropped(target: string): void {
    this.statistics.dropped++
    this.#facts.log.warn('notifications dropped: more wait for their target than notification.max_queued', { target })
  }

  #advance(target: string, queue: TargetQueue): void {
    while (queue.pause === undefined && queue.inFlight < this.#facts.limits.maxInFlight) {
      const message = queue.waiting.shift()
      if (message === undefined) break
      queue.inFlight++
      void this.#deliver(target, queue, message)
    }
    if (queue.waiting.length === 0 && queue.inFlight === 0 && queue.pause === undefined) this.#queues.delete(target)
    if (this.#queues.size === 0) for (const call of this.#whenEmpty.splice(0)) call()
  }

  /** Never rejects. */
  async #deliver(target: string, queue: TargetQueue, message: Message): Promise<void> {
    message.tries++
    let isInFlight = true
    const leave = () => {
      if (isInFlight) queue.inFlight--
      isInFlight = false
    }
    const error = await this.#try(target, message, leave)
    leave()
    if (this.#isStopped) return
    if (error === undefined) {
      this.statistics.delivered++
      if (message.subscription !== undefined) this.#facts.onDelivered(message.subscription)
    } else if (isUnreachable(error) && message.tries < this.#facts.limits.maxTries) {
      queue.waiting.unshift(message)
      this.#pause(target, queue, message.tries)
    } else {
      this.statistics.failed++
      this.#facts.log.warn('notification not delivered', { target, reason: error.message, tries: message.tries })
    }
    this.#advance(target, queue)
  }

  #pause(target: string, queue: TargetQueue, tries: number): void {
    if (queue.pause !== undefined) return
    queue.pause = this.#facts.clock.after(500 * 2 ** tries, () => {
      queue.pause = undefined
      this.#advance(target, queue)
    })
  }

  /** Tries each point of access in order (TS-0004 7.3.3.9); resolves to what went wrong at the last one. */
  async #try(target: string, message: Message, handedOver: () => void): Promise<Error | undefined> {
    const places = this.#placesOf(target)
    let failure: Error = new OneM2MError(Status.TARGET_NOT_REACHABLE, `${target} has no point of access`)
    for (const { pointOfAccess, entity, serialization } of places) {
      const requester = this.#requesters.get(pointOfAccess.slice(0, pointOfAccess.indexOf(':')))
      if (requester === undefined) {
        failure = new OneM2MError(Status.TARGET_NOT_REACHABLE, `nothing here speaks ${pointOfAccess}`)
        continue
      }
      try {
        const sending = requester.send({
          pointOfAccess,
          target: entity,
          request: this.#request(target, message),
          timeoutMs: this.#facts.limits.timeoutMs,
          ...(serialization === undefined ? {} : { serialization }),
        })
        if (requester.handsOver) handedOver()
        return refusal(target, await sending)
      } catch (error) {
        failure = error as Error
      }
    }
    return failure
  }

  #request(target: string, { notification, subscription }: Message): RequestPrimitive {
    const { notificationEventCat, latestNotify } = (subscription?.stored ?? {}) as Subscription
    // TS-0004 7.5.1.2.2: latestNotify goes out as event category latest.
    const eventCategory = latestNotify === true ? latest : notificationEventCat
    return {
      operation: Operation.NOTIFY,
      to: target,
      originator: this.#facts.cseId,
      requestIdentifier: this.#facts.randomId(),
      releaseVersionIndicator: '3',
      content: notification,
      ...(eventCategory === undefined ? {} : { eventCategory }),
    }
  }

  #placesOf(target: string): readonly Place[] {
    if (/^[a-z][a-z0-9+.-]*:/.test(target)) return [{ pointOfAccess: target, entity: undefined }]
    const { tree } = this.#facts
    const local = tree.localPart(target)
    const resource = local === undefined ? undefined : tree.resolve(local, 0)?.resource
    const entity = resource?.attributes['aeId']
    if (typeof entity !== 'string') return []
    const pointsOfAccess = (resource?.attributes['pointOfAccess'] as readonly string[] | undefined) ?? []
    const hasChannel = [...(resource instanceof Resource ? resource.children.values() : [])].some(
      ({ definition }) => definition.type === 15,
    )
    // TS-0004 7.3.3.9: an entity that polls is not reached otherwise.
    const places = hasChannel ? [pollingChannel] : pointsOfAccess.length === 0 ? connectedHere : pointsOfAccess
    return places.map((pointOfAccess) => ({
      pointOfAccess,
      entity,
      serialization: wantedSerialization(resource?.attributes['contentSerialization']),
    }))
  }
}

/** The first serialisation in an AE's list that is spoken here (TS-0001 9.6.5). */
function wantedSerialization(contentSerialization: unknown): Serialization | undefined {
  const names = (contentSerialization as readonly string[] | undefined) ?? []
  return names.map(serializationOfMediaType).find((found) => found !== undefined)
}

/** The point of access of an AE that fetches its requests. */
const pollingChannel = 'pch:'

/** TS-0004 6.3.4.2.13, eventCat. */
const latest = 4

function isUnreachable(error: Error): boolean {
  return error instanceof OneM2MError && error.status === Status.TARGET_NOT_REACHABLE
}

function refusal(target: string, response: ResponsePrimitive): Error | undefined {
  if (response.responseStatusCode < 4000) return undefined
  return new OneM2MError(response.responseStatusCode, `${target} answered ${response.responseStatusCode}`)
}
