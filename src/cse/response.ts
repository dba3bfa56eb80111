/** Responses: from what an operation comes to, or from what went wrong. */

import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'
import type { ResponseStatusCode } from '../onem2m/status.ts'
import type { StoreError } from '../store/store.ts'
import type { Execution } from './execution.ts'
import type { Outcome } from './outcome.ts'
import { attributesContent } from './representation.ts'
import { Resource, StoredInstance } from './resource.ts'

/** The response that an outcome comes to: TS-0004 7.3.1.3. */
export function responseTo(execution: Execution, outcome: Outcome): ResponsePrimitive {
  const { status, createdAt, contentStatus, contentOffset, relayed } = outcome
  if (relayed !== undefined) return relayed
  // Member by member, because this runs for every request, and spreading makes an object for each.
  const response = responseWith(status, execution.request)
  const content = typeof outcome.content === 'function' ? outcome.content() : outcome.content
  if (content instanceof Resource || content instanceof StoredInstance)
    response.content = attributesContent(execution, content)
  else if (content !== undefined) response.content = content
  if (execution.request.originatingTimestamp !== undefined) response.originatingTimestamp = execution.now
  if (createdAt !== undefined) response.createdAt = createdAt
  if (contentStatus !== undefined) response.contentStatus = contentStatus
  if (contentOffset !== undefined) response.contentOffset = contentOffset
  return response
}

/** The response to a request that failed: TS-0004 6.4.2, with the reason for people. */
export function errorResponse(request: RequestPrimitive, status: ResponseStatusCode, text: string): ResponsePrimitive {
  const response = responseWith(status, request)
  response.content = { 'm2m:dbg': text }
  return response
}

type UnfinishedResponse = { -readonly [Member in keyof ResponsePrimitive]: ResponsePrimitive[Member] }

function responseWith(responseStatusCode: ResponseStatusCode, request: RequestPrimitive): UnfinishedResponse {
  const { requestIdentifier, releaseVersionIndicator } = request
  const response: UnfinishedResponse = { responseStatusCode, requestIdentifier }
  if (releaseVersionIndicator !== undefined) response.releaseVersionIndicator = releaseVersionIndicator
  if (request.vendorInformation !== undefined) response.vendorInformation = request.vendorInformation
  if (request.eventCategory !== undefined) response.eventCategory = request.eventCategory
  if (request.resultExpirationTimestamp !== undefined)
    response.resultExpirationTimestamp = request.resultExpirationTimestamp
  return response
}

/** Why a change was not stored, as far as a requester may know. */
export function notStored(error: StoreError): string {
  return error.reason === 'full'
    ? 'not stored: the disk of this gateway is full'
    : `not stored: ${error.reason === 'closed' ? 'the gateway is stopping' : 'the storage of this gateway failed'}`
}
