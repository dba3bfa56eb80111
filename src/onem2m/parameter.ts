/**
 * The parameters of request and response primitives (TS-0004 7.1, 7.2): long name, short name and kind of each, and from this table how
 * primitives are read from the wire, tolerant of what peers are known to send, and how they are written, which is strict.
 */

import { isUnset, refused } from './attribute-type.ts'
import { contentText, isJsonObject, type Json, type JsonObject } from './content.ts'
import { decodeFilterCriteria, encodeFilterCriteria } from './filter-criteria.ts'
import { parseJson, quote } from './json.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive, type ResponseType } from './primitive.ts'
import { OneM2MError, Status } from './status.ts'
import { parseMoment } from './timestamp.ts'

type Decode = (value: Json, short: string) => unknown
/** Long name, short name, how it is read. Rows are in the order in which they are written. */
type Row<Name> = readonly [long: Name, short: string, decode: Decode]

const digits = /^\d{1,15}$/

const identifier: Decode = (value, short) => {
  if (typeof value !== 'string') throw refused(short, value, 'a string')
  return value === '' ? undefined : value
}

/** Some peers send identifiers and versions that look like numbers as numbers. */
const text: Decode = (value, short) => {
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string') throw refused(short, value, 'a string')
  return value === '' ? undefined : value
}

const integer: Decode = (value, short) => {
  const number = typeof value === 'string' && digits.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0)
    throw refused(short, value, 'a non-negative integer')
  return number
}

function integerBetween(least: number, most: number, expected: string): Decode {
  return (value, short) => {
    const number = typeof value === 'string' && digits.test(value) ? Number(value) : value
    if (typeof number !== 'number' || !Number.isInteger(number) || number < least || number > most)
      throw refused(short, value, expected)
    return number
  }
}

const boolean: Decode = (value, short) => {
  if (value === true || value === 'true' || value === 1 || value === '1') return true
  if (value === false || value === 'false' || value === 0 || value === '0') return false
  throw refused(short, value, 'true or false')
}

/** Absolute, or from receipt: milliseconds, or a duration as some peers write it (TS-0004 6.3.3). */
const time: Decode = (value, short) => {
  const written = typeof value === 'number' ? String(value) : value
  if (typeof written !== 'string' || parseMoment(written, 0) === undefined)
    throw refused(short, value, 'a time stamp YYYYMMDDThhmmss, milliseconds from now, or a duration such as PT1H')
  return written
}

const texts: Decode = (value, short) =>
  (Array.isArray(value) ? value : [value]).map((item: Json) => {
    if (typeof item !== 'string') throw refused(short, item, 'a list of strings')
    return item
  })

const responseTypeValue = integerBetween(1, 5, 'a response type value from 1 to 5')

/** An object as in TS-0004 6.3.5.29; a bare number is how release 1 wrote it. An empty list of URIs means something, and is kept. */
const responseType: Decode = (value, short): ResponseType => {
  const { rtv, nu }: JsonObject = isJsonObject(value) ? value : { rtv: value }
  const read = { responseTypeValue: (isUnset(rtv) ? 3 : responseTypeValue(rtv as Json, `${short}.rtv`)) as number }
  return nu === undefined || nu === null
    ? read
    : { ...read, notificationUri: texts(nu, `${short}.nu`) as readonly string[] }
}

const content: Decode = (value, short) => {
  if (!isJsonObject(value)) throw refused(short, value, 'an object with one member, such as {"m2m:cnt": {...}}')
  for (const _ in value) return value
  return undefined
}

const filterCriteria: Decode = (value) => {
  const criteria = decodeFilterCriteria(value)
  for (const _ in criteria) return criteria
  return undefined
}

const requestRows: ReadonlyArray<Row<keyof RequestPrimitive>> = [
  ['operation', 'op', integerBetween(1, 5, '1 (Create), 2 (Retrieve), 3 (Update), 4 (Delete) or 5 (Notify)')],
  ['to', 'to', identifier],
  ['originator', 'fr', identifier],
  ['requestIdentifier', 'rqi', text],
  ['releaseVersionIndicator', 'rvi', text],
  ['resourceType', 'ty', integer],
  ['vendorInformation', 'vsi', text],
  ['roleIds', 'rids', texts],
  ['originatingTimestamp', 'ot', time],
  ['requestExpirationTimestamp', 'rqet', time],
  ['resultExpirationTimestamp', 'rset', time],
  ['operationExecutionTime', 'oet', time],
  ['responseType', 'rt', responseType],
  ['resultPersistence', 'rp', time],
  ['resultContent', 'rcn', integer],
  ['eventCategory', 'ec', integer],
  ['deliveryAggregation', 'da', boolean],
  ['groupRequestIdentifier', 'gid', text],
  ['groupRequestTargetMembers', 'grtm', texts],
  ['filterCriteria', 'fc', filterCriteria],
  ['desiredIdentifierResultType', 'drt', integerBetween(1, 2, '1 (structured) or 2 (unstructured)')],
  ['tokens', 'tkns', texts],
  ['tokenIds', 'tids', texts],
  ['localTokenIds', 'ltids', texts],
  ['tokenRequestIndicator', 'tqi', boolean],
  ['semanticQueryIndicator', 'sqi', boolean],
  ['content', 'pc', content],
]

const responseRows: ReadonlyArray<Row<keyof ResponsePrimitive>> = [
  ['responseStatusCode', 'rsc', integer],
  ['requestIdentifier', 'rqi', text],
  ['releaseVersionIndicator', 'rvi', text],
  ['to', 'to', identifier],
  ['originator', 'fr', identifier],
  ['originatingTimestamp', 'ot', time],
  ['resultExpirationTimestamp', 'rset', time],
  ['eventCategory', 'ec', integer],
  ['contentStatus', 'cnst', integer],
  ['contentOffset', 'cnot', integer],
  ['vendorInformation', 'vsi', text],
  ['content', 'pc', content],
]

/** Content status and offset under their older short names, which OpenMTC still uses. */
const olderResponseRows: typeof responseRows = [
  ['contentStatus', 'cts', integer],
  ['contentOffset', 'cto', integer],
]

const requestByShortName = new Map(requestRows.map((row) => [row[1], row]))
const responseByShortName = new Map([...responseRows, ...olderResponseRows].map((row) => [row[1], row]))
/** Those that not nearly every response has, and whose values are text and numbers. */
const rareResponseRows = responseRows.slice(3, -1)

/**
 * Members that peers send and that change nothing here: roles and name as releases 1 and 2 wrote them, the service user of release 5
 * and how one peer spells it.
 */
const ignoredMembers: ReadonlySet<string> = new Set(['rol', 'nm', 'msu', 'user'])

/**
 * A request from its wire form, the object itself or wrapped in `m2m:rqp`. Unset members (null, []) are absent; numbers may be written as
 * text, and `fc` as JSON text. `to#attr` and `m2m:atrl` become `attributeList`.
 * Throws BAD_REQUEST naming the parameter, what came and what was expected, and NOT_IMPLEMENTED for a parameter that is unknown here
 * (TS-0004 7.2.2.2). Whether parameters fit together is the CSE's to judge.
 */
export function decodeRequest(wire: Json): RequestPrimitive {
  const members = unwrapped(wire, 'm2m:rqp')
  const request: Record<string, unknown> = {}
  for (const short in members) {
    const value = members[short] as Json
    if (isUnset(value)) continue
    const row = requestByShortName.get(short)
    if (row === undefined) {
      if (ignoredMembers.has(short)) continue
      throw new OneM2MError(Status.NOT_IMPLEMENTED, `${short}: a request parameter that is not supported here`)
    }
    const read = row[2](value, short)
    if (read !== undefined) request[row[0]] = read
  }
  const { operation, to, requestIdentifier } = request
  if (operation === undefined) throw refused('op', undefined, 'an operation: 1 to 5')
  if (to === undefined) throw refused('to', undefined, 'the identifier of a resource')
  if (requestIdentifier === undefined) throw refused('rqi', undefined, 'a request identifier')
  // A DELETE has no business with one, which its receiver has to know to refuse it.
  if (operation === Operation.RETRIEVE || operation === Operation.DELETE) takeAttributeList(request, to as string)
  return request as unknown as RequestPrimitive
}

/** TS-0004 7.3.3.5: which attributes are wanted is said in the target or in the content. */
function takeAttributeList(request: Record<string, unknown>, to: string): void {
  const list = (request['content'] as JsonObject | undefined)?.['m2m:atrl']
  if (list !== undefined) {
    const names = typeof list === 'string' ? list.split(/[\s+]+/) : (texts(list, 'pc.m2m:atrl') as string[])
    request['attributeList'] = names.filter((name) => name !== '')
    delete request['content']
  }
  const hash = to.indexOf('#')
  if (hash > 0) {
    request['to'] = to.slice(0, hash)
    if (hash + 1 < to.length) request['attributeList'] = [to.slice(hash + 1)]
  }
}

/**
 * A response from its wire form, bare or wrapped in `m2m:rsp`; members that are not known are left out, and an empty content is none.
 * Throws BAD_REQUEST when it has no `rsc` or `rqi`, or a parameter is not of its kind.
 */
export function decodeResponse(wire: Json): ResponsePrimitive {
  const members = unwrapped(wire, 'm2m:rsp')
  const response: Record<string, unknown> = {}
  for (const short in members) {
    const value = members[short] as Json
    const row = responseByShortName.get(short)
    if (row === undefined || isUnset(value)) continue
    const read = row[2](value, short)
    if (read !== undefined) response[row[0]] = read
  }
  if (response['responseStatusCode'] === undefined) throw refused('rsc', undefined, 'a response status code')
  if (response['requestIdentifier'] === undefined) throw refused('rqi', undefined, 'a request identifier')
  return response as unknown as ResponsePrimitive
}

/** A request as JSON text: integers as numbers, `ty` only in a CREATE, nothing that is not set (mobius4 refuses the uncommon). */
export function encodeRequest(request: RequestPrimitive): string {
  let written = ''
  for (const [long, short] of requestRows) {
    const value = long === 'content' ? wireContent(request) : request[long]
    if (value === undefined || (long === 'resourceType' && request.operation !== Operation.CREATE)) continue
    written += `,"${short}":${memberText(long, value as Json, request)}`
  }
  return `{${written.slice(1)}}`
}

function memberText(long: string, value: Json, request: RequestPrimitive): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return String(value)
  if (long === 'responseType') return JSON.stringify(wireResponseType(request.responseType as ResponseType))
  if (long === 'filterCriteria') return JSON.stringify(encodeFilterCriteria(request.filterCriteria ?? {}))
  return JSON.stringify(value)
}

function wireContent(request: RequestPrimitive): JsonObject | undefined {
  return request.attributeList === undefined ? request.content : { 'm2m:atrl': request.attributeList }
}

function wireResponseType(type: ResponseType): JsonObject {
  return type.notificationUri === undefined
    ? { rtv: type.responseTypeValue }
    : { rtv: type.responseTypeValue, nu: type.notificationUri }
}

/** A response as JSON text; content that is text already is taken as it is. */
export function encodeResponse(response: ResponsePrimitive): string {
  let written = `{"rsc":${response.responseStatusCode},"rqi":${quote(response.requestIdentifier)}`
  // Written out, because this runs for every request: the two members that nearly every response has, then the rare ones.
  if (response.releaseVersionIndicator !== undefined) written += `,"rvi":${quote(response.releaseVersionIndicator)}`
  for (const [long, short] of rareResponseRows) {
    const value = response[long]
    if (value !== undefined) written += `,"${short}":${typeof value === 'string' ? quote(value) : value}`
  }
  return response.content === undefined ? `${written}}` : `${written},"pc":${contentText(response.content)}}`
}

/** The request identifier and release of what may be no valid request at all, so that even its error response finds its originator. */
export function identifyRequest(wire: Json): {
  readonly requestIdentifier?: string
  readonly releaseVersionIndicator?: string
} {
  const members = isJsonObject(wire) && isJsonObject(wire['m2m:rqp']) ? wire['m2m:rqp'] : wire
  if (!isJsonObject(members)) return {}
  const { rqi, rvi } = members
  return {
    ...((typeof rqi === 'string' && rqi !== '') || typeof rqi === 'number' ? { requestIdentifier: String(rqi) } : {}),
    ...((typeof rvi === 'string' && rvi !== '') || typeof rvi === 'number'
      ? { releaseVersionIndicator: String(rvi) }
      : {}),
  }
}

/** The request identifier in text that is not JSON, when it can be made out. */
export function recoverRequestIdentifier(text: string): string | undefined {
  const found = /"rqi"\s*:\s*("(?:[^"\\]|\\["\\/bfnrtu])+"|\d{1,15})/.exec(text.slice(0, 65_536))?.[1]
  if (found === undefined) return undefined
  try {
    return String(parseJson(found, 'rqi'))
  } catch {
    // A broken escape in a broken text: there is no identifier to be had.
    return undefined
  }
}

function unwrapped(wire: Json, wrapper: string): JsonObject {
  if (!isJsonObject(wire)) throw refused('primitive', wire, 'an object')
  const inner = wire[wrapper]
  if (inner === undefined) return wire
  if (!isJsonObject(inner)) throw refused(wrapper, inner, 'an object')
  return inner
}
