/**
 * Finding descendants: for discovery, and for the children that a RETRIEVE shows. Structure is found through the indexes when a label or a
 * type narrows it down, instances by scanning their containers.
 */

import { refused } from '../onem2m/attribute-type.ts'
import type { FilterCriteria } from '../onem2m/filter-criteria.ts'
import { FilterOperation } from '../onem2m/filter-criteria.ts'
import { ResultContent } from '../onem2m/primitive.ts'
import { Status } from '../onem2m/status.ts'
import { AccessRight } from '../resources/access-control-policy.ts'
import type { ResourceView } from '../resources/behaviour.ts'
import type { Execution } from './execution.ts'
import { matcher } from './matching.ts'
import type { Outcome } from './outcome.ts'
import { type Descendant, identifierOf, referenceTo } from './representation.ts'
import { Resource, type StoredInstance } from './resource.ts'

/** Discovery: RETRIEVE with filterUsage 1, TS-0001 10.2.6, TS-0004 7.3.3.14. Whatever the originator may not discover is left out. */
export async function discover(execution: Execution, root: Resource | StoredInstance): Promise<Outcome> {
  const { request } = execution
  const criteria = request.filterCriteria ?? {}
  const kind = request.resultContent ?? ResultContent.DISCOVERY_RESULT_REFERENCES
  if (![1, ResultContent.CHILD_REFERENCES, 5, ResultContent.DISCOVERY_RESULT_REFERENCES].includes(kind))
    throw refused('rcn', kind, 'one of 1, 5, 6, 11 in a discovery')
  const found = await find(execution, root, criteria, AccessRight.DISCOVERY)
  const form = request.desiredIdentifierResultType
  const prefix = prefixOf(execution, request.to)
  const matches = applyRelativePath(execution, found.descendants, criteria.applyRelativePath)
  const content =
    kind === ResultContent.CHILD_REFERENCES
      ? { 'm2m:rrl': { rrf: matches.map((resource) => referenceTo(resource, form)) } }
      : { 'm2m:uril': matches.map((resource) => prefix + identifierOf(resource, form)) }
  return { status: Status.OK, content, ...found.partial }
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

/** Descendants that meet the criteria and on which the originator has the right, within level, offset and limit. */
export async function find(
  execution: Execution,
  root: Resource | StoredInstance,
  criteria: FilterCriteria,
  right: number,
): Promise<Found> {
  if (!(root instanceof Resource)) return { descendants: [], partial: {} }
  const asksForChildren = (criteria.childLabels ?? criteria.childResourceType ?? criteria.childAttribute) !== undefined
  let witnesses: readonly StoredInstance[] = []
  const isMatch = matcher(criteria, (resource) => [...execution.childrenOf(resource), ...witnesses])
  const limit = Math.min(criteria.limit ?? Number.POSITIVE_INFINITY, execution.parts.settings.maxResults)
  const firstIndex = (criteria.offset ?? 1) - 1
  const descendants: Descendant[] = []
  let count = 0
  for await (const descendant of candidates(execution, root, criteria)) {
    if (asksForChildren) witnesses = await findWitnesses(execution, descendant.resource, criteria)
    if (!isMatch(descendant.resource)) continue
    if (!isShown(execution, descendant.resource, right, criteria.operations)) continue
    if (count++ < firstIndex) continue
    if (descendants.length >= limit)
      return { descendants, partial: { contentStatus: 1, contentOffset: firstIndex + limit + 1 } }
    descendants.push(descendant)
  }
  return { descendants, partial: {} }
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
    ...(childAttribute === undefined ? [] : [{ attribute: childAttribute }]),
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

/** Every descendant that could match, parents before their children. */
async function* candidates(execution: Execution, root: Resource, criteria: FilterCriteria): AsyncIterable<Descendant> {
  const deepest = criteria.level ?? Number.POSITIVE_INFINITY
  const narrowed = narrow(execution, criteria)
  const structure = narrowed === undefined ? walk(root, deepest) : below(root, narrowed, deepest)
  if (narrowed !== undefined || !wantsInstances(execution, criteria)) {
    yield* structure
    return
  }
  yield* instancesOf(execution, root, 1)
  for (const descendant of structure) {
    yield descendant
    if (descendant.level < deepest) yield* instancesOf(execution, descendant.resource as Resource, descendant.level + 1)
  }
}

/** The smallest index that holds all structural matches, when labels or types that are no instances must match. */
function narrow(
  { parts: { tree }, resourceTypes }: Execution,
  criteria: FilterCriteria,
): readonly ReadonlySet<Resource>[] | undefined {
  if (criteria.filterOperation !== undefined && criteria.filterOperation !== FilterOperation.AND) return undefined
  const { resourceType } = criteria
  const choices: (readonly ReadonlySet<Resource>[])[] = []
  if (resourceType !== undefined) {
    choices.push(resourceType.map((type) => tree.ofType(type)))
    if (criteria.labels !== undefined) choices.push(criteria.labels.map((label) => tree.withLabel(label)))
  }
  const total = (sets: readonly ReadonlySet<Resource>[]) => sets.reduce((sum, set) => sum + set.size, 0)
  choices.sort((left, right) => total(left) - total(right))
  return resourceType?.some((type) => resourceTypes.get(type)?.isInstance === true) ? undefined : choices[0]
}

function wantsInstances({ resourceTypes }: Execution, { resourceType, filterOperation }: FilterCriteria): boolean {
  if (resourceType === undefined || (filterOperation !== undefined && filterOperation !== FilterOperation.AND))
    return true
  return resourceType.some((type) => resourceTypes.get(type)?.isInstance === true)
}

function* walk(parent: Resource, deepest: number, level = 1): Iterable<Descendant> {
  if (level > deepest) return
  for (const resource of parent.children.values()) {
    yield { resource, level }
    yield* walk(resource, deepest, level + 1)
  }
}

/** Members of indexes that lie below `root`, each once. */
function* below(root: Resource, sets: readonly ReadonlySet<Resource>[], deepest: number): Iterable<Descendant> {
  const seen = sets.length > 1 ? new Set<Resource>() : undefined
  for (const set of sets) {
    for (const resource of set) {
      if (seen?.has(resource)) continue
      seen?.add(resource)
      let level = 0
      let at: ResourceView | undefined = resource
      while (at !== undefined && at !== root) {
        level++
        at = at.parent
      }
      if (at === root && level > 0 && level <= deepest) yield { resource, level }
    }
  }
}

async function* instancesOf(execution: Execution, container: Resource, level: number): AsyncIterable<Descendant> {
  if (container.instances === undefined) return
  for await (const resource of container.instances.scan(execution.nowMs)) yield { resource, level }
}

/** applyRelativePath: the path is appended to every match, and what exists there is the result. */
function applyRelativePath(
  execution: Execution,
  matches: readonly Descendant[],
  path: string | undefined,
): readonly ResourceView[] {
  if (path === undefined) return matches.map(({ resource }) => resource)
  const found: ResourceView[] = []
  for (const { resource } of matches) {
    const there = execution.resolve(`${resource.address}/${path}`)
    if (there !== undefined && execution.allows(execution.originator, AccessRight.DISCOVERY, there)) found.push(there)
  }
  return found
}
