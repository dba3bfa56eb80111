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
  const { request } = execution
  const { status, content, createdAt, contentStatus, contentOffset } = outcome
  return {
    responseStatusCode: status,
    requestIdentifier: request.requestIdentifier,
    ...(request.releaseVersionIndicator === undefined
      ? {}
      : { releaseVersionIndicator: request.releaseVersionIndicator }),
    ...(content === undefined
      ? {}
      : {
          content:
            content instanceof Resource || content instanceof StoredInstance
              ? attributesContent(execution, content)
              : content,
        }),
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(contentStatus === undefined ? {} : { contentStatus }),
    ...(contentOffset === undefined ? {} : { contentOffset }),
  }
}

/** The response to a request that failed: TS-0004 6.4.2, with the reason for people. */
export function errorResponse(request: RequestPrimitive, status: ResponseStatusCode, text: string): ResponsePrimitive {
  return {
    responseStatusCode: status,
    requestIdentifier: request.requestIdentifier,
    ...(request.releaseVersionIndicator === undefined
      ? {}
      : { releaseVersionIndicator: request.releaseVersionIndicator }),
    content: { 'm2m:dbg': text },
  }
}

/** Why a change was not stored, as far as a requester may know. */
export function notStored(error: StoreError): string {
  return error.reason === 'full'
    ? 'not stored: the disk of this gateway is full'
    : `not stored: ${error.reason === 'closed' ? 'the gateway is stopping' : 'the storage of this gateway failed'}`
}
