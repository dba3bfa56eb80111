/**
 * How a resource type is described: one table of attributes, its place among the others, and its behaviour. Reading a resource from the
 * wire, checking it and writing it follow from the table and are here, once, for all types.
 */

import { type AttributeType, isUnset, refused } from '../onem2m/attribute-type.ts'
import type { Json, JsonObject } from '../onem2m/content.ts'
import { OneM2MError, type ResponseStatusCode, Status } from '../onem2m/status.ts'
import type { Behaviour } from './behaviour.ts'
import { type CommonAttributeName, commonAttributes, universalAttributes } from './common-attribute.ts'

/** Mandatory, optional, not permitted; in a CREATE or an UPDATE request. */
export type Presence = 'M' | 'O' | 'NP'
/** Mandatory, optional, not announced. */
export type Announcement = 'MA' | 'OA' | 'NA'

export interface AttributeDefinition<T = unknown> {
  readonly short: string
  readonly type: AttributeType<T>
  readonly create: Presence
  readonly update: Presence
  readonly announce: Announcement
  /** Multiplicity 1: an UPDATE may not delete it with null. */
  readonly isPermanent: boolean
}

/** One row of an attribute table. Mandatory attributes are permanent; pass `true` for others of multiplicity 1. */
export function attribute<T>(
  short: string,
  type: AttributeType<T>,
  create: Presence,
  update: Presence,
  announce: Announcement,
  isPermanent: boolean = create === 'M',
): AttributeDefinition<T> {
  return { short, type, create, update, announce, isPermanent }
}

export type AttributeTable = Readonly<Record<string, AttributeDefinition>>
/** Attribute values under their long names. Universal and common attributes are text, numbers and lists of text. */
export type Attributes = Readonly<Record<string, unknown>>
type Value<D> = D extends AttributeDefinition<infer T> ? T : never
export type AttributesOf<D extends { readonly attributes: AttributeTable }> = Attributes & {
  readonly [K in keyof D['attributes']]?: Value<D['attributes'][K]>
}

export interface ResourceTypeDescription {
  /** TS-0004 6.3.4.2.1. */
  readonly type: number
  /** The standard's name: `contentInstance`. */
  readonly name: string
  /** Member name on the wire: `m2m:cin`. */
  readonly memberName: string
  /** Where the standard describes it. */
  readonly clause: string
  /** Universal attributes that this type lacks. */
  readonly lacks?: readonly string[]
  readonly common: readonly CommonAttributeName[]
  readonly attributes: AttributeTable
  /** Types of the resources that it may be a child of. */
  readonly parents: readonly number[]
  /** Types of its children that do not name it among their parents: a new type lists those that were there before it. */
  readonly children?: readonly number[]
  /** One of several types with this number; the member name of a request's content tells which. */
  readonly isSpecialized?: boolean
  /** It shows a resource of another CSE. */
  readonly isAnnounced?: boolean
  /** Nobody but its originator sees it, whatever `access.unprotected` says. */
  readonly isPrivate?: boolean
  /** Names of its virtual children: `la`, `ol`, `fopt`, `pcu`. */
  readonly virtualChildren?: readonly string[]
  /** Resources of this type are instances: kept on disk in sequence below their parent, never in memory, never changed. */
  readonly isInstance?: boolean
  /** Of an instance: no two of one parent have the same value of this attribute. */
  readonly uniqueAttribute?: string
  /** The type of the instances that it keeps, with maxNrOfInstances and the like. */
  readonly instanceDefinition?: ResourceType
  /** The status of a request whose content has a member that names no resource type; BAD_REQUEST unless said. */
  readonly unknownSpecialization?: (content: JsonObject) => ResponseStatusCode
  readonly behaviour?: Behaviour
}

export interface ResourceType extends ResourceTypeDescription {
  /** Universal, common and own attributes, in the order in which they are written. */
  /** The part of its member name that is its own: `cin`. */
  readonly shortName: string
  readonly table: ReadonlyMap<string, AttributeDefinition>
  readonly byShortName: ReadonlyMap<string, string>
  /** Attributes that a CREATE must give. */
  readonly mandatory: readonly (readonly [name: string, definition: AttributeDefinition])[]
  readonly hasAccessControlPolicies: boolean
  readonly hasExpirationTime: boolean
  /** Some of its attributes are written and not read. */
  readonly hasSecrets: boolean
}

/** Completes a description; `D` keeps the table's literal type, so that `AttributesOf<typeof container>` is typed. */
export function defineResourceType<const D extends ResourceTypeDescription>(description: D): D & ResourceType {
  const table = new Map<string, AttributeDefinition>()
  const add = (name: string, definition: AttributeDefinition | undefined) => {
    if (definition !== undefined) table.set(name, definition)
  }
  for (const [name, definition] of Object.entries(universalAttributes)) {
    if (!description.lacks?.includes(name)) add(name, definition)
  }
  for (const name of description.common) add(name, commonAttributes[name])
  for (const [name, definition] of Object.entries<AttributeDefinition>(description.attributes)) add(name, definition)
  return {
    ...description,
    shortName: description.memberName.slice(description.memberName.indexOf(':') + 1),
    table,
    byShortName: new Map([...table].map(([name, definition]) => [definition.short, name])),
    mandatory: [...table].filter(([, { create }]) => create === 'M'),
    hasAccessControlPolicies: table.has('accessControlPolicyIds'),
    hasExpirationTime: table.has('expirationTime'),
    hasSecrets: [...table.values()].some(({ type }) => type.conceal !== undefined),
  }
}

/** Attributes that a CREATE request sets, read and checked (TS-0004 7.3.3.1 to 7.3.3.3). Throws BAD_REQUEST naming the attribute. */
export function decodeForCreate(type: ResourceType, wire: JsonObject): Record<string, unknown> {
  const attributes: Record<string, unknown> = {}
  for (const short in wire) {
    const value = wire[short] as Json
    const name = type.byShortName.get(short)
    if (name === undefined) {
      // Nobody's creator can be asked for where there is none: TS-0004 7.4.1.
      if (isUnset(value) && short !== 'cr') continue
      throw refused(short, value, `an attribute of ${type.name} (${type.memberName})`)
    }
    const definition = type.table.get(name) as AttributeDefinition
    if (name === 'creator') {
      // TS-0004 7.4.1: a creator may only be asked for, with null; the hosting CSE fills in the originator.
      if (value !== null) throw refused(short, value, 'null: the CSE sets the creator')
      attributes['creator'] = null
      continue
    }
    if (isAbsent(value, definition)) continue
    if (definition.create === 'NP') throw refused(short, value, 'nothing: the CSE sets this attribute')
    attributes[name] = definition.type.decode(value, short)
  }
  for (const [name, { short, type: expected }] of type.mandatory) {
    if (attributes[name] === undefined) throw refused(short, undefined, `${expected.name}: it is mandatory`)
  }
  const announced = announceable(type, attributes['announcedAttribute'])
  if (announced === undefined) delete attributes['announcedAttribute']
  else attributes['announcedAttribute'] = announced
  return attributes
}

/**
 * What announcedAttribute keeps of the attributes that it names, by short or long name: those whose announcement is for it to decide
 * (TS-0001 9.6.26.1), or nothing at all. Throws BAD_REQUEST for what is no attribute of the type.
 */
function announceable(type: ResourceType, names: unknown): readonly string[] | undefined {
  if (names === undefined) return undefined
  const kept = (names as readonly string[]).filter((name) => {
    const definition = type.table.get(type.byShortName.get(name) ?? name)
    if (definition === undefined) throw refused('aa', name, `attributes of ${type.name}`)
    return definition.announce === 'OA'
  })
  return kept.length === 0 ? undefined : kept
}

/** null is absence; [] too, but for a list that must be there and where any value is content. */
function isAbsent(value: Json | undefined, { create, type }: AttributeDefinition): boolean {
  if (value === null || value === undefined) return true
  return isUnset(value) && create !== 'M' && type.takesEmptyList !== true
}

/** What an UPDATE request changes: new values, and `undefined` for attributes that null deletes. Throws BAD_REQUEST. */
export function decodeForUpdate(type: ResourceType, wire: JsonObject): Map<string, unknown> {
  const changes = new Map<string, unknown>()
  for (const short in wire) {
    const value = wire[short] as Json
    const name = type.byShortName.get(short)
    if (name === undefined) throw refused(short, value, `an attribute of ${type.name} (${type.memberName})`)
    const definition = type.table.get(name) as AttributeDefinition
    if (definition.update === 'NP') throw refused(short, value, 'nothing: this attribute may not be changed')
    if (value === null || (isUnset(value) && !definition.isPermanent)) {
      if (definition.isPermanent) throw refused(short, value, `${definition.type.name}: it may not be deleted`)
      changes.set(name, undefined)
    } else {
      changes.set(name, definition.type.decode(value, short))
    }
  }
  if (changes.has('announcedAttribute'))
    changes.set('announcedAttribute', announceable(type, changes.get('announcedAttribute')))
  return changes
}

/** The attributes in wire form, in table order; `only` restricts to some long names. */
export function encodeAttributes(
  type: ResourceType,
  attributes: Attributes,
  only?: ReadonlySet<string>,
): Record<string, Json> {
  const wire: Record<string, Json> = {}
  for (const [name, definition] of type.table) {
    const value = attributes[name]
    if (value === undefined || (only !== undefined && !only.has(name))) continue
    wire[definition.short] = definition.type.encode === undefined ? (value as Json) : definition.type.encode(value)
  }
  return wire
}

/** The attributes as they may be read. */
export function readable(type: ResourceType, attributes: Attributes): Attributes {
  if (!type.hasSecrets) return attributes
  const shown: Record<string, unknown> = { ...attributes }
  for (const [name, { type: valueType }] of type.table)
    if (valueType.conceal !== undefined && shown[name] !== undefined) shown[name] = valueType.conceal(shown[name])
  return shown
}

/** Attributes from their stored wire form, which was checked when it was written. */
export function decodeStored(type: ResourceType, wire: JsonObject): Attributes {
  const attributes: Record<string, unknown> = {}
  for (const short in wire) {
    const name = type.byShortName.get(short)
    const definition = name === undefined ? undefined : type.table.get(name)
    if (name !== undefined && definition !== undefined)
      attributes[name] = definition.type.decode(wire[short] as Json, short)
  }
  return attributes
}

/** Whether the standard has a child of that type below such a parent. */
export function canContain(parent: ResourceType, child: ResourceType): boolean {
  return child.parents.includes(parent.type) || parent.children?.includes(child.type) === true
}

/** The type that a request means: by its number and, among specializations, by the member name of its content. */
export function specialization(
  byMemberName: ReadonlyMap<string, ResourceType>,
  representative: ResourceType,
  content: JsonObject | undefined,
): ResourceType {
  if (representative.isSpecialized !== true) return representative
  const memberName = Object.keys(content ?? {})[0]
  const type = memberName === undefined ? undefined : byMemberName.get(memberName)
  if (type?.type === representative.type) return type
  const { message } = refused('pc', memberName, `a member that names a specialization of type ${representative.type}`)
  const isUnknown = content !== undefined && type === undefined
  throw new OneM2MError((isUnknown && representative.unknownSpecialization?.(content)) || Status.BAD_REQUEST, message)
}

/** The one member of a primitive's content and its name, whose type must be `expected`. */
export function contentMember(content: JsonObject | undefined, expected: ResourceType): JsonObject {
  if (content === undefined)
    throw new OneM2MError(Status.BAD_REQUEST, `pc: missing, expected an object with the member ${expected.memberName}`)
  const names = Object.keys(content)
  const name = names[0]
  const value = name === undefined ? undefined : content[name]
  if (names.length !== 1 || name !== expected.memberName)
    throw refused('pc', names, `one member named ${expected.memberName}`)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refused(`pc.${name}`, value, 'an object')
  return value as JsonObject
}
