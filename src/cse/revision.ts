/** UPDATE (TS-0004 7.3.3.8): changed, added and deleted attributes of a resource, and what follows from them. */

import { refused } from '../onem2m/attribute-type.ts'
import { isJsonObject, type JsonObject } from '../onem2m/content.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { formatTimestamp, parseTimestamp } from '../onem2m/timestamp.ts'
import { AccessRight } from '../resources/access-control-policy.ts'
import type { Revision } from '../resources/behaviour.ts'
import { NotificationEventType } from '../resources/notification-criteria.ts'
import { contentMember, decodeForUpdate } from '../resources/resource-type.ts'
import { checkCondition } from './condition.ts'
import { keepState, latestExpiration } from './creation.ts'
import { askForUpdate, raise } from './event.ts'
import type { Execution } from './execution.ts'
import type { Eventually } from './outcome.ts'
import { checkPolicies } from './reference.ts'
import { updateResult } from './representation.ts'
import { Resource } from './resource.ts'
import { trim, trimInTurns } from './trimming.ts'

export function update(execution: Execution): Eventually {
  const { request, originator } = execution
  const { resource, virtualChild } = execution.target()
  const refusal = resource.definition.behaviour?.refusesUpdate
  if (refusal !== undefined) throw new OneM2MError(Status.OPERATION_NOT_ALLOWED, `to: ${refusal}`)
  if (!(resource instanceof Resource) || virtualChild !== undefined)
    throw new OneM2MError(Status.OPERATION_NOT_ALLOWED, `to: ${request.to} can't be updated`)
  // Rights go before content (TS-0004 7.3.3): who may not change the resource is told so, and not what it wrote wrong.
  const given = Object.values(request.content ?? {})[0]
  if (isJsonObject(given) && 'acpi' in given) checkPolicyChange(execution, resource, given)
  else execution.require(AccessRight.UPDATE, resource)
  const wire = contentMember(request.content, resource.definition)
  checkCondition(execution, resource)

  const changes = decodeForUpdate(resource.definition, wire)
  const revision: Revision = {
    resource,
    originator,
    changes,
    value: (name) => (changes.has(name) ? changes.get(name) : resource.stored[name]),
  }
  if (changes.has('accessControlPolicyIds')) checkPolicies(execution, Object.fromEntries(changes))
  settleExpirationTime(execution, resource, changes)
  resource.definition.behaviour?.beforeUpdate?.(revision, execution)
  askForUpdate(execution, resource, changes)
  const inquiry = execution.openInquiry
  if (inquiry !== undefined) return inquiry.make(execution, () => update(execution))
  const leavesInstances = resource.definition.behaviour?.leavesInstances?.(revision) === true
  const modified = apply(execution, resource, changes)
  if (leavesInstances) clear(execution, resource)
  keepState(execution, resource, modified)
  const isWithinLimits = trim(execution, resource)
  execution.parts.announcer.observe(execution, resource)
  raise(execution, resource, { event: NotificationEventType.UPDATE_OF_RESOURCE, resource, modified })
  execution.transaction.afterCommit(() => execution.parts.notifier.changed(resource))
  if (modified.has('missingDataDetect'))
    execution.transaction.afterCommit(() => execution.parts.missingData.restart(resource))
  const content = () => updateResult(execution, resource, wire, modified)
  if (isWithinLimits) return { status: Status.UPDATED, content }
  return { status: Status.UPDATED, content, completion: () => trimInTurns(execution.parts, resource) }
}

/** Leaves all instances of a container behind. */
function clear({ transaction }: Execution, { instances }: Resource): void {
  if (instances === undefined || instances.count === 0) return
  transaction.onUndo(instances.remember())
  transaction.discards.push(instances.clear())
  transaction.changes.push(instances.countersChange())
}

/** accessControlPolicyIDs change alone, under the rights of the policies that are linked now. */
function checkPolicyChange(execution: Execution, resource: Resource, given: JsonObject): void {
  const names = Object.keys(given)
  const { acpi } = given
  if (names.length > 1) throw refused('acpi', names, 'acpi as the only attribute of its UPDATE')
  if (Array.isArray(acpi) && acpi.length === 0) throw refused('acpi', acpi, 'at least one policy, or null for none')
  if (!execution.parts.access.allowsPolicyChange(execution.originator, resource, execution.context))
    throw execution.denied(`may not change which policies protect ${resource.address}`, resource)
}

/** Not in the past, not before a child's (refused); not after the parent's or the maximum (cut). TS-0004 7.3.3.4. */
function settleExpirationTime(execution: Execution, resource: Resource, changes: Map<string, unknown>): void {
  if (!changes.has('expirationTime') || !resource.definition.hasExpirationTime) return
  const { nowMs, parts } = execution
  const asked = changes.get('expirationTime') as string | undefined
  const askedMs =
    asked === undefined ? nowMs + parts.settings.defaultLifetimeSeconds * 1000 : (parseTimestamp(asked) as number)
  if (askedMs <= nowMs) throw refused('et', asked, 'a time in the future')
  const latest = latestExpiration(execution, resource.parent)
  const settledMs = Math.min(askedMs, latest.ms)
  for (const child of resource.children.values()) {
    if (execution.expiryOf(child) > settledMs && Number.isFinite(execution.expiryOf(child)))
      throw refused('et', asked, `a time not before that of its child ${child.name}, ${child.stored['expirationTime']}`)
  }
  changes.set('expirationTime', askedMs > latest.ms ? latest.text : (asked ?? formatTimestamp(askedMs)))
  execution.transaction.afterCommit(() => parts.expiration.watch(resource))
}

/** Puts the new attributes in place; returns the long names of those that changed. */
function apply(execution: Execution, resource: Resource, changes: ReadonlyMap<string, unknown>): ReadonlySet<string> {
  const attributes: Record<string, unknown> = { ...resource.stored, lastModifiedTime: execution.now }
  for (const [name, value] of changes) {
    if (value === undefined) delete attributes[name]
    else attributes[name] = value
  }
  const modified = new Set(changes.keys()).add('lastModifiedTime')
  const { instances } = resource
  if (resource.definition.table.has('stateTag')) {
    modified.add('stateTag')
    if (instances === undefined) attributes['stateTag'] = ((attributes['stateTag'] as number | undefined) ?? 0) + 1
    else {
      execution.transaction.onUndo(instances.remember())
      instances.countStateChange()
      // Instances that were to end with it keep their own time.
      if (changes.has('expirationTime'))
        instances.noteExpiry(Math.min(instances.expiryMs, execution.expiryOf(resource)))
      execution.transaction.changes.push(instances.countersChange())
    }
  }
  execution.replaceAttributes(resource, attributes)
  return modified
}
