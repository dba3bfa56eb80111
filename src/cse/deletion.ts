/** DELETE (TS-0004 7.3.3.9): a resource with everything below it, or one instance. Also what expiration does when a time has come. */

import { type Content, JsonText } from '../onem2m/content.ts'
import { ResultContent } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { AccessRight } from '../resources/access-control-policy.ts'
import { NotificationEventType } from '../resources/notification-criteria.ts'
import { stretch } from './breath.ts'
import { checkCondition } from './condition.ts'
import { find } from './discovery.ts'
import { raise } from './event.ts'
import type { Execution } from './execution.ts'
import type { Eventually, Outcome } from './outcome.ts'
import { leaveGroups } from './reference.ts'
import { removeInTurns } from './removal.ts'
import { attributesContent, completeText, nest, referenceTo } from './representation.ts'
import { Resource, StoredInstance } from './resource.ts'

export function deleteTarget(execution: Execution): Eventually {
  const { request } = execution
  const { resource, virtualChild } = execution.target()
  const refusal = resource.definition.behaviour?.refusesDelete
  if (refusal !== undefined) throw new OneM2MError(Status.OPERATION_NOT_ALLOWED, `to: ${refusal}`)
  if (virtualChild !== undefined && resource instanceof Resource)
    throw new OneM2MError(Status.OPERATION_NOT_ALLOWED, `to: ${virtualChild} can't be deleted`)
  execution.require(AccessRight.DELETE, resource)
  if (resource instanceof StoredInstance && resource.parent.stored['disableRetrieval'] === true)
    throw new OneM2MError(
      Status.OPERATION_NOT_ALLOWED,
      'to: this container does not show its instances one by one (disr)',
    )
  checkCondition(execution, resource)
  const kind = request.resultContent ?? ResultContent.NOTHING
  switch (kind) {
    case ResultContent.NOTHING:
      remove(execution, resource)
      return { status: Status.DELETED }
    case ResultContent.ATTRIBUTES: {
      const content = attributesContent(execution, resource)
      remove(execution, resource)
      return { status: Status.DELETED, content }
    }
    default:
      return withChildren(execution, resource, kind)
  }
}

async function withChildren(
  execution: Execution,
  resource: Resource | StoredInstance,
  kind: number,
): Promise<() => Outcome> {
  const isReference = kind === ResultContent.ATTRIBUTES_AND_CHILD_REFERENCES || kind === ResultContent.CHILD_REFERENCES
  const { descendants } = await find(execution, resource, isReference ? { level: 1 } : {}, AccessRight.RETRIEVE)
  const form = execution.request.desiredIdentifierResultType
  const references = { rrf: descendants.map((descendant) => referenceTo(descendant.resource, form)) }
  let content: Content
  if (kind === ResultContent.CHILD_REFERENCES) content = { 'm2m:rrl': references }
  else if (kind === ResultContent.ATTRIBUTES_AND_CHILD_REFERENCES)
    content = new JsonText(
      `{"${resource.definition.memberName}":${completeText(execution, resource).slice(0, -1)},"ch":${JSON.stringify(references.rrf)}}}`,
    )
  else content = nest(execution, resource, descendants, kind === ResultContent.ATTRIBUTES_AND_CHILD_RESOURCES)
  return () => {
    // Somebody else may have deleted it while its children were read.
    if (execution.target().resource.resourceIdentifier !== resource.resourceIdentifier)
      throw new OneM2MError(Status.NOT_FOUND, `to: there is no ${execution.request.to}`)
    remove(execution, resource)
    return { status: Status.DELETED, content }
  }
}

/** Removes a resource with everything below it from memory, and has the disk follow. */
export function remove(execution: Execution, resource: Resource | StoredInstance): void {
  execution.transaction.makesRoom = true
  if (resource instanceof StoredInstance) removeInstance(execution, resource)
  else removeResource(execution, resource)
}

function removeInstance(execution: Execution, instance: StoredInstance): void {
  const { transaction } = execution
  const container = instance.parent
  const log = container.instances
  if (log === undefined) return
  transaction.onUndo(log.remember())
  log.delete(transaction.changes, instance)
  execution.parts.announcer.leave(execution, instance)
  transaction.changes.push(log.countersChange())
  raise(execution, container, { event: NotificationEventType.DELETE_OF_CHILD, resource: instance })
}

function removeResource(execution: Execution, resource: Resource): void {
  const { parts, transaction } = execution
  raise(execution, resource, { event: NotificationEventType.DELETE_OF_RESOURCE, resource })
  if (resource.parent !== undefined)
    raise(execution, resource.parent, { event: NotificationEventType.DELETE_OF_CHILD, resource })
  const all = subtree(resource)
  // All are told before the first is gone: subscriptions go before what they watch.
  for (const each of all)
    if (each !== resource) raise(execution, each, { event: NotificationEventType.DELETE_OF_RESOURCE, resource: each })
  leaveGroups(execution, all)
  for (const each of all) {
    each.definition.behaviour?.beforeDelete?.(each, execution)
    parts.announcer.leave(execution, each)
  }
  if (all.length > stretch) {
    removeInTurns(execution, resource, all)
    return
  }
  for (const each of all) {
    parts.tree.remove(each)
    transaction.afterCommit(() => {
      parts.notifier.ended(each)
      parts.polling.end(each)
    })
    // Undone in reverse, so that parents are back before their children.
    transaction.onUndo(() => parts.tree.add(each))
    transaction.changes.push(parts.tree.removalOf(each))
    transaction.afterCommit(() => parts.expiration.forget(each))
    const log = each.instances
    if (log !== undefined && log.nextSequence > 0) {
      transaction.changes.push({ key: log.countersKey, value: undefined })
      transaction.discards.push(...log.ranges)
    }
  }
}

/** A resource's descendants and itself, children before their parents. */
function subtree(resource: Resource): readonly Resource[] {
  const all: Resource[] = []
  const collect = (at: Resource) => {
    for (const child of at.children.values()) collect(child)
    all.push(at)
  }
  collect(resource)
  return all
}
