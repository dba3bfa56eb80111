/** What of a result the originator gets: result content (TS-0004 7.3.3.5, 7.5.2), partial retrieve, identifiers in the desired form. */

import { isUnset, refused } from '../onem2m/attribute-type.ts'
import { type Content, type Json, type JsonObject, JsonText } from '../onem2m/content.ts'
import { type DesiredIdentifierResultType, ResultContent } from '../onem2m/primitive.ts'
import type { ResourceView } from '../resources/behaviour.ts'
import { encodeAttributes, readable } from '../resources/resource-type.ts'
import type { Execution } from './execution.ts'
import { Resource, type StoredInstance } from './resource.ts'

/** All attributes of a resource. */
export function attributesContent(execution: Execution, resource: Resource | StoredInstance): JsonText {
  return new JsonText(`{"${resource.definition.memberName}":${completeText(execution, resource)}}`)
}

/** The attributes that may be read as JSON text, with those computed at each retrieve. */
export function completeText(execution: Execution, resource: Resource | StoredInstance): string {
  const { definition } = resource
  const text = definition.hasSecrets
    ? JSON.stringify(encodeAttributes(definition, readable(definition, resource.attributes)))
    : resource.wireText
  const computed = definition.behaviour?.computed
  if (computed === undefined) return text
  const more = JSON.stringify(encodeAttributes(definition, computed(resource, execution)))
  return more === '{}' ? text : `${text.slice(0, -1)},${more.slice(1)}`
}

/** Some attributes, named as on the wire. Throws BAD_REQUEST for names the type does not have. */
export function partialContent(
  execution: Execution,
  resource: Resource | StoredInstance,
  names: readonly string[],
): JsonObject {
  const { definition } = resource
  const all = JSON.parse(completeText(execution, resource)) as Record<string, Json>
  const wanted: Record<string, Json> = {}
  for (const name of names) {
    const short = definition.byShortName.has(name) ? name : definition.table.get(name)?.short
    if (short === undefined) throw refused('atrl', name, `an attribute of ${definition.name}`)
    if (all[short] !== undefined) wanted[short] = all[short]
  }
  return { [definition.memberName]: wanted }
}

/** The content of the response to a CREATE; `asked` are the attributes that the request gave. */
export function creationResult(
  execution: Execution,
  resource: Resource | StoredInstance,
  asked: JsonObject,
): Content | undefined {
  const kind = execution.request.resultContent ?? ResultContent.ATTRIBUTES
  switch (kind) {
    case ResultContent.NOTHING:
      return undefined
    case ResultContent.HIERARCHICAL_ADDRESS:
      return { 'm2m:uri': resource.address }
    case ResultContent.HIERARCHICAL_ADDRESS_AND_ATTRIBUTES:
      return {
        'm2m:rce': {
          uri: resource.address,
          [resource.definition.memberName]: JSON.parse(completeText(execution, resource)) as JsonObject,
        },
      }
    case ResultContent.MODIFIED_ATTRIBUTES:
      return differing(resource, JSON.parse(completeText(execution, resource)) as JsonObject, asked)
    default:
      return attributesContent(execution, resource)
  }
}

/** The content of the response to an UPDATE; `modified` are the long names of what changed. */
export function updateResult(
  execution: Execution,
  resource: Resource,
  asked: JsonObject,
  modified: ReadonlySet<string>,
): Content | Resource | undefined {
  const kind = execution.request.resultContent ?? ResultContent.ATTRIBUTES
  if (kind === ResultContent.NOTHING) return undefined
  if (kind === ResultContent.ATTRIBUTES) return resource
  const now: Record<string, Json> = encodeAttributes(resource.definition, resource.attributes, modified)
  for (const [short, value] of Object.entries(asked)) if (value === null) now[short] = null
  return differing(resource, now, asked)
}

/** TS-0004 7.5.2, modified attributes: only what differs from the request, null for what is not there, and nothing at all when nothing does. */
function differing(resource: ResourceView, now: JsonObject, asked: JsonObject): Content | undefined {
  const wire: Record<string, Json> = {}
  for (const [short, value] of Object.entries(now)) {
    if (JSON.stringify(asked[short]) !== JSON.stringify(value)) wire[short] = value
  }
  for (const [short, value] of Object.entries(asked)) {
    const name = resource.definition.byShortName.get(short) ?? short
    if (!isUnset(value) && resource.attributes[name] === undefined) wire[short] = null
  }
  return Object.keys(wire).length === 0 ? undefined : { [resource.definition.memberName]: wire }
}

/** An identifier in the form asked for: structured unless `2`. */
export function identifierOf(resource: ResourceView, form: DesiredIdentifierResultType | undefined): string {
  return form === 2 ? resource.resourceIdentifier : resource.address
}

/** A child reference, TS-0004 6.3.5.29. */
export function referenceTo(
  resource: ResourceView,
  form: DesiredIdentifierResultType | undefined,
  prefix = '',
): JsonObject {
  return { nm: resource.name, typ: resource.definition.type, val: prefix + identifierOf(resource, form) }
}

/** A descendant with its place: what a nested result is put together from. */
export interface Descendant {
  readonly resource: Resource | StoredInstance
  readonly level: number
}

/**
 * Descendants nested below `root` as arrays under their member names, TS-0004 7.5.2 (rcn 4 and 8). What was found without its parent stands
 * below the nearest of its ancestors that are shown.
 */
export function nest(
  execution: Execution,
  root: Resource | StoredInstance,
  descendants: readonly Descendant[],
  withAttributes: boolean,
): JsonObject {
  const top: Record<string, Json> = withAttributes ? (JSON.parse(completeText(execution, root)) as JsonObject) : {}
  const wires = new Map<ResourceView, Record<string, Json>>([[root, top]])
  for (const { resource } of descendants)
    wires.set(resource, { ...(JSON.parse(completeText(execution, resource)) as JsonObject) })
  for (const { resource } of descendants) {
    const wire = wires.get(resource) as Record<string, Json>
    const parentWire = nearest(wires, resource.parent as ResourceView) ?? top
    const member = resource.definition.memberName
    const siblings = (parentWire[member] as Json[] | undefined) ?? []
    siblings.push(wire)
    parentWire[member] = siblings
  }
  return { [root.definition.memberName]: top }
}

function nearest<W>(wires: ReadonlyMap<ResourceView, W>, resource: ResourceView): W | undefined {
  for (let at: ResourceView | undefined = resource; at !== undefined; at = at.parent) {
    const wire = wires.get(at)
    if (wire !== undefined) return wire
  }
  return undefined
}

export function isStructure(resource: Resource | StoredInstance): resource is Resource {
  return resource instanceof Resource
}
