/**
 * Non-blocking requests (TS-0004 7.3.1.2, 7.4.12): accepted with a request resource, executed afterwards, their result kept there for the
 * originator to fetch, or sent to it.
 */

import { refused } from '../onem2m/attribute-type.ts'
import { contentObject, type Json, type JsonObject } from '../onem2m/content.ts'
import { encodeFilterCriteria } from '../onem2m/filter-criteria.ts'
import { type RequestPrimitive, type ResponsePrimitive, ResponseTypeValue } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { formatTimestamp, parseMoment } from '../onem2m/timestamp.ts'
import { RequestStatus } from '../resources/request.ts'
import type { Execution } from './execution.ts'
import type { Outcome } from './outcome.ts'
import { Resource } from './resource.ts'
import { checkAddress } from './tree.ts'

const requestType = 17
/** How long a result is kept when the originator does not say (rp, rset, rqet). */
const defaultPersistenceMs = 3_600_000

export function isNonBlocking({ responseType }: RequestPrimitive): boolean {
  const value = responseType?.responseTypeValue
  return value === ResponseTypeValue.NON_BLOCKING_SYNCH || value === ResponseTypeValue.NON_BLOCKING_ASYNCH
}

/** Accepts a non-blocking request; it is executed when the request resource is on the disk. */
export function accept(execution: Execution): Outcome {
  const { parts, request, transaction, now } = execution
  const { tree } = parts
  checkAddress(request.to)
  if (tree.size >= parts.settings.maxResources)
    throw new OneM2MError(
      Status.NOT_ACCEPTABLE,
      `rt: this CSE keeps at most ${parts.settings.maxResources} resources besides instances (cse.max_resources)`,
    )
  const resourceIdentifier = execution.newIdentifier('req')
  const resource = new Resource({
    definition: parts.resourceTypes.get(requestType) as Resource['definition'],
    resourceIdentifier,
    name: resourceIdentifier,
    parent: tree.root,
    originator: execution.originator,
    attributes: {
      resourceName: resourceIdentifier,
      resourceType: requestType,
      resourceIdentifier,
      parentIdentifier: tree.root.resourceIdentifier,
      creationTime: now,
      lastModifiedTime: now,
      expirationTime: formatTimestamp(expiryMs(execution)),
      // TS-0004 7.4.12: an originator finds its requests by its own identifier.
      ...(request.originator ? { labels: [request.originator] } : {}),
      operation: request.operation,
      target: request.to,
      ...(request.originator ? { originator: request.originator } : {}),
      requestId: request.requestIdentifier,
      metaInformation: metaInformation(request),
      ...(request.content === undefined ? {} : { primitiveContent: request.content }),
      requestStatus: RequestStatus.PENDING,
    },
  })
  tree.add(resource)
  transaction.onUndo(() => tree.remove(resource))
  transaction.changes.push(tree.changeOf(resource))
  transaction.afterCommit(() => {
    parts.expiration.watch(resource)
    run(execution, resource)
  })
  const isSynch = request.responseType?.responseTypeValue === ResponseTypeValue.NON_BLOCKING_SYNCH
  return {
    status: isSynch ? Status.ACCEPTED_NON_BLOCKING_SYNCH : Status.ACCEPTED_NON_BLOCKING_ASYNCH,
    content: { 'm2m:uri': resource.address },
  }
}

function run({ parts, request, context }: Execution, resource: Resource): void {
  const { responseType, ...blocking } = request
  parts.handle(blocking, context, (response) => {
    const result = resultOf(response)
    parts.internally((execution) => {
      if (parts.tree.get(resource.resourceIdentifier) !== resource) return
      execution.replaceAttributes(resource, {
        ...resource.stored,
        lastModifiedTime: execution.now,
        requestStatus: response.responseStatusCode < 3000 ? RequestStatus.COMPLETED : RequestStatus.FAILED,
        operationResult: result,
      })
    })
    if (responseType?.responseTypeValue !== ResponseTypeValue.NON_BLOCKING_ASYNCH) return
    // TS-0004 7.3.1.2: the originator unless it names others; an empty list names nobody.
    for (const target of responseType.notificationUri ?? [request.originator ?? ''])
      parts.notifier.send(target, { 'm2m:rsp': result })
  })
}

/** After a restart: what was pending is not executed a second time. TS-0001 9.6.12, requestStatus. */
export function failInterrupted(execution: Execution): void {
  const { parts } = execution
  for (const resource of parts.tree.ofType(requestType)) {
    if (resource.stored['requestStatus'] !== RequestStatus.PENDING) continue
    execution.replaceAttributes(resource, {
      ...resource.stored,
      requestStatus: RequestStatus.FAILED,
      operationResult: {
        rsc: Status.INTERNAL_SERVER_ERROR,
        rqi: resource.stored['requestId'] as string,
        pc: { 'm2m:dbg': 'the gateway was restarted before the result was stored: send the request again' },
      },
    })
  }
}

function resultOf(response: ResponsePrimitive): JsonObject {
  return {
    rsc: response.responseStatusCode,
    rqi: response.requestIdentifier,
    ...(response.content === undefined ? {} : { pc: contentObject(response.content) }),
    ...(response.releaseVersionIndicator === undefined ? {} : { rvi: response.releaseVersionIndicator }),
  }
}

/** resultPersistence, else resultExpirationTimestamp, else requestExpirationTimestamp: TS-0004 7.4.12. */
function expiryMs({ request, nowMs, parts }: Execution): number {
  const { resultPersistence, resultExpirationTimestamp, requestExpirationTimestamp } = request
  const latestMs = nowMs + parts.settings.maxLifetimeSeconds * 1000
  if (resultPersistence !== undefined) {
    const atMs = parseMoment(resultPersistence, nowMs)
    if (atMs === undefined || atMs <= nowMs)
      throw refused('rp', resultPersistence, 'a time stamp in the future or a duration such as PT1H')
    return Math.min(atMs, latestMs)
  }
  for (const text of [resultExpirationTimestamp, requestExpirationTimestamp]) {
    const atMs = text === undefined ? undefined : parseMoment(text, nowMs)
    // At least a second, so that there is something to fetch.
    if (atMs !== undefined) return Math.min(Math.max(atMs, nowMs + 1000), latestMs)
  }
  return Math.min(nowMs + defaultPersistenceMs, latestMs)
}

/** The parameters of the request under their short names: TS-0004 6.3.5.5. */
function metaInformation(request: RequestPrimitive): JsonObject {
  const meta: Record<string, Json> = {}
  const add = (short: string, value: Json | undefined) => {
    if (value !== undefined) meta[short] = value
  }
  add('ty', request.resourceType)
  add('ot', request.originatingTimestamp)
  add('rqet', request.requestExpirationTimestamp)
  add('rset', request.resultExpirationTimestamp)
  add('oet', request.operationExecutionTime)
  add('rp', request.resultPersistence)
  add('rcn', request.resultContent)
  add('ec', request.eventCategory)
  add('da', request.deliveryAggregation)
  add('gid', request.groupRequestIdentifier)
  add('drt', request.desiredIdentifierResultType)
  add('rvi', request.releaseVersionIndicator)
  add('vsi', request.vendorInformation)
  if (request.responseType !== undefined)
    add('rt', {
      rtv: request.responseType.responseTypeValue,
      ...(request.responseType.notificationUri === undefined ? {} : { nu: request.responseType.notificationUri }),
    })
  if (request.filterCriteria !== undefined) add('fc', encodeFilterCriteria(request.filterCriteria))
  return meta
}
