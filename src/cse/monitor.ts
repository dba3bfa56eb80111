/**
 * Subscriptions that want to know what is attempted at a resource, whatever becomes of it: operation monitors, and retrievals of instances
 * that are not there. TS-0001 9.6.8.
 */

import type { Json, JsonObject } from '../onem2m/content.ts'
import { Operation } from '../onem2m/primitive.ts'
import { AccessRight } from '../resources/access-control-policy.ts'
import { NotificationEventType } from '../resources/notification-criteria.ts'
import type { Subscription } from '../resources/subscription.ts'
import { representationFor, tell } from './event.ts'
import type { Execution } from './execution.ts'
import { Resource } from './resource.ts'

/** A subscription that is told of a request, and what is told about the event besides the representation of the resource. */
export interface Watcher {
  readonly subscription: Resource
  readonly resource: Resource
  readonly event: JsonObject
}

/** The operation monitors that a request meets at its target. */
export function monitorsOf({ request, originator, parts }: Execution, resource: Resource): readonly Watcher[] {
  const watchers: Watcher[] = []
  for (const subscription of resource.subscriptions) {
    const { eventNotificationCriteria } = subscription.stored as Subscription
    const isMet = eventNotificationCriteria?.operationMonitor?.some(
      (monitor) =>
        (monitor.operations === undefined || monitor.operations === request.operation) &&
        (monitor.originator === undefined || parts.access.shortOriginator(monitor.originator) === originator),
    )
    if (isMet === true)
      watchers.push({ subscription, resource, event: { om: { ops: request.operation, org: originator } } })
  }
  return watchers
}

/** Whom it concerns that an instance was retrieved which is not there: those who could make one, on demand. */
export function missedBy(execution: Execution, address: string): readonly Watcher[] {
  const { tree } = execution.parts
  const local = tree.localPart(address.slice(0, Math.max(0, address.lastIndexOf('/'))))
  const resource = local === undefined || local === '' ? undefined : tree.resolve(local, execution.nowMs)?.resource
  if (execution.request.operation !== Operation.RETRIEVE || !(resource instanceof Resource)) return []
  if (resource.instances === undefined || resource.subscriptions.length === 0) return []
  if (!execution.allows(execution.originator, AccessRight.RETRIEVE, resource)) return []
  const net = NotificationEventType.RETRIEVE_OF_CONTAINER_WITH_NO_CHILD
  return resource.subscriptions
    .filter(({ stored }) => (stored as Subscription).eventNotificationCriteria?.notificationEventType?.includes(net))
    .map((subscription) => ({ subscription, resource, event: { net } }))
}

/** Tells them, after the response. */
export function tellWatchers({ watchers, originator, parts }: Execution): void {
  parts.internally((execution) => {
    for (const { subscription, resource, event } of watchers ?? []) {
      const rep = representationFor(execution, subscription, resource)
      if (rep !== undefined) tell(execution, subscription, { ...event, rep: rep as Json } as JsonObject, originator)
    }
  })
}
