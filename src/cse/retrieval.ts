/** RETRIEVE (TS-0004 7.3.3.7): of a resource, of parts of it, with its children, or of what discovery finds below it. */

import { refused } from '../onem2m/attribute-type.ts'
import type { FilterCriteria } from '../onem2m/filter-criteria.ts'
import { FilterUsage } from '../onem2m/filter-criteria.ts'
import { ResultContent } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { AccessRight } from '../resources/access-control-policy.ts'
import { checkCondition, hasConditions } from './condition.ts'
import { countRetrieval } from './deletion-count.ts'
import { discover, find } from './discovery.ts'
import type { Execution } from './execution.ts'
import type { Outcome } from './outcome.ts'
import { nest, partialContent, referenceTo } from './representation.ts'
import { Resource, StoredInstance } from './resource.ts'

const hidden = 'this container does not show its instances one by one (disr)'

export function retrieve(execution: Execution): Outcome | Promise<Outcome> {
  const { request } = execution
  const criteria = request.filterCriteria
  const { resource, virtualChild } = execution.target()
  if (criteria?.filterUsage === FilterUsage.DISCOVERY) return discover(execution, resource)
  execution.require(AccessRight.RETRIEVE, resource)
  if (resource instanceof Resource ? false : resource.parent.stored['disableRetrieval'] === true)
    throw new OneM2MError(Status.OPERATION_NOT_ALLOWED, `to: ${hidden}`)
  if (virtualChild !== undefined && resource instanceof Resource)
    throw new OneM2MError(Status.OPERATION_NOT_ALLOWED, `to: ${virtualChild} can't be retrieved`)
  if (request.attributeList !== undefined) {
    checkCondition(execution, resource)
    const content = partialContent(execution, resource, request.attributeList)
    if (resource instanceof StoredInstance) countRetrieval(execution, resource)
    return { status: Status.OK, content }
  }
  return withResultContent(execution, resource, criteria)
}

function withResultContent(
  execution: Execution,
  resource: Resource | StoredInstance,
  criteria: FilterCriteria | undefined,
): Outcome | Promise<Outcome> {
  const kind = execution.request.resultContent ?? ResultContent.ATTRIBUTES
  switch (kind) {
    case ResultContent.ATTRIBUTES:
      checkCondition(execution, resource)
      if (resource instanceof StoredInstance) countRetrieval(execution, resource)
      return { status: Status.OK, content: resource }
    case ResultContent.ORIGINAL_RESOURCE:
      return retrieveOriginal(execution, resource)
    case ResultContent.SEMANTIC_CONTENT:
    case ResultContent.PERMISSIONS:
      throw new OneM2MError(Status.NOT_IMPLEMENTED, `rcn: ${kind} is not supported`)
    default:
      return withChildren(execution, resource, kind, criteria ?? {})
  }
}

/**
 * rcn 4, 5, 6, 8: TS-0004 7.5.2. Nested resources, and references to what meets conditions, are sought all the way down unless a level is
 * said; references to children without any condition are those of the children.
 */
async function withChildren(
  execution: Execution,
  resource: Resource | StoredInstance,
  kind: number,
  criteria: FilterCriteria,
): Promise<Outcome> {
  const isReference = kind === ResultContent.ATTRIBUTES_AND_CHILD_REFERENCES || kind === ResultContent.CHILD_REFERENCES
  const range = isReference && !hasConditions(criteria) ? { level: 1, ...criteria } : criteria
  const { descendants, partial } = await find(execution, resource, range, AccessRight.RETRIEVE, !isReference)
  const form = execution.request.desiredIdentifierResultType
  const references = isReference ? descendants.map((descendant) => referenceTo(descendant.resource, form)) : []
  switch (kind) {
    case ResultContent.CHILD_REFERENCES:
      return { status: Status.OK, content: { 'm2m:rrl': { rrf: references } }, ...partial }
    case ResultContent.ATTRIBUTES_AND_CHILD_REFERENCES: {
      const nested = nest(execution, resource, [], true)
      const member = resource.definition.memberName
      const attributes = nested[member] as Record<string, unknown>
      return {
        status: Status.OK,
        content: { [member]: { ...attributes, ch: references } } as typeof nested,
        ...partial,
      }
    }
    default:
      return {
        status: Status.OK,
        content: nest(execution, resource, descendants, kind === ResultContent.ATTRIBUTES_AND_CHILD_RESOURCES),
        ...partial,
      }
  }
}

/** What an announced resource shows is a part; the whole is where its link leads. TS-0004 7.5.2. */
function retrieveOriginal(execution: Execution, resource: Resource | StoredInstance): Promise<Outcome> {
  const { request, originator, nowMs, parts } = execution
  const link = resource.attributes['link']
  if (typeof link !== 'string')
    throw refused('rcn', request.resultContent, 'an announced resource as the target: only these have an original')
  if (!link.startsWith('/'))
    throw new OneM2MError(Status.NOT_FOUND, 'rcn: the original is registered nowhere at the moment')
  const { resultContent: _, ...rest } = request
  return parts.forwarding.forward({ request: { ...rest, to: link }, originator, nowMs })
}
