/** Which subscriptions an event concerns, and what each is told: TS-0004 7.5.1.2.2, eventNotificationCriteria TS-0001 9.6.8. */

import type { Json, JsonObject } from '../onem2m/content.ts'
import type { ResourceView } from '../resources/behaviour.ts'
import { encodeAttributes } from '../resources/resource-type.ts'
import {
  type EventNotificationCriteria,
  NotificationContentType,
  NotificationEventType,
  type Subscription,
} from '../resources/subscription.ts'
import type { Execution } from './execution.ts'
import { isAfter, isBefore } from './matching.ts'
import type { Resource, StoredInstance } from './resource.ts'

export interface ResourceEvent {
  readonly event: number
  /** The resource that the notification shows: the changed, created or deleted one. */
  readonly resource: Resource | StoredInstance
  /** Long names of the attributes that an update changed. */
  readonly modified?: ReadonlySet<string>
}

/** Raises an event at a resource: its matching subscriptions are notified once the transaction is stored. */
export function raise(execution: Execution, subject: Resource, event: ResourceEvent): void {
  if (subject.subscriptions.length === 0) return
  let representation: JsonObject | undefined
  for (const subscription of subject.subscriptions) {
    // A subscription is not told of its own beginning and end.
    if (subscription === event.resource) continue
    const attributes = subscription.stored as Subscription
    if (!matches(attributes.eventNotificationCriteria, event)) continue
    const contentType = attributes.notificationContentType
    if (contentType === NotificationContentType.ALL_ATTRIBUTES) representation ??= wireOf(event.resource)
    tell(execution, subscription, event, contentFor(contentType, event, representation))
  }
}

function tell(execution: Execution, subscription: Resource, event: ResourceEvent, representation: JsonObject): void {
  const { parts, cseId, transaction } = execution
  const notification = notificationOf(cseId, subscription, event.event, representation)
  transaction.afterCommit(() => parts.notifier.notify(subscription, notification))
}

/** A notification of one event: TS-0004 6.3.5.13. */
export function notificationOf(
  cseId: string,
  subscription: Resource,
  event: number,
  representation: JsonObject,
): JsonObject {
  const { creator } = subscription.stored
  const notification: Record<string, Json> = {
    nev: { net: event, rep: representation },
    sur: `${cseId}/${subscription.address}`,
  }
  if (typeof creator === 'string') notification['cr'] = creator
  return { 'm2m:sgn': notification }
}

function contentFor(contentType: number | undefined, event: ResourceEvent, all: JsonObject | undefined): JsonObject {
  const { resource, modified } = event
  if (contentType === NotificationContentType.RESOURCE_ID) return { 'm2m:uri': resource.address }
  if (contentType === NotificationContentType.MODIFIED_ATTRIBUTES)
    return {
      [resource.definition.memberName]: encodeAttributes(resource.definition, resource.attributes, modified),
    }
  return all ?? wireOf(resource)
}

function wireOf(resource: Resource | StoredInstance): JsonObject {
  return { [resource.definition.memberName]: JSON.parse(resource.wireText) as JsonObject }
}

function matches(criteria: EventNotificationCriteria | undefined, event: ResourceEvent): boolean {
  if (criteria === undefined) return event.event === NotificationEventType.UPDATE_OF_RESOURCE
  if (criteria.operationMonitor !== undefined && criteria.notificationEventType === undefined) return false
  if (!(criteria.notificationEventType ?? [NotificationEventType.UPDATE_OF_RESOURCE]).includes(event.event as 1))
    return false
  const { resource, modified } = event
  if (
    criteria.childResourceType !== undefined &&
    (event.event === NotificationEventType.CREATE_OF_CHILD || event.event === NotificationEventType.DELETE_OF_CHILD) &&
    !criteria.childResourceType.includes(resource.definition.type)
  )
    return false
  if (criteria.attribute !== undefined && modified !== undefined) {
    const { table } = resource.definition
    if (
      !criteria.attribute.some((short) =>
        [...modified].some((name) => name === short || table.get(name)?.short === short),
      )
    )
      return false
  }
  return matchesState(criteria, resource)
}

/** The conditions on the resource itself: all of them must hold. */
function matchesState(criteria: EventNotificationCriteria, resource: ResourceView): boolean {
  const { createdBefore, createdAfter, modifiedSince, unmodifiedSince, expireBefore, expireAfter } = criteria
  const { stateTagSmaller, stateTagBigger, sizeAbove, sizeBelow } = criteria
  const hasTimes = createdBefore ?? createdAfter ?? modifiedSince ?? unmodifiedSince ?? expireBefore ?? expireAfter
  const hasNumbers = stateTagSmaller ?? stateTagBigger ?? sizeAbove ?? sizeBelow
  if (hasTimes === undefined && hasNumbers === undefined) return true
  const { creationTime, lastModifiedTime, expirationTime, stateTag, contentSize } = resource.attributes
  const number = (value: unknown) => (typeof value === 'number' ? value : Number.NaN)
  return (
    isBefore(creationTime, createdBefore) &&
    isAfter(creationTime, createdAfter) &&
    isAfter(lastModifiedTime, modifiedSince) &&
    isBefore(lastModifiedTime, unmodifiedSince) &&
    isBefore(expirationTime, expireBefore) &&
    isAfter(expirationTime, expireAfter) &&
    (stateTagSmaller === undefined || number(stateTag) < stateTagSmaller) &&
    (stateTagBigger === undefined || number(stateTag) >= stateTagBigger) &&
    (sizeAbove === undefined || number(contentSize) >= sizeAbove) &&
    (sizeBelow === undefined || number(contentSize) < sizeBelow)
  )
}
