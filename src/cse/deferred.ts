/**
 * Non-blocking requests (TS-0004 7.3.1.2, 7.4.12): accepted with a request resource, executed afterwards, their result kept there for the
 * originator to fetch, or sent to it.
 */

import { refused } from '../onem2m/attribute-type.ts'
import type { JsonObject } from '../onem2m/content.ts'
import { decodeRequest, encodeRequest, encodeResponse } from '../onem2m/parameter.ts'
import { type RequestPrimitive, type ResponsePrimitive, ResponseTypeValue } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { formatTimestamp, parseMoment, parseTimestamp } from '../onem2m/timestamp.ts'
import { RequestStatus } from '../resources/request.ts'
import type { Attributes } from '../resources/resource-type.ts'
import type { Execution } from './execution.ts'
import type { RequestContext } from './handler.ts'
import type { Outcome } from './outcome.ts'
import type { CseParts } from './parts.ts'
import { Resource } from './resource.ts'
import { errorResponse } from './response.ts'
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
  const { parts, request, context, transaction, now, nowMs } = execution
  const { tree } = parts
  checkAddress(request.to)
  const atMs = executionMs(request, nowMs)
  if (atMs > nowMs) parts.postponement.requireRoom()
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
      ...described(request),
      requestStatus: RequestStatus.PENDING,
      operationResult: resultOf(parts, request, {
        responseStatusCode: Status.ACCEPTED,
        requestIdentifier: request.requestIdentifier,
      }),
    },
  })
  tree.add(resource)
  transaction.onUndo(() => tree.remove(resource))
  transaction.changes.push(tree.changeOf(resource))
  transaction.afterCommit(() => {
    parts.expiration.watch(resource)
    const waiting = { request, context, resource }
    if (atMs > nowMs) parts.postponement.until(atMs, () => run(parts, waiting))
    else run(parts, waiting)
  })
  const isSynch = request.responseType?.responseTypeValue === ResponseTypeValue.NON_BLOCKING_SYNCH
  return {
    status: isSynch ? Status.ACCEPTED_NON_BLOCKING_SYNCH : Status.ACCEPTED_NON_BLOCKING_ASYNCH,
    content: { 'm2m:uri': resource.address },
  }
}

/** A request that was accepted. */
interface Accepted {
  readonly request: RequestPrimitive
  readonly context: RequestContext
  readonly resource: Resource
}

/** Executes a request unless its resource was deleted, which cancels it. */
function run(parts: CseParts, accepted: Accepted): void {
  if (parts.tree.get(accepted.resource.resourceIdentifier) !== accepted.resource) return
  // What was in time when it came stays so: times from receipt must not count from its execution.
  const { responseType, operationExecutionTime, requestExpirationTimestamp, ...blocking } = accepted.request
  parts.handle(blocking, accepted.context, (response) => settle(parts, accepted, response))
}

/** Keeps the result, and sends it to those who are waiting for it. */
function settle(parts: CseParts, { request, resource }: Omit<Accepted, 'context'>, response: ResponsePrimitive): void {
  const operationResult = resultOf(parts, request, response)
  const requestStatus = response.responseStatusCode < 3000 ? RequestStatus.COMPLETED : RequestStatus.FAILED
  parts.internally((execution) => {
    if (parts.tree.get(resource.resourceIdentifier) === resource)
      execution.amend(resource, { requestStatus, operationResult })
  })
  const { responseType, originator = '' } = request
  if (responseType?.responseTypeValue !== ResponseTypeValue.NON_BLOCKING_ASYNCH) return
  // TS-0004 7.3.1.2: the originator unless it names others; an empty list names nobody.
  for (const target of responseType.notificationUri ?? [originator])
    parts.notifier.send(target, { 'm2m:rsp': operationResult })
}

/** A response in the form in which it is kept and sent: it travels by itself, and so it says from whom to whom. TS-0004 6.4.2. */
function resultOf({ settings }: CseParts, { originator }: RequestPrimitive, response: ResponsePrimitive): JsonObject {
  const addressed = { ...(originator ? { to: originator } : {}), originator: settings.cseId, ...response }
  return JSON.parse(encodeResponse(addressed)) as JsonObject
}

/**
 * After a restart: what has yet to begin goes on waiting for its time; what may have been executed is not executed a second time, and fails.
 * TS-0001 9.6.12, requestStatus.
 */
export function resume(parts: CseParts): void {
  const nowMs = parts.clock.wallMs()
  for (const resource of parts.tree.ofType(requestType)) {
    if (resource.stored['requestStatus'] !== RequestStatus.PENDING) continue
    const request = requestOf(resource.stored)
    // The creation time leaves out what is less than a second: not begun by the earlier moment, and never executed before the later one.
    const createdMs = parseTimestamp(resource.stored['creationTime'] as string) ?? nowMs
    if (executionMs(request, createdMs) > nowMs) {
      // Whoever it came from is not here to vouch for itself any more.
      const waiting: Accepted = { request, context: { source: 'network' }, resource }
      parts.postponement.until(executionMs(request, createdMs + 999), () => run(parts, waiting))
    } else
      settle(
        parts,
        { request, resource },
        errorResponse(
          request,
          Status.INTERNAL_SERVER_ERROR,
          'the gateway was restarted before the result was stored: send the request again',
        ),
      )
  }
}

/** When to execute a request that came at `receivedMs`; both in milliseconds since 1970. */
function executionMs({ operationExecutionTime }: RequestPrimitive, receivedMs: number): number {
  return parseMoment(operationExecutionTime ?? '', receivedMs) ?? receivedMs
}

/** The attributes that say what was requested: TS-0004 6.3.5.5 and 7.4.12, with parameters under their short names. */
function described(request: RequestPrimitive): Attributes {
  const { op, to, fr, rqi, pc, ...metaInformation } = JSON.parse(encodeRequest(request)) as JsonObject
  return {
    operation: op,
    target: to,
    ...(fr === undefined || fr === '' ? {} : { originator: fr }),
    requestId: rqi,
    metaInformation,
    ...(pc === undefined ? {} : { primitiveContent: pc }),
  }
}

/** The request that these attributes describe. */
function requestOf(stored: Attributes): RequestPrimitive {
  const { operation: op, target: to, originator: fr, requestId: rqi, metaInformation, primitiveContent: pc } = stored
  return decodeRequest({ ...(metaInformation as JsonObject), op, to, fr, rqi, pc } as JsonObject)
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
