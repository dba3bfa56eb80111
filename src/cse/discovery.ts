/** Finding descendants: for discovery, and for the children that a RETRIEVE shows. */

import type { FilterCriteria } from '../onem2m/filter-criteria.ts'
import { ResultContent } from '../onem2m/primitive.ts'
import { Status } from '../onem2m/status.ts'
import { AccessRight } from '../resources/access-control-policy.ts'
import type { ResourceView } from '../resources/behaviour.ts'
import { candidates } from './candidate.ts'
import { checkConditionNames } from './condition.ts'
import type { Execution } from './execution.ts'
import { byName, matcher } from './matching.ts'
import type { Outcome } from './outcome.ts'
import { type Descendant, identifierOf, referenceTo } from './representation.ts'
import { Resource, type StoredInstance } from './resource.ts'

/** Discovery: RETRIEVE with filterUsage 1, TS-0001 10.2.6, TS-0004 7.3.3.14. Whatever the originator may not discover is left out. */
export async function discover(execution: Execution, root: Resource | StoredInstance): Promise<Outcome> {
  const { request } = execution
  const { descendants, partial } = await find(execution, root, request.filterCriteria ?? {}, AccessRight.DISCOVERY)
  const form = request.desiredIdentifierResultType
  const prefix = prefixOf(execution, request.to)
  const content =
    request.resultContent === ResultContent.CHILD_REFERENCES
      ? { 'm2m:rrl': { rrf: descendants.map(({ resource }) => referenceTo(resource, form, prefix)) } }
      : { 'm2m:uril': descendants.map(({ resource }) => prefix + identifierOf(resource, form)) }
  return { status: Status.OK, content, ...partial }
}

/** Identifiers come back in the form in which the target was addressed: CSE-relative, SP-relative or absolute. */
function prefixOf({ cseId, spId }: Execution, to: string): string {
  if (to.startsWith('//')) return `${spId}${cseId}/`
  return to.startsWith('/') ? `${cseId}/` : ''
}

export interface Found {
  readonly descendants: readonly Descendant[]
  /** Set when there is more than the limit allows. */
  readonly partial: { readonly contentStatus?: number; readonly contentOffset?: number }
}

/**
 * Descendants that meet the criteria and on which the originator has the right, within level, offset and limit. With `isNested` a direct
 * child comes with all its descendants or not at all, as long as one fits: TS-0004 7.5.2.
 */
export async function find(
  execution: Execution,
  root: Resource | StoredInstance,
  criteria: FilterCriteria,
  right: number,
  isNested = false,
): Promise<Found> {
  checkConditionNames(execution, criteria)
  if (!(root instanceof Resource)) return { descendants: [], partial: {} }
  const asksForChildren = (criteria.childLabels ?? criteria.childResourceType ?? criteria.childAttribute) !== undefined
  let witnesses: readonly StoredInstance[] = []
  const isMatch = matcher(criteria, (resource) => [...execution.childrenOf(resource), ...witnesses])
  const limit = Math.min(criteria.limit ?? Number.POSITIVE_INFINITY, execution.parts.settings.maxResults)
  const firstIndex = (criteria.offset ?? 1) - 1
  const descendants: Descendant[] = []
  let count = 0
  for await (const candidate of candidates(execution, root, criteria)) {
    if (asksForChildren) witnesses = await findWitnesses(execution, candidate.resource, criteria)
    if (!isMatch(candidate.resource) || !isShown(execution, candidate.resource, right, criteria.operations)) continue
    const match = relative(execution, candidate, criteria.applyRelativePath, right)
    if (match === undefined || count++ < firstIndex) continue
    if (descendants.length >= limit) {
      const whole = isNested ? wholeChildren(root, descendants, match) : descendants
      return { descendants: whole, partial: { contentStatus: 1, contentOffset: firstIndex + whole.length + 1 } }
    }
    descendants.push(match)
  }
  return { descendants, partial: {} }
}

/** applyRelativePath: the path is appended to every match, and what exists there takes its place. */
function relative(
  execution: Execution,
  match: Descendant,
  path: string | undefined,
  right: number,
): Descendant | undefined {
  if (path === undefined) return match
  const resource = execution.resolve(`${match.resource.address}/${path}`)
  if (resource === undefined || !execution.allows(execution.originator, right, resource)) return undefined
  return { resource: resource as Resource | StoredInstance, level: match.level + path.split('/').length }
}

/** Those whose direct child of `root` is not cut off by the end of the page. */
function wholeChildren(root: Resource, descendants: readonly Descendant[], next: Descendant): readonly Descendant[] {
  const cutOff = directChild(root, next.resource)
  let end = descendants.length
  while (end > 0 && directChild(root, (descendants[end - 1] as Descendant).resource) === cutOff) end--
  return end === 0 ? descendants : descendants.slice(0, end)
}

/** The identifier of the child of `root` that is this descendant, or has it below. */
function directChild(root: Resource, descendant: ResourceView): string {
  let at = descendant
  while (at.parent !== undefined && at.parent !== root) at = at.parent
  return at.resourceIdentifier
}

/** Instances of a container that meet the conditions on children, one for each condition: a million others need not be kept. */
async function findWitnesses(
  { nowMs }: Execution,
  resource: Resource | StoredInstance,
  { childLabels, childResourceType, childAttribute }: FilterCriteria,
): Promise<readonly StoredInstance[]> {
  if (!(resource instanceof Resource) || resource.instances === undefined) return []
  const found: StoredInstance[] = []
  let open = [
    ...(childLabels === undefined ? [] : [{ labels: childLabels }]),
    ...(childResourceType === undefined ? [] : [{ resourceType: childResourceType }]),
    ...byName(childAttribute).map((attribute) => ({ attribute })),
  ].map((criteria) => matcher(criteria, () => []))
  for await (const instance of resource.instances.scan(nowMs)) {
    const left = open.filter((isMatch) => !isMatch(instance))
    if (left.length < open.length) found.push(instance)
    open = left
    if (open.length === 0) break
  }
  return found
}

/** Whether the originator may see it at all, and has the other rights that it asked for (`ops`). */
function isShown(
  { originator, parts: { access }, context }: Execution,
  resource: Resource | StoredInstance,
  right: number,
  operations = 0,
): boolean {
  const isHidden =
    right === AccessRight.RETRIEVE &&
    !(resource instanceof Resource) &&
    resource.parent.stored['disableRetrieval'] === true
  if (isHidden) return false
  for (let bit = 1; bit <= AccessRight.ALL; bit <<= 1)
    if (((right | operations) & bit) !== 0 && !access.allows(originator, bit, resource, context)) return false
  return true
}
