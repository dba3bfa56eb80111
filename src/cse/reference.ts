/** References between resources of this CSE: those that must lead somewhere when they are made, and those that go with what they lead to. */

import { refused } from '../onem2m/attribute-type.ts'
import type { Attributes } from '../resources/resource-type.ts'
import type { Execution } from './execution.ts'
import type { Resource } from './resource.ts'

const policyType = 1
const groupType = 9

/**
 * A policy that does not exist grants nothing, so that a slip of the pen would lock everybody out: accessControlPolicyIDs of this CSE must be
 * those of policies. What lies at other CSEs is taken as it is.
 */
export function checkPolicies({ parts, nowMs }: Execution, attributes: Attributes): void {
  const { tree } = parts
  for (const identifier of (attributes['accessControlPolicyIds'] as readonly string[] | undefined) ?? []) {
    const local = tree.localPart(identifier)
    if (local === undefined) continue
    if (tree.resolve(local, nowMs)?.resource.definition.type !== policyType)
      throw refused('acpi', identifier, 'identifiers of accessControlPolicies')
  }
}

/** Takes what is about to be removed out of the groups that it is a member of. TS-0001 9.6.13, currentNrOfMembers. */
export function leaveGroups(execution: Execution, leaving: readonly Resource[]): void {
  const { tree } = execution.parts
  if (tree.ofType(groupType).size === 0) return
  const removed = new Set(leaving)
  for (const group of tree.ofType(groupType)) {
    if (removed.has(group)) continue
    const members = (group.stored['memberIds'] as readonly string[] | undefined) ?? []
    const left = members.filter((member) => {
      const local = tree.localPart(member.endsWith('/fopt') ? member.slice(0, -'/fopt'.length) : member)
      const resource = local === undefined ? undefined : tree.resolve(local, execution.nowMs)?.resource
      return !removed.has(resource as Resource)
    })
    if (left.length < members.length) execution.amend(group, { memberIds: left, currentNrOfMembers: left.length })
  }
}
