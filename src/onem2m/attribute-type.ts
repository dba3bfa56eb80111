/**
 * The value types that attribute tables are made of (TS-0004 6.3.2 to 6.3.5): how a value is checked and read from the wire, and how it
 * is written. A value type knows nothing of resources; it throws BAD_REQUEST naming the place, what came and what was expected.
 */

import { isJsonObject, type Json, type JsonObject } from './content.ts'
import { OneM2MError, Status } from './status.ts'
import { parseAbsoluteOrRelative, parseDuration, parseTimestamp } from './timestamp.ts'

export interface AttributeType<T> {
  /** What a requester is told that was expected, and what the tables in docs/ print. */
  readonly name: string
  decode(wire: Json, where: string): T
  /** Absent where the value is its own wire form. */
  encode?(value: T): Json
  readonly isList?: boolean
  /** [] is a value as any other, and does not stand for absence. */
  readonly takesEmptyList?: boolean
  /** What may be read of a value that is written and not read; undefined where nothing may. Absent where all may. */
  conceal?(value: T): T | undefined
}

/** The TypeScript type of the values of an attribute type. */
export type ValueOf<A> = A extends AttributeType<infer T> ? T : never

/** BAD_REQUEST with the text that every refused value gets. */
export function refused(where: string, got: unknown, expected: string): OneM2MError {
  const text = JSON.stringify(got) ?? 'nothing'
  return new OneM2MError(
    Status.BAD_REQUEST,
    `${where}: got ${text.length > 80 ? `${text.slice(0, 77)}...` : text}, expected ${expected}`,
  )
}

function accepting<T extends Json>(name: string, accepts: (wire: Json) => boolean): AttributeType<T> {
  return {
    name,
    decode(wire, where) {
      if (!accepts(wire)) throw refused(where, wire, name)
      return wire as T
    },
  }
}

export const text = accepting<string>('a string', (wire) => typeof wire === 'string')
export const nonEmptyText = accepting<string>('a non-empty string', (wire) => typeof wire === 'string' && wire !== '')
export const boolean = accepting<boolean>('true or false', (wire) => typeof wire === 'boolean')
export const integer = accepting<number>('an integer', (wire) => Number.isSafeInteger(wire))
export const nonNegativeInteger = accepting<number>(
  'a non-negative integer',
  (wire) => Number.isSafeInteger(wire) && (wire as number) >= 0,
)
export const positiveInteger = accepting<number>(
  'a positive integer',
  (wire) => Number.isSafeInteger(wire) && (wire as number) > 0,
)
export const float = accepting<number>('a number', (wire) => typeof wire === 'number' && Number.isFinite(wire))
/** Any JSON value but null: contentInstance's content, TS-0004 7.4.7 ("anySimpleType", objects and lists tolerated). */
export const anyJson: AttributeType<Json> = {
  ...accepting<Json>('a JSON value', (wire) => wire !== null),
  takesEmptyList: true,
}
export const anyObject = accepting<JsonObject>('an object', isJsonObject)
export const timestamp = accepting<string>(
  'a time stamp as YYYYMMDDThhmmss',
  (wire) => typeof wire === 'string' && parseTimestamp(wire) !== undefined,
)
export const absoluteOrRelativeTimestamp = accepting<string>(
  'a time stamp as YYYYMMDDThhmmss, or milliseconds from now as digits',
  (wire) => typeof wire === 'string' && parseAbsoluteOrRelative(wire, 0) !== undefined,
)
export const durationText = accepting<string>(
  'an ISO 8601 duration such as PT30S',
  (wire) => typeof wire === 'string' && parseDuration(wire) !== undefined,
)
/** A resource name or identifier segment: RFC 3986 unreserved characters only. */
export const resourceName = accepting<string>(
  'a name of letters, digits, "-", ".", "_" and "~"',
  (wire) => typeof wire === 'string' && isResourceName(wire),
)
/** An identifier in any of its forms, or a URI: no white space. */
export const identifier = accepting<string>(
  'an identifier',
  (wire) => typeof wire === 'string' && wire !== '' && !/\s/.test(wire),
)

/** `<media type>:<encoding>[:<security>]`, TS-0004 6.3.3: encoding 0 plain, 1 base64 of text, 2 base64 of bytes. */
export const contentInfo = accepting<string>(
  'content information as <media type>:<0|1|2>[:<0-5>]',
  (wire) => typeof wire === 'string' && /^[\w.+-]+\/[\w.+-]+(;[^:]*)?:[0-2](:[0-5])?$/.test(wire),
)

/** A serialisation by its media type, TS-0004 6.3.4: also those that are not spoken here. */
export const mediaType = accepting<string>(
  'a media type such as application/json or application/cbor',
  (wire) => typeof wire === 'string' && /^application\/(?:vnd\.onem2m-[a-z]+\+)?(?:json|xml|cbor)$/.test(wire),
)

const name = /^[A-Za-z0-9._~-]+$/

export function isResourceName(value: string): boolean {
  return name.test(value)
}

/** One of a set of numbers, TS-0004 6.3.4. */
export function enumeration<const V extends number>(expected: string, ...values: readonly V[]): AttributeType<V> {
  return accepting<V>(expected, (wire) => values.includes(wire as V))
}

/** A list; a single value that is not a list is refused (TS-0004 8.4: lists are always arrays in JSON). */
export function listOf<T>(item: AttributeType<T>): AttributeType<readonly T[]> {
  const expected = `a list of: ${item.name}`
  const encodeItem = item.encode?.bind(item)
  const decode = (wire: Json, where: string): readonly T[] => {
    if (!Array.isArray(wire)) throw refused(where, wire, expected)
    return wire.map((value: Json, index) => item.decode(value, `${where}[${index}]`))
  }
  return encodeItem === undefined
    ? { name: expected, isList: true, decode }
    : { name: expected, isList: true, decode, encode: (values) => values.map((value) => encodeItem(value)) }
}

/** A list that is absent rather than empty (TS-0004 6.3.3, listNE). */
export function nonEmptyListOf<T>(item: AttributeType<T>): AttributeType<readonly T[]> {
  const list = listOf(item)
  return {
    ...list,
    takesEmptyList: true,
    decode(wire, where) {
      if (isUnset(wire)) throw refused(where, wire, `${list.name}, at least one`)
      return list.decode(wire, where)
    },
  }
}

export interface Member<T, Required extends boolean = boolean> {
  readonly short: string
  readonly aliases: readonly string[]
  readonly type: AttributeType<T>
  readonly isRequired: Required
}

/** A member of a complex type that may be absent. */
export function optional<T>(short: string, type: AttributeType<T>, ...aliases: string[]): Member<T, false> {
  return { short, type, aliases, isRequired: false }
}

/** A member of a complex type that must be there. */
export function required<T>(short: string, type: AttributeType<T>, ...aliases: string[]): Member<T, true> {
  return { short, type, aliases, isRequired: true }
}

type Members = Readonly<Record<string, Member<unknown>>>
type RequiredNames<M extends Members> = { [K in keyof M]: M[K] extends Member<unknown, true> ? K : never }[keyof M]
type MemberValue<P> = P extends Member<infer T> ? T : never
export type ObjectOf<M extends Members> = {
  readonly [K in RequiredNames<M>]: MemberValue<M[K]>
} & {
  readonly [K in Exclude<keyof M, RequiredNames<M>>]?: MemberValue<M[K]>
}

/**
 * A complex type (TS-0004 6.3.5): an object with named members, long names inside, short names on the wire. Long names are accepted on
 * the wire as well (OpenMTC sends them inside eventNotificationCriteria); null and [] count as absent.
 */
export function objectOf<const M extends Members>(expected: string, members: M): AttributeType<ObjectOf<M>> {
  const entries = Object.entries(members)
  const byWireName = new Map<string, readonly [string, Member<unknown>]>()
  for (const [long, member] of entries) {
    for (const wireName of [member.short, long, ...member.aliases]) byWireName.set(wireName, [long, member])
  }
  return {
    name: expected,
    decode(wire, where) {
      if (!isJsonObject(wire)) throw refused(where, wire, expected)
      const value: Record<string, unknown> = {}
      for (const [wireName, item] of Object.entries(wire)) {
        const entry = byWireName.get(wireName)
        if (isUnset(item) && (item === null || entry?.[1].type.takesEmptyList !== true)) continue
        if (entry === undefined) throw refused(`${where}.${wireName}`, item, `no such member in ${expected}`)
        value[entry[0]] = entry[1].type.decode(item, `${where}.${wireName}`)
      }
      for (const [long, member] of entries) {
        if (member.isRequired && value[long] === undefined)
          throw refused(`${where}.${member.short}`, wire[member.short], member.type.name)
      }
      return value as ObjectOf<M>
    },
    encode(value) {
      const wire: Record<string, Json> = {}
      for (const [long, member] of entries) {
        const item = (value as Readonly<Record<string, unknown>>)[long]
        if (item === undefined) continue
        wire[member.short] = member.type.encode === undefined ? (item as Json) : member.type.encode(item)
      }
      return wire
    },
  }
}

/** What peers send for "no value": null, and [] where a list is not there. */
export function isUnset(wire: Json | undefined): wire is null | undefined | readonly [] {
  return wire === null || wire === undefined || (Array.isArray(wire) && wire.length === 0)
}
