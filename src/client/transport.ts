/** What carries a client's requests, and the one error that a client's caller has to know. */

import { contentObject } from '../onem2m/content.ts'
import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'
import { type ResponseStatusCode, Status } from '../onem2m/status.ts'
import type { RequestReceiver } from './reception.ts'

/** Of mqtts and https. */
export interface TlsOptions {
  /** PEM texts: whom to trust beside the system's authorities, and who this client is. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** Takes any certificate for an answer: for a look at something, not for use. */
  readonly insecure?: boolean
}

export interface SendOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

export interface Transport {
  /**
   * Resolves with the response, whatever its status. Rejects with OneM2MResponseError TARGET_NOT_REACHABLE when there is none in time, or
   * with the signal's reason.
   */
  send(request: RequestPrimitive, options: SendOptions): Promise<ResponsePrimitive>
  /**
   * Has requests to `identity`, an AE-ID or CSE-ID, answered by `receive`. Resolves, when they can come, with the point of access under which
   * they do.
   */
  serve(identity: string, receive: RequestReceiver): Promise<string>
  /** Gives up what is under way, and everything that keeps the process running. */
  close(): Promise<void>
}

/** A request that did not succeed: refused by the CSE, or not answered (TARGET_NOT_REACHABLE). */
export class OneM2MResponseError extends Error {
  readonly responseStatusCode: ResponseStatusCode
  /** Absent when no response came. */
  readonly response: ResponsePrimitive | undefined

  constructor(responseStatusCode: ResponseStatusCode, text: string, response?: ResponsePrimitive, cause?: unknown) {
    super(text, cause === undefined ? undefined : { cause })
    this.name = 'OneM2MResponseError'
    this.responseStatusCode = responseStatusCode
    this.response = response
  }
}

const names = new Map<number, string>(Object.entries(Status).map(([name, code]) => [code, name]))

/** The error for a response of 4000 and above: its code, the code's name, and what the CSE says about it. */
export function errorOf(response: ResponsePrimitive): OneM2MResponseError {
  const { responseStatusCode: code, content } = response
  const reason = content === undefined ? undefined : contentObject(content)['m2m:dbg']
  const text = [code, names.get(code), typeof reason === 'string' ? `- ${reason}` : undefined]
  return new OneM2MResponseError(code, text.filter((part) => part !== undefined).join(' '), response)
}

/** The error for a request that nobody answered. */
export function unreachable(text: string, cause?: unknown): OneM2MResponseError {
  return new OneM2MResponseError(Status.TARGET_NOT_REACHABLE, text, undefined, cause)
}
