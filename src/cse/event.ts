/** Which subscriptions an event concerns, and what each is told: TS-0004 7.5.1.2.2, eventNotificationCriteria TS-0001 9.6.8. */

import type { Json, JsonObject } from '../onem2m/content.ts'
import type { FilterCriteria } from '../onem2m/filter-criteria.ts'
import { AccessRight } from '../resources/access-control-policy.ts'
import type { ResourceView } from '../resources/behaviour.ts'
import {
  type EventNotificationCriteria,
  NotificationContentType,
  NotificationEventType,
} from '../resources/notification-criteria.ts'
import { type Attributes, encodeAttributes, type ResourceType } from '../resources/resource-type.ts'
import type { Subscription } from '../resources/subscription.ts'
import type { Execution } from './execution.ts'
import { matcher } from './matching.ts'
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
  const shared: Shared = {}
  for (const subscription of subject.subscriptions) offer(execution, subscription, event, shared)
}

/** preSubscriptionNotify: so many of the events before the subscription are told first, as far as they are known. TS-0001 9.6.8. */
export function raisePast(execution: Execution, subscription: Resource): void {
  const { preSubscriptionNotify = 0 } = subscription.stored as Subscription
  const log = subscription.parent?.instances
  if (log === undefined) return
  const past: StoredInstance[] = []
  const most = Math.min(preSubscriptionNotify, execution.parts.settings.notification.maxQueued)
  // As many looks as there may be events: what was removed since is known no more.
  for (let back = 1; back <= most && back <= log.nextSequence; back++) {
    const instance = log.at(log.nextSequence - back, execution.nowMs)
    if (instance !== undefined) past.push(instance)
  }
  for (const resource of past.reverse())
    offer(execution, subscription, { event: NotificationEventType.CREATE_OF_CHILD, resource }, {})
}

/** The representation that all subscriptions to one event show. */
interface Shared {
  representation?: JsonObject
}

function offer(execution: Execution, subscription: Resource, event: ResourceEvent, shared: Shared): void {
  const { notificationContentType, eventNotificationCriteria } = subscription.stored as Subscription
  // A subscription is not told of its own beginning and end.
  if (subscription === event.resource || !matches(eventNotificationCriteria, event)) return
  if (!maySee(execution, subscription, event.resource)) return
  if (notificationContentType === NotificationContentType.ALL_ATTRIBUTES)
    shared.representation ??= wireOf(event.resource)
  const rep = contentFor(execution, notificationContentType, event, shared.representation)
  tell(execution, subscription, { net: event.event, rep })
}

/** What a subscription is shown of a resource as a whole; undefined when its creator may not see it. */
export function representationFor(
  execution: Execution,
  subscription: Resource,
  resource: Resource,
): JsonObject | undefined {
  if (!maySee(execution, subscription, resource)) return undefined
  const { notificationContentType } = subscription.stored as Subscription
  return contentFor(execution, notificationContentType, { event: 0, resource }, undefined)
}

/** Tells a subscription's targets of one event, with the event as `nev`: TS-0004 6.3.5.13. */
export function tell(
  execution: Execution,
  subscription: Resource,
  notificationEvent: JsonObject,
  originator = execution.originator,
): void {
  const { parts } = execution
  const { creator, enableEventNotificationOriginator, notificationForwardingUri } = subscription.stored as Subscription
  const shown = creator ?? (enableEventNotificationOriginator === true ? originator : undefined)
  const notification: Record<string, Json> = { nev: notificationEvent, sur: subscriptionReference(parts, subscription) }
  if (typeof shown === 'string') notification['cr'] = shown
  if (notificationForwardingUri !== undefined) notification['nfu'] = notificationForwardingUri
  parts.notifier.notify(execution, subscription, notification)
}

/** One notification as it is; a batch as an aggregated one, also when only one was collected: TS-0004 6.3.5.13. */
export function contentOf(notifications: readonly JsonObject[], isBatch: boolean): JsonObject {
  return isBatch || notifications.length > 1
    ? { 'm2m:agn': { 'm2m:sgn': notifications as readonly Json[] } }
    : { 'm2m:sgn': notifications[0] as Json }
}

/** A subscription to blocking updates has its target decide of a change first: TS-0004 7.3.3.8. */
export function askForUpdate(execution: Execution, resource: Resource, changes: ReadonlyMap<string, unknown>): void {
  for (const subscription of resource.subscriptions) {
    const { eventNotificationCriteria: criteria, notificationUri, creator } = subscription.stored as Subscription
    if (criteria?.notificationEventType?.includes(NotificationEventType.BLOCKING_UPDATE) !== true) continue
    if (!touches(criteria, resource, changes.keys())) continue
    const { definition } = resource
    const rep = { [definition.memberName]: encodeChanges(definition, Object.fromEntries(changes), changes.keys()) }
    const notification: Record<string, Json> = {
      nev: { net: NotificationEventType.BLOCKING_UPDATE, rep },
      sur: subscriptionReference(execution.parts, subscription),
    }
    if (typeof creator === 'string') notification['cr'] = creator
    for (const target of notificationUri ?? [])
      execution.ask({ target, notification: { 'm2m:sgn': notification }, about: 'update' })
  }
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
  return { [definition.memberName]: encodeChanges(definition, resource.attributes, modified ?? []) }
}

/** Some attributes in wire form, those that are gone as null. */
function encodeChanges(definition: ResourceType, attributes: Attributes, names: Iterable<string>): JsonObject {
  const changed = new Set(names)
  const wire: Record<string, Json> = encodeAttributes(definition, attributes, changed)
  for (const name of changed) {
    const short = definition.table.get(name)?.short
    if (short !== undefined && attributes[name] === undefined) wire[short] = null
  }
  return wire
}

function wireOf(resource: Resource | StoredInstance): JsonObject {
  return { [resource.definition.memberName]: JSON.parse(resource.wireText) as JsonObject }
}

function matches(criteria: EventNotificationCriteria | undefined, event: ResourceEvent): boolean {
  const events: readonly number[] = criteria?.notificationEventType ?? []
  if (criteria === undefined || !events.includes(event.event)) return false
  const { resource, modified } = event
  const { childResourceType } = criteria
  const isOfChild =
    event.event === NotificationEventType.CREATE_OF_CHILD || event.event === NotificationEventType.DELETE_OF_CHILD
  if (isOfChild && childResourceType !== undefined && !childResourceType.includes(resource.definition.type))
    return false
  if (modified !== undefined && !touches(criteria, resource, modified)) return false
  return matchesState(criteria, resource)
}

/** True when one of these attributes is one that the criteria name, or they name none. */
function touches({ attribute }: EventNotificationCriteria, resource: ResourceView, names: Iterable<string>): boolean {
  if (attribute === undefined) return true
  for (const name of names)
    if (attribute.includes(name) || attribute.includes(resource.definition.table.get(name)?.short ?? name)) return true
  return false
}

/** The conditions on the resource itself, combined as filterOperation says. */
function matchesState(criteria: EventNotificationCriteria, resource: ResourceView): boolean {
  const conditions: Record<string, unknown> = {}
  for (const name of stateConditions) if (criteria[name] !== undefined) conditions[name] = criteria[name]
  for (const _ in conditions) {
    const { filterOperation } = criteria
    return matcher({ ...conditions, ...(filterOperation === undefined ? {} : { filterOperation }) }, () => [])(resource)
  }
  return true
}

const stateConditions = [
  'createdBefore',
  'createdAfter',
  'modifiedSince',
  'unmodifiedSince',
  'expireBefore',
  'expireAfter',
  'stateTagSmaller',
  'stateTagBigger',
  'sizeAbove',
  'sizeBelow',
] as const satisfies readonly (keyof EventNotificationCriteria & keyof FilterCriteria)[]
