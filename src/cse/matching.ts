/** Whether a resource meets filter criteria: the conditions of TS-0004 table 6.3.5.8-1, one function for all who filter. */

import { refused } from '../onem2m/attribute-type.ts'
import type { Json } from '../onem2m/content.ts'
import type { AttributeCondition, FilterCriteria } from '../onem2m/filter-criteria.ts'
import { FilterOperation } from '../onem2m/filter-criteria.ts'
import { parseGeometry, relates } from '../onem2m/geometry.ts'
import { jsonPath } from '../onem2m/json-path.ts'
import { parseTimestamp } from '../onem2m/timestamp.ts'
import type { ResourceView } from '../resources/behaviour.ts'
import type { Location } from '../resources/common-attribute.ts'
import { encodeAttributes, readable } from '../resources/resource-type.ts'

/** True when `value` lies before `limit`; also when there is no limit. */
function isBefore(value: unknown, limit: string | undefined): boolean {
  if (limit === undefined) return true
  return typeof value === 'string' && (parseTimestamp(value) ?? 0) < (parseTimestamp(limit) ?? 0)
}

/** True when `value` lies at or after `limit`; also when there is no limit. */
function isAfter(value: unknown, limit: string | undefined): boolean {
  if (limit === undefined) return true
  return typeof value === 'string' && (parseTimestamp(value) ?? 0) >= (parseTimestamp(limit) ?? 0)
}

type Condition = (resource: ResourceView, childrenOf: (resource: ResourceView) => Iterable<ResourceView>) => boolean

/**
 * A matcher for criteria: the tags combined by filterOperation (AND unless said), several values of one tag by OR. Criteria without any
 * condition match everything.
 */
export function matcher(
  criteria: FilterCriteria,
  childrenOf: (resource: ResourceView) => Iterable<ResourceView>,
): (resource: ResourceView) => boolean {
  const conditions = conditionsOf(criteria)
  if (conditions.length === 0) return () => true
  const holds = (condition: Condition, resource: ResourceView) => condition(resource, childrenOf)
  switch (criteria.filterOperation) {
    case FilterOperation.OR:
      return (resource) => conditions.some((condition) => holds(condition, resource))
    case FilterOperation.XOR:
      return (resource) => conditions.filter((condition) => holds(condition, resource)).length === 1
    default:
      return (resource) => conditions.every((condition) => holds(condition, resource))
  }
}

function conditionsOf(criteria: FilterCriteria): Condition[] {
  const conditions: Condition[] = []
  const add = <T>(value: T | undefined, condition: (value: T) => Condition) => {
    if (value !== undefined) conditions.push(condition(value))
  }
  const attribute = (resource: ResourceView, name: string) => resource.attributes[name]
  const number = (resource: ResourceView, name: string) => {
    const value = attribute(resource, name)
    return typeof value === 'number' ? value : Number.NaN
  }
  add(criteria.createdBefore, (limit) => (resource) => isBefore(attribute(resource, 'creationTime'), limit))
  add(criteria.createdAfter, (limit) => (resource) => isAfter(attribute(resource, 'creationTime'), limit))
  add(criteria.modifiedSince, (limit) => (resource) => isAfter(attribute(resource, 'lastModifiedTime'), limit))
  add(criteria.unmodifiedSince, (limit) => (resource) => isBefore(attribute(resource, 'lastModifiedTime'), limit))
  add(criteria.expireBefore, (limit) => (resource) => isBefore(attribute(resource, 'expirationTime'), limit))
  add(criteria.expireAfter, (limit) => (resource) => isAfter(attribute(resource, 'expirationTime'), limit))
  add(criteria.stateTagSmaller, (limit) => (resource) => number(resource, 'stateTag') < limit)
  add(criteria.stateTagBigger, (limit) => (resource) => number(resource, 'stateTag') >= limit)
  add(criteria.sizeAbove, (limit) => (resource) => number(resource, 'contentSize') >= limit)
  add(criteria.sizeBelow, (limit) => (resource) => number(resource, 'contentSize') < limit)
  add(criteria.labels, (wanted) => (resource) => hasLabel(resource, wanted))
  add(criteria.labelsQuery, (query) => labelsQuery(query))
  add(criteria.resourceType, (types) => (resource) => types.includes(resource.definition.type))
  add(criteria.contentType, (types) => (resource) => {
    const info = attribute(resource, 'contentInfo')
    return typeof info === 'string' && (types.includes(info) || types.includes(info.split(':')[0] as string))
  })
  for (const wanted of byName(criteria.attribute)) conditions.push((resource) => hasOneOf(resource, wanted))
  add(
    criteria.childLabels,
    (wanted) => (resource, childrenOf) => some(childrenOf(resource), (child) => hasLabel(child, wanted)),
  )
  add(
    criteria.childResourceType,
    (types) => (resource, childrenOf) => some(childrenOf(resource), (child) => types.includes(child.definition.type)),
  )
  for (const wanted of byName(criteria.childAttribute))
    conditions.push((resource, childrenOf) => some(childrenOf(resource), (child) => hasOneOf(child, wanted)))
  add(
    criteria.parentLabels,
    (wanted) =>
      ({ parent }) =>
        parent !== undefined && hasLabel(parent, wanted),
  )
  add(
    criteria.parentResourceType,
    (types) =>
      ({ parent }) =>
        parent !== undefined && types.includes(parent.definition.type),
  )
  for (const wanted of byName(criteria.parentAttribute))
    conditions.push(({ parent }) => parent !== undefined && hasOneOf(parent, wanted))
  add(criteria.contentFilterQuery, (query) => {
    const isIn = jsonPath(query, 'fc.cfq')
    return (resource) => {
      const content = structureOf(attribute(resource, 'content'))
      return content !== undefined && isIn(content)
    }
  })
  const { geometryType = 0, geometry } = criteria
  add(geometry === undefined ? undefined : parseGeometry(geometryType, geometry), (wanted) => (resource) => {
    const location = attribute(resource, 'location') as Location | undefined
    const own = location === undefined ? undefined : parseGeometry(location.locationType, location.coordinates)
    return own !== undefined && relates(own, criteria.geoSpatialFunction ?? 0, wanted)
  })
  return conditions
}

/** A content as what it says: most that is JSON comes as text. */
function structureOf(content: unknown): Json | undefined {
  if (typeof content !== 'string') return content as Json | undefined
  try {
    return JSON.parse(content) as Json
  } catch {
    return content
  }
}

function some(resources: Iterable<ResourceView>, holds: (resource: ResourceView) => boolean): boolean {
  for (const resource of resources) if (holds(resource)) return true
  return false
}

/**
 * Over HTTP the name of an attribute is the tag of its condition (TS-0009 6.2.2.2): several values of one name are alternatives, several names
 * are different conditions.
 */
export function byName(conditions: readonly AttributeCondition[] = []): readonly (readonly AttributeCondition[])[] {
  const names = new Set(conditions.map(({ name }) => name))
  return [...names].map((wanted) => conditions.filter(({ name }) => name === wanted))
}

function hasOneOf(resource: ResourceView, wanted: readonly AttributeCondition[]): boolean {
  return wanted.some((condition) => hasAttribute(resource, condition))
}

function labelsOf(resource: ResourceView): readonly string[] {
  return (resource.attributes['labels'] as readonly string[] | undefined) ?? []
}

function hasLabel(resource: ResourceView, wanted: readonly string[]): boolean {
  return labelsOf(resource).some((label) => wanted.includes(label))
}

/** One attribute condition: equality, where `*` in a text stands for anything. Lists match when one of their values does. */
function hasAttribute(resource: ResourceView, { name, value }: AttributeCondition): boolean {
  const { definition, attributes } = resource
  const long = definition.byShortName.get(name) ?? name
  if (!definition.table.has(long)) return false
  const own = Object.values(encodeAttributes(definition, readable(definition, attributes), new Set([long])))[0]
  if (own === undefined) return false
  return (Array.isArray(own) ? own : [own]).some((item: Json) => isEqual(item, value))
}

function isEqual(own: Json, wanted: Json): boolean {
  if (typeof wanted === 'string' && wanted.includes('*')) {
    const pattern = wanted.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
    return new RegExp(`^${pattern.join('[^]*')}$`).test(typeof own === 'string' ? own : JSON.stringify(own))
  }
  // HTTP carries every value as text.
  return own === wanted || (typeof own !== 'object' && typeof wanted === 'string' && String(own) === wanted)
}

/** labelsQuery: `key`, `NT key`, `key EQ v`, `key NE v`, `key IN (a,b)`, `key NI (a,b)` on labels written `key:value`. */
function labelsQuery(query: string): Condition {
  const match = /^\s*(?:(NT)\s+(\S+)|(\S+?)(?:\s+(EQ|NE|IN|NI)\s+(.+?))?)\s*$/.exec(query)
  if (match === null)
    throw refused('fc.lbq', query, 'KEY, NT KEY, KEY EQ VALUE, KEY NE VALUE, KEY IN (A,B) or KEY NI (A,B)')
  const [, negation, absentKey, key = '', operator, operand = ''] = match
  const values = (resource: ResourceView, wanted: string) =>
    labelsOf(resource)
      .filter((label) => label === wanted || label.startsWith(`${wanted}:`))
      .map((label) => label.slice(wanted.length + 1))
  if (negation !== undefined) return (resource) => values(resource, absentKey as string).length === 0
  if (operator === undefined) return (resource) => values(resource, key).length > 0
  const isList = operator === 'IN' || operator === 'NI'
  if (isList && !/^\([^()]+\)$/.test(operand)) throw refused('fc.lbq', query, `${key} ${operator} (A,B)`)
  const wanted = isList
    ? operand
        .slice(1, -1)
        .split(',')
        .map((item) => item.trim())
    : [operand]
  const isPositive = operator === 'EQ' || operator === 'IN'
  return (resource) => {
    const own = values(resource, key)
    return own.length > 0 && own.some((value) => wanted.includes(value)) === isPositive
  }
}
