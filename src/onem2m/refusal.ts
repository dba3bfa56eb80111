/** The response to what is no valid request: as much of its identity as can be made out, so that it still finds its originator. */

import type { Json } from './content.ts'
import { encodeResponse, identifyRequest, recoverRequestIdentifier } from './parameter.ts'
import type { OneM2MError } from './status.ts'

/** JSON text of the response. `wire` is null when the payload could not even be read. */
export function encodeRefusal(error: OneM2MError, wire: Json, payload: Buffer): string {
  const identity = identifyRequest(wire)
  const requestIdentifier =
    identity.requestIdentifier ?? (wire === null ? recoverRequestIdentifier(payload.toString()) : undefined)
  const content = { 'm2m:dbg': error.message }
  // Without an identifier that could be made out the member is left out: an empty one is nobody's.
  return requestIdentifier === undefined
    ? JSON.stringify({ rsc: error.status, pc: content })
    : encodeResponse({ ...identity, responseStatusCode: error.status, requestIdentifier, content })
}
