/**
 * oneM2M over HTTP (TS-0009): how a primitive is spelled in method, path, query, headers and body, and back. A request is first brought
 * into its wire members and then read by the one decoder that all bindings share.
 */

import { contentText, isJsonObject, type Json, type JsonObject } from './content.ts'
import { negotiate, readContentType, writeContentType } from './http-media-type.ts'
import { encodeQuery, percentDecoded, percentEncoded, readQuery } from './http-query.ts'
import { httpStatusOf, statusOfHttp } from './http-status.ts'
import { decodeRequest } from './parameter.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive } from './primitive.ts'
import { parse, type Serialization, serializationOfMediaType, serialize } from './serialization.ts'
import { OneM2MError, Status } from './status.ts'

/** Header fields by lower-case name. */
export type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

export interface HttpRequestHead {
  readonly method: string
  /** As in the request line: path and query, or a whole URL. */
  readonly target: string
  readonly headers: HttpHeaders
}

export interface HttpRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | string
}

export interface HttpResponse {
  readonly status: number
  readonly headers: HttpHeaders
  readonly body: Buffer | string
}

/** Methods that mean an operation (TS-0009 6.2.1), and OPTIONS. */
export const allowedMethods: readonly string[] = ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS']

const methods: Readonly<Record<Operation, string>> = { 1: 'POST', 2: 'GET', 3: 'PUT', 4: 'DELETE', 5: 'POST' }

/** Header and short name, TS-0009 6.4. */
const headerParameters = [
  ['X-M2M-Origin', 'fr', 'originator'],
  ['X-M2M-RI', 'rqi', 'requestIdentifier'],
  ['X-M2M-RVI', 'rvi', 'releaseVersionIndicator'],
  ['X-M2M-GID', 'gid', 'groupRequestIdentifier'],
  ['X-M2M-OT', 'ot', 'originatingTimestamp'],
  ['X-M2M-RET', 'rqet', 'requestExpirationTimestamp'],
  ['X-M2M-RST', 'rset', 'resultExpirationTimestamp'],
  ['X-M2M-OET', 'oet', 'operationExecutionTime'],
  ['X-M2M-EC', 'ec', 'eventCategory'],
  ['X-M2M-VSI', 'vsi', 'vendorInformation'],
] as const

export const requestHeaderNames: readonly string[] = [...headerParameters.map(([name]) => name), 'X-M2M-RTU']

/** Header and long name of what only a response has, and of what it has in common with a request and is rarely there. */
const rareResponseHeaders = [
  ['X-M2M-OT', 'originatingTimestamp'],
  ['X-M2M-RST', 'resultExpirationTimestamp'],
  ['X-M2M-EC', 'eventCategory'],
  ['X-M2M-CTS', 'contentStatus'],
  ['X-M2M-CTO', 'contentOffset'],
  ['X-M2M-VSI', 'vendorInformation'],
  ['X-M2M-Origin', 'originator'],
] as const

export const responseHeaderNames: readonly string[] = [
  'X-M2M-RSC',
  'X-M2M-RI',
  'X-M2M-RVI',
  ...rareResponseHeaders.map(([name]) => name),
]

/** `to` from a request path, TS-0009 6.2.2.1: `/mn/a` is `mn/a`, `/~/in-1/x` is `/in-1/x`, `/_/sp.org/in-1/x` is `//sp.org/in-1/x`. */
export function pathToTarget(path: string): string {
  const decoded = percentDecoded(path, 'request path').replace(/(.)\/+$/, '$1')
  if (decoded.startsWith('/~/')) return decoded.slice(2)
  if (decoded.startsWith('/_/')) return `/${decoded.slice(2)}`
  return decoded.startsWith('/') ? decoded.slice(1) : decoded
}

export function targetToPath(to: string): string {
  const path = to.startsWith('//') ? `/_/${to.slice(2)}` : to.startsWith('/') ? `/~${to}` : `/${to}`
  return path.split('/').map(percentEncoded).join('/')
}

/** The serialisation in which the response to a request goes back. Throws NOT_ACCEPTABLE. */
export function responseSerialization({ headers }: HttpRequestHead): Serialization {
  return negotiate(headerOf(headers, 'Accept'), headerOf(headers, 'Content-Type'))
}

/**
 * The request that an HTTP message stands for. `fallbackRequestIdentifier` serves when X-M2M-RI is absent.
 * Throws BAD_REQUEST naming header, argument or parameter, UNSUPPORTED_MEDIA_TYPE, OPERATION_NOT_ALLOWED.
 */
export function decodeHttpRequest(
  head: HttpRequestHead,
  body: Buffer | string,
  fallbackRequestIdentifier: string,
): RequestPrimitive {
  const { headers } = head
  const type = readContentType(headerOf(headers, 'Content-Type'), body.length > 0)
  const target = head.target.replace(/^[a-z]+:\/\/[^/?]*/i, '')
  const queryStart = target.indexOf('?')
  const wire: Record<string, Json> = {
    op: operationOf(head.method, type.resourceType !== undefined),
    to: pathToTarget(queryStart < 0 ? target : target.slice(0, queryStart)),
    rqi: fallbackRequestIdentifier,
  }
  if (wire['op'] === Operation.CREATE) wire['ty'] = type.resourceType as string
  for (const [name, short] of headerParameters) {
    const value = headerOf(headers, name)
    if (value !== undefined && value !== '') wire[short] = value
  }
  const authorization = headerOf(headers, 'Authorization')
  // With a scheme (Bearer, Basic) it is a credential for whoever hosts this CSE, and no list of tokens.
  if (authorization !== undefined && !authorization.includes(' ')) wire['tkns'] = authorization.split('+')
  if (queryStart >= 0) readQuery(target.slice(queryStart + 1), wire)
  const notificationUris = headerOf(headers, 'X-M2M-RTU')
  if (notificationUris !== undefined)
    wire['rt'] = {
      ...(wire['rt'] as JsonObject | undefined),
      nu: notificationUris.split('&').filter((uri) => uri !== ''),
    }
  if (body.length > 0) wire['pc'] = parse(body, type.serialization, 'body')
  checkOriginator(wire)
  return decodeRequest(wire)
}

/** The HTTP message for a request; its path is from the root of the receiver. Throws BAD_REQUEST when a header can't hold a value. */
export function encodeHttpRequest(request: RequestPrimitive, serialization: Serialization = 'json'): HttpRequest {
  const headers: Record<string, string> = { Accept: writeContentType(serialization) }
  for (const [name, short, long] of headerParameters) {
    const value = request[long]
    if (value !== undefined) headers[name] = headerText(String(value), short)
  }
  const { content, responseType, tokens } = request
  if (responseType?.notificationUri !== undefined)
    headers['X-M2M-RTU'] = headerText(responseType.notificationUri.join('&'), 'rt.nu')
  if (tokens !== undefined) headers['Authorization'] = headerText(tokens.join('+'), 'tkns')
  if (content !== undefined)
    headers['Content-Type'] = writeContentType(
      serialization,
      request.operation === Operation.CREATE ? request.resourceType : undefined,
    )
  const query = encodeQuery(request)
  return {
    method: methods[request.operation],
    path: `${targetToPath(request.to)}${query === '' ? '' : `?${query}`}`,
    headers,
    body: content === undefined ? '' : serialize(contentText(content), serialization),
  }
}

/** Status, headers and body for a response. X-M2M-RSC and X-M2M-RI are always there (TS-0009 6.4). */
export function encodeHttpResponse(
  response: ResponsePrimitive,
  serialization: Serialization = 'json',
): {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: Buffer | string
} {
  const headers: Record<string, string> = {
    'X-M2M-RSC': String(response.responseStatusCode),
    'X-M2M-RI': printable(response.requestIdentifier),
  }
  if (response.releaseVersionIndicator !== undefined) headers['X-M2M-RVI'] = printable(response.releaseVersionIndicator)
  for (const [name, long] of rareResponseHeaders) {
    const value = response[long]
    if (value !== undefined) headers[name] = printable(String(value))
  }
  if (response.responseStatusCode === Status.CREATED && response.createdAt !== undefined)
    headers['Content-Location'] = targetToPath(response.createdAt)
  const body = response.content === undefined ? '' : serialize(contentText(response.content), serialization)
  if (body.length > 0) headers['Content-Type'] = writeContentType(serialization)
  return { status: httpStatusOf(response.responseStatusCode), headers, body }
}

/**
 * The response that an HTTP message stands for. Without X-M2M-RSC (web servers that know nothing of oneM2M) the HTTP status decides, and a
 * body that is no JSON object is left out.
 */
export function decodeHttpResponse(message: HttpResponse, requestIdentifier: string): ResponsePrimitive {
  const { headers } = message
  const code = headerOf(headers, 'X-M2M-RSC')
  const optional = {
    releaseVersionIndicator: headerOf(headers, 'X-M2M-RVI'),
    originatingTimestamp: headerOf(headers, 'X-M2M-OT'),
    resultExpirationTimestamp: headerOf(headers, 'X-M2M-RST'),
    eventCategory: integerHeader(headers, 'X-M2M-EC'),
    contentStatus: integerHeader(headers, 'X-M2M-CTS'),
    contentOffset: integerHeader(headers, 'X-M2M-CTO'),
    vendorInformation: headerOf(headers, 'X-M2M-VSI'),
    originator: headerOf(headers, 'X-M2M-Origin'),
    createdAt: createdAtOf(headerOf(headers, 'Content-Location')),
    content: objectIn(message),
  }
  return {
    responseStatusCode: code !== undefined && /^\d{4}$/.test(code) ? Number(code) : statusOfHttp(message.status),
    requestIdentifier: headerOf(headers, 'X-M2M-RI') ?? requestIdentifier,
    ...(Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)) as {
      readonly [K in keyof typeof optional]?: NonNullable<(typeof optional)[K]>
    }),
  }
}

function operationOf(method: string, hasResourceType: boolean): Operation {
  switch (method) {
    case 'GET':
      return Operation.RETRIEVE
    case 'POST':
      return hasResourceType ? Operation.CREATE : Operation.NOTIFY
    case 'PUT':
      return Operation.UPDATE
    case 'DELETE':
      return Operation.DELETE
    default:
      throw new OneM2MError(
        Status.OPERATION_NOT_ALLOWED,
        `method: got ${method.slice(0, 20)}, expected GET, POST, PUT or DELETE`,
      )
  }
}

/** TS-0004 7.2.2.2: only an AE that registers may have no name yet. */
function checkOriginator(wire: JsonObject): void {
  if (wire['fr'] !== undefined || (wire['op'] === Operation.CREATE && wire['ty'] === '2')) return
  throw new OneM2MError(
    Status.BAD_REQUEST,
    'X-M2M-Origin: missing, expected the AE-ID or CSE-ID of the originator; for example curl -H "X-M2M-Origin: CAE01" URL',
  )
}

function headerOf(headers: HttpHeaders, name: string): string | undefined {
  const value = headers[name.toLowerCase()]
  return typeof value === 'string' ? value : value?.[0]
}

function integerHeader(headers: HttpHeaders, name: string): number | undefined {
  const value = headerOf(headers, name)
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined
}

function createdAtOf(location: string | undefined): string | undefined {
  return location?.startsWith('/') ? pathToTarget(location) : undefined
}

function objectIn({ headers, body }: HttpResponse): JsonObject | undefined {
  const contentType = headerOf(headers, 'Content-Type') ?? ''
  const serialization = serializationOfMediaType((contentType.split(';', 1)[0] as string).trim()) ?? 'json'
  const isObject = serialization === 'cbor' ? body.length > 0 : body.toString().trimStart().startsWith('{')
  if (!isObject) return undefined
  const value = parse(body, serialization, 'body')
  return isJsonObject(value) ? value : undefined
}

function headerText(value: string, where: string): string {
  if (printable(value) !== value)
    throw new OneM2MError(
      Status.BAD_REQUEST,
      `${where}: got ${JSON.stringify(value.slice(0, 60))}, expected text that fits a header`,
    )
  return value
}

/** What a header field may hold (RFC 9110 5.5). */
function printable(value: string): string {
  return value.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '?')
}
