/** Which subscriptions an event concerns, and what each is told: TS-0004 7.5.1.2.2, eventNotificationCriteria TS-0001 9.6.8. */

import type { Json, JsonObject } from '../onem2m/content.ts'
import { AccessRight } from '../resources/access-control-policy.ts'
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
import type { Tree } from './tree.ts'

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
    if (!maySee(execution, subscription, event.resource)) continue
    const contentType = attributes.notificationContentType
    if (contentType === NotificationContentType.ALL_ATTRIBUTES) representation ??= wireOf(event.resource)
    tell(execution, subscription, { net: event.event, rep: contentFor(execution, contentType, event, representation) })
  }
}

/** Tells a subscription's targets of one event, with the event as `nev`: TS-0004 6.3.5.13. */
export function tell(execution: Execution, subscription: Resource, notificationEvent: JsonObject): void {
  const { parts, originator } = execution
  const { creator, enableEventNotificationOriginator } = subscription.stored as Subscription
  const shown = creator ?? (enableEventNotificationOriginator === true ? originator : undefined)
  const notification: Record<string, Json> = { nev: notificationEvent, sur: subscriptionReference(parts, subscription) }
  if (typeof shown === 'string') notification['cr'] = shown
  parts.notifier.notify(execution, subscription, notification)
}

/**
 * How notifications name their subscription: by its resource identifier. Creators that speak release 1 alone, or are registered elsewhere,
 * know it by the path under which they created it: OpenMTC's client looks for no other.
 */
export function subscriptionReference(
  { tree, settings }: { readonly tree: Tree; readonly settings: { readonly cseId: string } },
  { originator, address, resourceIdentifier }: Resource,
): string {
  const creator = originator.startsWith('/') ? undefined : tree.get(originator)
  const isByPath = originator.startsWith('/') || (creator !== undefined && creator.stored[releases] === undefined)
  return `${settings.cseId}/${isByPath ? address : resourceIdentifier}`
}

const releases = 'supportedReleaseVersions'

/** Whoever subscribed may have lost the right to read what it subscribed to, and never had it for children with policies of their own. */
function maySee({ parts }: Execution, { originator }: Resource, resource: Resource | StoredInstance): boolean {
  return parts.access.allows(originator, AccessRight.RETRIEVE, resource, { source: 'internal' })
}

function contentFor(
  { cseId }: Execution,
  contentType: number | undefined,
  event: ResourceEvent,
  all: JsonObject | undefined,
): JsonObject {
  const { resource, modified } = event
  const { definition } = resource
  if (contentType === NotificationContentType.RESOURCE_ID)
    return { 'm2m:uri': `${cseId}/${resource.resourceIdentifier}` }
  if (contentType !== NotificationContentType.MODIFIED_ATTRIBUTES) return all ?? wireOf(resource)
  const changes: Record<string, Json> = encodeAttributes(definition, resource.attributes, modified)
  for (const name of modified ?? []) {
    const short = definition.table.get(name)?.short
    if (short !== undefined && resource.attributes[name] === undefined) changes[short] = null
  }
  return { [definition.memberName]: changes }
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
