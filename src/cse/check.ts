/** What a request must satisfy before anybody looks at its target: TS-0004 7.3.2.1, in the order given there. */

import { refused } from '../onem2m/attribute-type.ts'
import { type FilterCriteria, FilterUsage } from '../onem2m/filter-criteria.ts'
import { parseGeometry } from '../onem2m/geometry.ts'
import { jsonPath } from '../onem2m/json-path.ts'
import { Operation, type RequestPrimitive, ResponseTypeValue } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { parseMoment } from '../onem2m/timestamp.ts'
import { AccessRight } from '../resources/access-control-policy.ts'
import type { RequestContext } from './handler.ts'

/** TS-0004 6.3.2, releaseVersion. A request without one comes from a release 1 entity, or from one that does not care. */
export const supportedReleaseVersions: readonly string[] = ['1', '2', '2a', '3', '4', '5']

const aeType = 2

/** TS-0004 7.3.3.5: what an operation may be asked to answer with. 10 and 12 are the hosting CSE's to refuse. */
const resultContents: Readonly<Record<Operation | 'discovery', readonly number[]>> = {
  [Operation.CREATE]: [0, 1, 2, 3, 9],
  [Operation.RETRIEVE]: [1, 4, 5, 6, 7, 8, 10, 12],
  [Operation.UPDATE]: [0, 1, 9],
  [Operation.DELETE]: [0, 1, 4, 5, 6, 8],
  [Operation.NOTIFY]: [0],
  // OpenMTC's applications ask for 5 in every discovery, and expect the list.
  discovery: [5, 6, 11],
}

export function checkRequest(
  request: RequestPrimitive,
  context: RequestContext,
  own: { readonly cseId: string; readonly reservedOriginators: readonly string[] },
  nowMs: number,
): void {
  const { operation, originator, releaseVersionIndicator } = request
  checkTimes(request, nowMs)
  if (releaseVersionIndicator !== undefined && !supportedReleaseVersions.includes(releaseVersionIndicator))
    throw new OneM2MError(
      Status.RELEASE_VERSION_NOT_SUPPORTED,
      `rvi: got ${JSON.stringify(releaseVersionIndicator)}, expected one of ${supportedReleaseVersions.join(', ')}`,
    )
  const isRegistration = operation === Operation.CREATE && request.resourceType === aeType
  if (!isRegistration && (originator === undefined || originator === ''))
    throw refused('fr', originator, 'an AE-ID or CSE-ID: only an AE that registers may leave it out')
  if (originator !== undefined && (originator.length > 256 || /[\s+#*?]/.test(originator)))
    throw refused('fr', originator, 'an AE-ID or CSE-ID')
  if (context.source !== 'internal' && originator !== undefined) {
    if (isOwnCse(originator, own.cseId)) throw impersonation(`${originator} is this CSE itself`)
    const stem = originator.slice(originator.lastIndexOf('/') + 1)
    if (own.reservedOriginators.includes(stem)) throw impersonation(`${stem} is a part of this gateway`)
  }
  // TS-0004 7.2.2.2: content is mandatory in all that changes or tells something, so that its absence goes before what the target says.
  if (request.content === undefined && operation !== Operation.RETRIEVE && operation !== Operation.DELETE)
    throw new OneM2MError(
      Status.BAD_REQUEST,
      'pc: missing, expected an object with one member such as {"m2m:cnt": {...}}',
    )
  checkResponseType(request)
  if (operation === Operation.CREATE && request.resourceType === undefined)
    throw refused('ty', undefined, 'the type of the resource to create')
  if (request.filterCriteria !== undefined) checkCriteria(operation, request.filterCriteria)
  checkResultContent(request)
  // TS-0004 7.3.3.5: who names attributes in a DELETE means these, and must not lose the resource.
  if (request.attributeList !== undefined && operation !== Operation.RETRIEVE)
    throw refused('atrl', request.attributeList, 'nothing: attributes are chosen in a RETRIEVE alone')
  if (request.semanticQueryIndicator === true) throw notSupported('sqi', 'semantic queries')
}

function impersonation(reason: string): OneM2MError {
  return new OneM2MError(Status.ORIGINATOR_NOT_AUTHENTICATED, `fr: ${reason}; nobody else speaks in its name`)
}

/** The own CSE-ID, SP-relative or absolute. */
function isOwnCse(originator: string, cseId: string): boolean {
  return (
    originator === cseId ||
    (originator.startsWith('//') && originator.endsWith(cseId) && originator.split('/').length === 4)
  )
}

function checkTimes(request: RequestPrimitive, nowMs: number): void {
  const expiresMs = checkTime('rqet', request.requestExpirationTimestamp, nowMs)
  checkTime('rset', request.resultExpirationTimestamp, nowMs)
  const executesMs = checkTime('oet', request.operationExecutionTime, nowMs)
  if (executesMs !== undefined && expiresMs !== undefined && executesMs > expiresMs)
    throw new OneM2MError(
      Status.REQUEST_TIMEOUT,
      `oet: ${request.operationExecutionTime} is later than rqet, ${request.requestExpirationTimestamp}`,
    )
}

/** The moment in milliseconds since 1970. */
function checkTime(name: 'rqet' | 'rset' | 'oet', text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined
  const atMs = parseMoment(text, nowMs)
  if (atMs === undefined)
    throw refused(name, text, 'a time stamp, milliseconds from now as digits, or a duration such as PT1H')
  if (atMs <= nowMs && name !== 'oet') throw new OneM2MError(Status.REQUEST_TIMEOUT, `${name}: ${text} has passed`)
  return atMs
}

/** Values and members that mean nothing here are refused rather than passed over: a filter that does not filter shows too much. */
function checkCriteria(operation: Operation, criteria: FilterCriteria): void {
  if (operation === Operation.CREATE || operation === Operation.NOTIFY)
    throw refused('fc', 'filter criteria', 'nothing in a CREATE or NOTIFY')
  const { filterUsage, filterOperation, offset, level, operations } = criteria
  if (filterUsage !== undefined && (filterUsage < 1 || filterUsage > 3))
    throw refused('fc.fu', filterUsage, '1 (discovery), 2 (conditional operation) or 3 (IPE on-demand discovery)')
  if (filterUsage !== undefined && filterUsage !== FilterUsage.CONDITIONAL && operation !== Operation.RETRIEVE)
    throw refused('fc.fu', filterUsage, '2 (conditional operation) in an UPDATE or DELETE')
  if (filterUsage === FilterUsage.IPE_ON_DEMAND) throw notSupported('fc.fu', 'IPE on-demand discoveries')
  if (filterOperation !== undefined && (filterOperation < 1 || filterOperation > 3))
    throw refused('fc.fo', filterOperation, '1 (AND), 2 (OR) or 3 (XOR)')
  if (offset === 0) throw refused('fc.ofst', offset, 'a positive integer: the first is 1')
  if (level === 0) throw refused('fc.lvl', level, 'a positive integer: 1 is direct children')
  if (operations !== undefined && (operations < 1 || operations > AccessRight.ALL))
    throw refused('fc.ops', operations, `a sum of rights from 1 to ${AccessRight.ALL}`)
  checkGeometry(criteria)
  if (criteria.semanticsFilter !== undefined) throw notSupported('fc.smf', 'semantic filters')
  checkContentFilter(criteria)
}

/** A query is a JSONPath, whether it says so (1) or not. */
function checkContentFilter({ contentFilterSyntax, contentFilterQuery }: FilterCriteria): void {
  if (contentFilterSyntax === undefined && contentFilterQuery === undefined) return
  if (contentFilterSyntax !== undefined && contentFilterSyntax !== 1)
    throw refused('fc.cfs', contentFilterSyntax, '1 (JSONPath), with cfq')
  if (contentFilterQuery === undefined) throw refused('fc.cfq', undefined, 'a JSONPath, with cfs')
  jsonPath(contentFilterQuery, 'fc.cfq')
}

/** A geo query is its three members together. TS-0004 6.3.5.8. */
function checkGeometry({ geometryType, geoSpatialFunction, geometry }: FilterCriteria): void {
  if (geometryType === undefined && geoSpatialFunction === undefined && geometry === undefined) return
  if (geoSpatialFunction === undefined || geoSpatialFunction < 1 || geoSpatialFunction > 3)
    throw refused('fc.gsf', geoSpatialFunction, '1 (within), 2 (contains) or 3 (intersects)')
  if (geometryType === undefined || geometryType < 1 || geometryType > 6)
    throw refused('fc.gmty', geometryType, 'a geometry type from 1 (Point) to 6 (MultiPolygon)')
  if (geometry === undefined || parseGeometry(geometryType, geometry) === undefined)
    throw refused('fc.geom', geometry, `the coordinates of a geometry of type ${geometryType}`)
}

function notSupported(where: string, what: string): OneM2MError {
  return new OneM2MError(Status.NOT_IMPLEMENTED, `${where}: ${what} are not supported`)
}

function checkResultContent({ operation, resultContent, filterCriteria }: RequestPrimitive): void {
  if (resultContent === undefined) return
  const isDiscovery = filterCriteria?.filterUsage === FilterUsage.DISCOVERY
  const allowed = resultContents[isDiscovery ? 'discovery' : operation]
  if (!allowed.includes(resultContent)) throw refused('rcn', resultContent, `one of ${allowed.join(', ')}`)
}

function checkResponseType({ responseType }: RequestPrimitive): void {
  switch (responseType?.responseTypeValue) {
    case undefined:
    case ResponseTypeValue.BLOCKING:
    case ResponseTypeValue.NO_RESPONSE:
    case ResponseTypeValue.FLEX_BLOCKING:
    case ResponseTypeValue.NON_BLOCKING_SYNCH:
    case ResponseTypeValue.NON_BLOCKING_ASYNCH:
      break
    default:
      throw refused('rt.rtv', responseType?.responseTypeValue, 'one of 1, 2, 3, 4, 5')
  }
}
