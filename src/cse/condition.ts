/** Conditional operations (TS-0004 7.3.3.7 to 7.3.3.9): a request with filter criteria happens when its target meets them. */

import { refused } from '../onem2m/attribute-type.ts'
import type { FilterCriteria } from '../onem2m/filter-criteria.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import type { Execution } from './execution.ts'
import { matcher } from './matching.ts'
import type { Resource, StoredInstance } from './resource.ts'

/** Throws NOT_FOUND when the resource does not meet the criteria of the request. */
export function checkCondition(execution: Execution, resource: Resource | StoredInstance): void {
  const criteria = execution.request.filterCriteria
  if (criteria === undefined) return
  checkConditionNames(execution, criteria)
  if (!matcher(criteria, (parent) => execution.childrenOf(parent))(resource))
    throw new OneM2MError(Status.NOT_FOUND, 'fc: the resource does not meet the filter criteria')
}

/** A condition on an attribute that no resource type has is a mistake, and would otherwise find nothing for ever. */
export function checkConditionNames({ parts }: Execution, criteria: FilterCriteria): void {
  for (const conditions of [criteria.attribute, criteria.childAttribute, criteria.parentAttribute])
    for (const { name } of conditions ?? []) {
      if (!isAttribute(parts.resourceTypes, name) && !isAttribute(parts.typesByMemberName, name))
        throw refused('fc.atr', name, 'the short name of an attribute, or a filter criteria member')
    }
}

function isAttribute(types: Execution['parts']['typesByMemberName'] | Execution['resourceTypes'], name: string) {
  for (const type of types.values()) if (type.byShortName.has(name) || type.table.has(name)) return true
  return false
}

/** Criteria that say only how much of a result is wanted. */
const handling: ReadonlySet<string> = new Set([
  'filterUsage',
  'filterOperation',
  'limit',
  'level',
  'offset',
  'applyRelativePath',
] satisfies (keyof FilterCriteria)[])

/** Whether criteria tell resources apart. */
export function hasConditions(criteria: FilterCriteria): boolean {
  for (const name in criteria) if (!handling.has(name)) return true
  return false
}
