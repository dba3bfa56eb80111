/**
 * Which descendants can meet filter criteria at all: through the indexes of the tree and of the containers where a label or a type must
 * match, else all there are. Whoever asks still has to look at each.
 */

import { type FilterCriteria, FilterOperation } from '../onem2m/filter-criteria.ts'
import { breathe, stretch } from './breath.ts'
import type { Execution } from './execution.ts'
import type { Descendant } from './representation.ts'
import type { Resource } from './resource.ts'

/** Descendants of `root`, each once; without a label that must match, parents come before their children. */
export async function* candidates(
  execution: Execution,
  root: Resource,
  criteria: FilterCriteria,
): AsyncIterable<Descendant> {
  const { tree } = execution.parts
  const { labels, resourceType } = criteria
  const deepest = criteria.level ?? Number.POSITIVE_INFINITY
  const isConjunction = criteria.filterOperation === undefined || criteria.filterOperation === FilterOperation.AND
  const withInstances = !isConjunction || wantsInstances(execution, resourceType)
  if (isConjunction && (labels !== undefined || (resourceType !== undefined && !withInstances))) {
    const byLabel = labels?.map((label) => tree.withLabel(label))
    const byType = resourceType?.map((type) => tree.ofType(type))
    yield* inTurns(below(root, smaller(byLabel, byType), deepest))
    if (labels !== undefined && withInstances) yield* labelledInstances(execution, root, labels, deepest)
    return
  }
  if (withInstances) yield* instancesOf(execution, root, 1)
  for await (const descendant of inTurns(walk(root, deepest))) {
    yield descendant
    if (withInstances && descendant.level < deepest)
      yield* instancesOf(execution, descendant.resource as Resource, descendant.level + 1)
  }
}

function wantsInstances({ resourceTypes }: Execution, wanted: readonly number[] | undefined): boolean {
  return wanted?.some((type) => resourceTypes.get(type)?.isInstance === true) ?? true
}

type Index = readonly ReadonlySet<Resource>[]

function smaller(one: Index | undefined, other: Index | undefined): Index {
  const sizeOf = (index: Index) => index.reduce((sum, set) => sum + set.size, 0)
  if (one === undefined || other === undefined) return one ?? other ?? []
  return sizeOf(one) <= sizeOf(other) ? one : other
}

/** Lets others in from time to time. */
async function* inTurns(descendants: Iterable<Descendant>): AsyncIterable<Descendant> {
  let count = 0
  for (const descendant of descendants) {
    if (++count % stretch === 0) await breathe()
    yield descendant
  }
}

function* walk(parent: Resource, deepest: number, level = 1): Iterable<Descendant> {
  if (level > deepest) return
  for (const resource of parent.children.values()) {
    yield { resource, level }
    yield* walk(resource, deepest, level + 1)
  }
}

/** Members of indexes that lie below `root`. */
function* below(root: Resource, index: Index, deepest: number): Iterable<Descendant> {
  const seen = index.length > 1 ? new Set<Resource>() : undefined
  for (const set of index) {
    for (const resource of set) {
      if (seen?.has(resource) === true) continue
      seen?.add(resource)
      const level = levelBelow(root, resource)
      if (level > 0 && level <= deepest) yield { resource, level }
    }
  }
}

/** 0 for `root` itself, negative for what does not lie below it, or on a branch that is gone. */
function levelBelow(root: Resource, resource: Resource): number {
  let level = 0
  for (let at: Resource | undefined = resource; at !== undefined; at = at.parent) {
    if (at === root) return level
    if (at.parent?.children.get(at.name) !== at) return -1
    level++
  }
  return -1
}

async function* labelledInstances(
  execution: Execution,
  root: Resource,
  labels: readonly string[],
  deepest: number,
): AsyncIterable<Descendant> {
  for (const container of execution.parts.tree.withLabelledInstances()) {
    const level = levelBelow(root, container) + 1
    if (level < 1 || level > deepest || container.instances === undefined) continue
    for await (const resource of container.instances.withLabels(labels, execution.nowMs)) yield { resource, level }
  }
}

async function* instancesOf(execution: Execution, container: Resource, level: number): AsyncIterable<Descendant> {
  if (container.instances === undefined) return
  for await (const resource of container.instances.scan(execution.nowMs)) yield { resource, level }
}
