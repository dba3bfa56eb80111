/**
 * Notifications of subscriptions that were made through a group (TS-0004 7.4.14, TS-0001 10.2.7.11): members notify the group, which passes
 * on to the forwarding URI what they say, collected as notifyAggregation asks for.
 */

import type { Clock } from '../onem2m/clock.ts'
import { isJsonObject, type JsonObject } from '../onem2m/content.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { type BatchNotify, completeBatch } from '../resources/subscription.ts'
import type { Courier } from './courier.ts'
import { contentOf } from './event.ts'
import type { Delivery, Requester } from './handler.ts'
import type { Outbox, OutboxLimits } from './outbox.ts'
import { Pacing } from './pacing.ts'
import type { Resource } from './resource.ts'
import type { Ends, Sender } from './stream.ts'
import type { Tree } from './tree.ts'

interface GroupNotificationFacts {
  readonly tree: Tree
  readonly clock: Clock
  readonly courier: Courier
  readonly outbox: Outbox
  readonly settings: { readonly cseId: string; readonly notification: OutboxLimits }
}

export const groupType = 9
const subscriptionType = 23

export class GroupNotifications implements Requester {
  readonly schemes = ['grp'] as const
  readonly #facts: GroupNotificationFacts

  constructor(facts: GroupNotificationFacts) {
    this.#facts = facts
  }

  /** Takes a notification of a member that this CSE hosts itself. */
  async send({ target = '', request }: Delivery): Promise<ResponsePrimitive> {
    const group = this.#facts.courier.entityOf(target)
    if (group?.definition.type !== groupType || request.content === undefined)
      throw new OneM2MError(Status.TARGET_NOT_REACHABLE, `${target}: there is no such group`)
    this.take(group, request.content)
    return { responseStatusCode: Status.OK, requestIdentifier: request.requestIdentifier }
  }

  /** Takes what a member says. Throws BAD_REQUEST when it does not say who is to know of it. */
  take(group: Resource, content: JsonObject): void {
    for (const notification of notificationsIn(content)) {
      // The group itself asked for the subscription, so there is nobody to verify, and it knows when one ends.
      if (notification['vrq'] === true || notification['sud'] === true) continue
      const target = notification['nfu']
      if (typeof target !== 'string' || target === '')
        throw new OneM2MError(Status.BAD_REQUEST, 'pc: nfu is missing, the group can not tell whom to notify')
      const { outbox, courier } = this.#facts
      const stream = outbox.stream({ owner: group.resourceIdentifier, target }, () => this.#senderFor(group, target))
      outbox.put(stream, notification, { isDurable: courier.isElsewhere(target) })
    }
  }

  /** Who goes on with what an earlier run of the gateway left for a target; undefined when it is no group. */
  senderOf({ owner, target }: Ends): Sender | undefined {
    const group = this.#facts.tree.get(owner)
    return group?.definition.type === groupType ? this.#senderFor(group, target) : undefined
  }

  #senderFor(group: Resource, target: string): Sender {
    const { clock, courier, settings } = this.#facts
    const batch = () => completeBatch(group.stored['notifyAggregation'] as BatchNotify | undefined)
    return {
      gate: new Pacing({
        clock,
        maxBatch: settings.notification.maxQueued,
        wishes: () => ({ batchNotify: batch() }),
        schedules: () => [courier.scheduleOf(target)],
      }),
      compose: (notifications) => ({
        operation: Operation.NOTIFY,
        to: target,
        originator: settings.cseId,
        releaseVersionIndicator: '3',
        content: contentOf(notifications as readonly JsonObject[], batch() !== undefined),
      }),
    }
  }
}

/** A CREATE of a subscription through a group, as its members get it: they notify the group. TS-0004 7.4.14.2.1. */
export function throughGroup(request: RequestPrimitive, group: Resource, cseId: string): RequestPrimitive {
  const attributes = request.content?.['m2m:sub']
  if (request.operation !== Operation.CREATE || request.resourceType !== subscriptionType) return request
  if (!isJsonObject(attributes) || typeof attributes['nfu'] !== 'string') return request
  const groupId = `${cseId}/${group.resourceIdentifier}`
  return { ...request, content: { 'm2m:sub': { ...attributes, nu: [groupId], gpi: groupId } } }
}

function notificationsIn(content: JsonObject): readonly JsonObject[] {
  const aggregated = content['m2m:agn']
  const all = isJsonObject(aggregated) ? aggregated['m2m:sgn'] : content['m2m:sgn']
  const list = Array.isArray(all) ? all : [all]
  if (!list.every(isJsonObject))
    throw new OneM2MError(Status.BAD_REQUEST, 'pc: expected {"m2m:sgn": {...}} or an aggregated notification')
  return list
}
