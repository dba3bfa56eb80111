/** Filter criteria (TS-0004 6.3.5.8): their long names, and how they are read from the wire. Matching them against resources is the CSE's. */

import { isJsonObject, type Json, type JsonObject } from './content.ts'
import { OneM2MError, Status } from './status.ts'
import { parseTimestamp } from './timestamp.ts'

export const FilterUsage = { DISCOVERY: 1, CONDITIONAL: 2, IPE_ON_DEMAND: 3 } as const
export const FilterOperation = { AND: 1, OR: 2, XOR: 3 } as const

/** One attribute condition; the name is a short name as on the wire, the value may hold `*` wildcards. */
export interface AttributeCondition {
  readonly name: string
  readonly value: Json
}

export interface FilterCriteria {
  readonly createdBefore?: string
  readonly createdAfter?: string
  readonly modifiedSince?: string
  readonly unmodifiedSince?: string
  readonly stateTagSmaller?: number
  readonly stateTagBigger?: number
  readonly expireBefore?: string
  readonly expireAfter?: string
  readonly labels?: readonly string[]
  readonly childLabels?: readonly string[]
  readonly parentLabels?: readonly string[]
  readonly labelsQuery?: string
  readonly resourceType?: readonly number[]
  readonly childResourceType?: readonly number[]
  readonly parentResourceType?: readonly number[]
  readonly sizeAbove?: number
  readonly sizeBelow?: number
  readonly contentType?: readonly string[]
  readonly attribute?: readonly AttributeCondition[]
  readonly childAttribute?: readonly AttributeCondition[]
  readonly parentAttribute?: readonly AttributeCondition[]
  readonly semanticsFilter?: readonly string[]
  readonly contentFilterSyntax?: number
  readonly contentFilterQuery?: string
  readonly geometryType?: number
  readonly geoSpatialFunction?: number
  /** Coordinates as JSON text. */
  readonly geometry?: string
  readonly filterUsage?: number
  readonly filterOperation?: number
  readonly limit?: number
  readonly level?: number
  readonly offset?: number
  readonly applyRelativePath?: string
  readonly operations?: number
}

type Kind = 'time' | 'integer' | 'text' | 'texts' | 'integers' | 'conditions' | 'geometry'

/** Long name, short name, kind of value. TS-0004 table 6.3.5.8-1. */
export const filterMembers: ReadonlyArray<readonly [keyof FilterCriteria, string, Kind]> = [
  ['createdBefore', 'crb', 'time'],
  ['createdAfter', 'cra', 'time'],
  ['modifiedSince', 'ms', 'time'],
  ['unmodifiedSince', 'us', 'time'],
  ['stateTagSmaller', 'sts', 'integer'],
  ['stateTagBigger', 'stb', 'integer'],
  ['expireBefore', 'exb', 'time'],
  ['expireAfter', 'exa', 'time'],
  ['labels', 'lbl', 'texts'],
  ['childLabels', 'clbl', 'texts'],
  ['parentLabels', 'palb', 'texts'],
  ['labelsQuery', 'lbq', 'text'],
  ['resourceType', 'ty', 'integers'],
  ['childResourceType', 'chty', 'integers'],
  ['parentResourceType', 'pty', 'integers'],
  ['sizeAbove', 'sza', 'integer'],
  ['sizeBelow', 'szb', 'integer'],
  ['contentType', 'cty', 'texts'],
  ['attribute', 'atr', 'conditions'],
  ['childAttribute', 'catr', 'conditions'],
  ['parentAttribute', 'patr', 'conditions'],
  ['semanticsFilter', 'smf', 'texts'],
  ['contentFilterSyntax', 'cfs', 'integer'],
  ['contentFilterQuery', 'cfq', 'text'],
  ['geometryType', 'gmty', 'integer'],
  ['geoSpatialFunction', 'gsf', 'integer'],
  ['geometry', 'geom', 'geometry'],
  ['filterUsage', 'fu', 'integer'],
  ['filterOperation', 'fo', 'integer'],
  ['limit', 'lim', 'integer'],
  ['level', 'lvl', 'integer'],
  ['offset', 'ofst', 'integer'],
  ['applyRelativePath', 'arp', 'text'],
  ['operations', 'ops', 'integer'],
]

const byShortName = new Map(filterMembers.map((member) => [member[1], member]))

/**
 * Filter criteria from their wire form. Members that are null or [] count as absent, a single value stands for a list of one,
 * and numbers may be written as text (peers do all three). Throws BAD_REQUEST naming the member, what came and what was expected.
 */
export function decodeFilterCriteria(wire: unknown): FilterCriteria {
  const value = typeof wire === 'string' ? parseJson(wire) : wire
  if (!isJsonObject(value)) throw bad('fc', wire, 'an object')
  const criteria: Record<string, unknown> = {}
  for (const [short, member] of Object.entries(value)) {
    if (member === null || (Array.isArray(member) && member.length === 0)) continue
    const row = byShortName.get(short)
    if (row === undefined) throw bad(`fc.${short}`, member, 'a filter criteria member')
    criteria[row[0]] = decodeMember(row[2], `fc.${short}`, member)
  }
  return criteria
}

/** The wire form of filter criteria. */
export function encodeFilterCriteria(criteria: FilterCriteria): JsonObject {
  const wire: Record<string, Json> = {}
  for (const [long, short, kind] of filterMembers) {
    const value = criteria[long]
    if (value === undefined) continue
    wire[short] =
      kind === 'conditions'
        ? (value as readonly AttributeCondition[]).map((condition) => ({ nm: condition.name, val: condition.value }))
        : (value as Json)
  }
  return wire
}

function decodeMember(kind: Kind, where: string, value: Json): unknown {
  switch (kind) {
    case 'integer':
      return integer(where, value)
    case 'time':
      if (typeof value !== 'string' || parseTimestamp(value) === undefined) throw bad(where, value, 'a time stamp')
      return value
    case 'text':
      if (typeof value !== 'string') throw bad(where, value, 'a string')
      return value
    case 'geometry':
      return typeof value === 'string' ? value : JSON.stringify(value)
    case 'integers':
      return list(value).map((item) => integer(where, item))
    case 'texts':
      return list(value).map((item) => {
        if (typeof item !== 'string') throw bad(where, item, 'a string')
        return item
      })
    case 'conditions':
      return list(value).map((item) => {
        if (!isJsonObject(item) || typeof item['nm'] !== 'string' || item['val'] === undefined)
          throw bad(where, item, 'an object with nm and val')
        return { name: item['nm'], value: item['val'] }
      })
  }
}

function list(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : [value]
}

function integer(where: string, value: Json): number {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0)
    throw bad(where, value, 'a non-negative integer')
  return number
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function bad(where: string, got: unknown, expected: string): OneM2MError {
  return new OneM2MError(Status.BAD_REQUEST, `${where}: got ${JSON.stringify(got)?.slice(0, 80)}, expected ${expected}`)
}
