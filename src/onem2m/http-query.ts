/** The query string of a oneM2M request (TS-0009 6.2.2.2): arguments for parameters and filter criteria, and any other name as an attribute. */

import type { Json, JsonObject } from './content.ts'
import { encodeFilterCriteria, filterMembers } from './filter-criteria.ts'
import type { RequestPrimitive } from './primitive.ts'
import { OneM2MError, Status } from './status.ts'

/** Query argument, which is the short name too, and long name. `rt` is written on its own. */
const queryParameters = [
  ['rp', 'resultPersistence'],
  ['rcn', 'resultContent'],
  ['da', 'deliveryAggregation'],
  ['drt', 'desiredIdentifierResultType'],
  ['rids', 'roleIds'],
  ['tids', 'tokenIds'],
  ['ltids', 'localTokenIds'],
  ['tqi', 'tokenRequestIndicator'],
  ['sqi', 'semanticQueryIndicator'],
] as const

const listArguments: ReadonlySet<string> = new Set([
  'rids',
  'tids',
  'ltids',
  ...filterMembers.filter(([, , kind]) => kind.endsWith('s')).map(([, short]) => short),
])
const primitiveArguments: ReadonlySet<string> = new Set([...queryParameters.map(([name]) => name), 'asi', 'auri'])
/** Attribute conditions never appear under their own name: theirs is the attribute's. */
const filterArguments: ReadonlySet<string> = new Set(
  filterMembers.filter(([, , kind]) => kind !== 'conditions').map(([, short]) => short),
)

/** Adds what a query string says to the wire members of a request. Throws BAD_REQUEST on broken percent-encoding. */
export function readQuery(query: string, wire: Record<string, Json>): void {
  const criteria: Record<string, Json> = {}
  const conditions = (member: string): JsonObject[] => {
    criteria[member] ??= []
    return criteria[member] as JsonObject[]
  }
  for (const field of query.split('&')) {
    if (field === '') continue
    const equals = field.indexOf('=')
    const name = percentDecoded(equals < 0 ? field : field.slice(0, equals), 'query')
    const raw = equals < 0 ? '' : field.slice(equals + 1)
    const value = percentDecoded(raw.replaceAll('+', ' '), name)
    if (name === 'rt') wire['rt'] = { rtv: value }
    else if (name === 'atrl') wire['pc'] = { 'm2m:atrl': value }
    else if (primitiveArguments.has(name) || filterArguments.has(name)) {
      const members = primitiveArguments.has(name) ? wire : criteria
      members[name] = listArguments.has(name)
        ? [
            ...((members[name] as readonly Json[] | undefined) ?? []),
            ...(name === 'smf' ? [value] : listItems(name, raw)),
          ]
        : value
    } else if (/^[cp]\./.test(name))
      conditions(name.startsWith('c') ? 'catr' : 'patr').push({ nm: name.slice(2), val: value })
    else conditions('atr').push({ nm: name, val: value })
  }
  for (const _ in criteria) {
    wire['fc'] = criteria
    return
  }
}

/** `+` stands between the values of a list; an encoded plus or space belongs to a value. */
function listItems(name: string, raw: string): string[] {
  return raw
    .split('+')
    .map((item) => percentDecoded(item, name))
    .filter((item) => item !== '')
}

/** The query string for a request, without the question mark; empty when it needs none. */
export function encodeQuery(request: RequestPrimitive): string {
  const fields: string[] = []
  const add = (name: string, value: unknown) => {
    const items = Array.isArray(value) ? value : [value]
    fields.push(`${percentEncoded(name)}=${items.map((item) => percentEncoded(String(item))).join('+')}`)
  }
  if (request.responseType !== undefined) add('rt', request.responseType.responseTypeValue)
  for (const [name, long] of queryParameters) if (request[long] !== undefined) add(name, request[long])
  if (request.attributeList !== undefined) add('atrl', request.attributeList)
  const criteria = encodeFilterCriteria(request.filterCriteria ?? {})
  for (const [short, value] of Object.entries(criteria)) {
    if (filterArguments.has(short)) {
      if (short === 'smf') for (const item of value as readonly string[]) add(short, item)
      else add(short, value)
      continue
    }
    const prefix = short === 'catr' ? 'c.' : short === 'patr' ? 'p.' : ''
    for (const condition of value as readonly JsonObject[])
      add(
        `${prefix}${condition['nm']}`,
        typeof condition['val'] === 'string' ? condition['val'] : JSON.stringify(condition['val']),
      )
  }
  return fields.join('&')
}

/** The text that percent-encoding stands for; throws BAD_REQUEST naming `where`. */
export function percentDecoded(text: string, where: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    throw new OneM2MError(
      Status.BAD_REQUEST,
      `${where}: got ${JSON.stringify(text.slice(0, 60))}, expected valid percent-encoding`,
    )
  }
}

export function percentEncoded(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}
