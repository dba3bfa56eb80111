/** One WebSocket of a oneM2M entity: requests and responses in both directions, and how much of each it may have under way. */

import type { WebSocket } from 'ws'
import type { RequestContext, RequestHandler } from '../cse/handler.ts'
import type { Clock } from '../onem2m/clock.ts'
import { contentObject, isJsonObject, type Json } from '../onem2m/content.ts'
import type { Log } from '../onem2m/log.ts'
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from '../onem2m/parameter.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive, ResponseTypeValue } from '../onem2m/primitive.ts'
import { encodeRefusal } from '../onem2m/refusal.ts'
import { parse, type Serialization, serialize } from '../onem2m/serialization.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { ResponseWait } from './response-wait.ts'

/** In how many pieces a message may come: each costs 300 bytes beside what it holds, which may be one. */
export const pieces = { maxBufferedChunks: 4096, maxFragments: 1024 } as const

export interface WebSocketSessionOptions {
  readonly webSocket: WebSocket
  readonly serialization: Serialization
  readonly context: RequestContext
  readonly handler: RequestHandler
  readonly clock: Clock
  readonly log: Log
  readonly maxInFlight: number
  readonly maxUnsentBytes: number
  /** A request of this AE-ID or CSE-ID over this connection was granted. */
  onEntity(identifier: string): void
  /** Once, whichever side closed and why. */
  onClosed(): void
}

/** Notifications of one connection that wait for a response. */
const MAX_PENDING = 256
const AE = 2

export class WebSocketSession {
  readonly #options: WebSocketSessionOptions
  readonly #wait: ResponseWait
  #inFlight = 0
  #isAnswering = true
  #closing: readonly [code: number, reason: string] | undefined

  constructor(options: WebSocketSessionOptions) {
    this.#options = options
    this.#wait = new ResponseWait({ clock: options.clock, limit: MAX_PENDING })
  }

  start(): void {
    const { webSocket, log, context, onClosed } = this.#options
    webSocket.on('message', (data: Buffer) => this.#receive(data))
    webSocket.on('pong', () => {
      this.#isAnswering = true
    })
    // 'close' follows.
    webSocket.on('error', (error) =>
      log.debug('WebSocket failed', { remoteAddress: context.remoteAddress, reason: error.message }),
    )
    webSocket.on('close', () => {
      this.#wait.failAll(new OneM2MError(Status.TARGET_NOT_REACHABLE, 'its WebSocket was closed'))
      onClosed()
    })
  }

  /** Takes no more requests; closes when those under way are answered. */
  close(code: number, reason: string): void {
    this.#closing = [code, reason]
    if (this.#inFlight === 0) this.#close()
  }

  cut(): void {
    this.#options.webSocket.terminate()
  }

  ping(): void {
    if (!this.#isAnswering) {
      this.cut()
      return
    }
    this.#isAnswering = false
    this.#options.webSocket.ping()
  }

  /** Rejects with TARGET_NOT_REACHABLE or REQUEST_TIMEOUT. */
  async send(request: RequestPrimitive, timeoutMs: number): Promise<ResponsePrimitive> {
    const { requestIdentifier: key, to } = request
    if (this.#wait.isFull || this.#wait.has(key))
      throw new OneM2MError(Status.TARGET_NOT_REACHABLE, `${to}: too many requests wait for a response`)
    const response = this.#wait.response(key, to, timeoutMs)
    this.#write(encodeRequest(request))
    return response
  }

  #receive(data: Buffer): void {
    if (this.#closing !== undefined) return
    const { serialization, handler, context, log } = this.#options
    let wire: Json = null
    let request: RequestPrimitive
    try {
      wire = parse(data, serialization, 'payload')
      if (isResponse(wire)) {
        const response = decodeResponse(wire)
        this.#wait.answer(response.requestIdentifier, response)
        return
      }
      request = decodeRequest(wire)
    } catch (error) {
      if (!(error instanceof OneM2MError)) throw error
      log.debug('message refused', { remoteAddress: context.remoteAddress, reason: error.message })
      // A response that is malformed deserves none.
      if (!isResponse(wire)) this.#write(encodeRefusal(error, wire, data))
      return
    }
    this.#inFlight++
    if (this.#inFlight >= this.#options.maxInFlight) this.#options.webSocket.pause()
    handler.handle(request, context, (response) => this.#answer(request, response))
  }

  #answer(request: RequestPrimitive, response: ResponsePrimitive): void {
    this.#inFlight--
    if (this.#options.webSocket.isPaused) this.#options.webSocket.resume()
    this.#learnEntity(request, response)
    if (request.responseType?.responseTypeValue !== ResponseTypeValue.NO_RESPONSE) this.#write(encodeResponse(response))
    if (this.#closing !== undefined && this.#inFlight === 0) this.#close()
  }

  /** Only what was granted counts: who claims a name and is refused does not get what is meant for it. */
  #learnEntity(request: RequestPrimitive, { responseStatusCode, content }: ResponsePrimitive): void {
    if (responseStatusCode >= 4000) return
    let identifier = request.originator
    if (request.operation === Operation.CREATE && request.resourceType === AE) {
      // Before it registers an AE may have no identifier, or only the first letter of one.
      const created = content === undefined ? undefined : contentObject(content)['m2m:ae']
      const assigned = isJsonObject(created) ? created['aei'] : undefined
      if (typeof assigned === 'string') identifier = assigned
      else if (identifier === 'C' || identifier === 'S') return
    }
    if (identifier !== undefined) this.#options.onEntity(identifier)
  }

  #write(json: string): void {
    const { webSocket, serialization, maxUnsentBytes, log, context } = this.#options
    if (webSocket.bufferedAmount > maxUnsentBytes) {
      log.warn('WebSocket closed: its client does not read', { remoteAddress: context.remoteAddress })
      this.cut()
      return
    }
    webSocket.send(serialize(json, serialization))
  }

  #close(): void {
    const [code, reason] = this.#closing ?? []
    this.#options.webSocket.close(code, reason)
  }
}

function isResponse(wire: Json): boolean {
  return isJsonObject(wire) && wire['op'] === undefined && (wire['rsc'] !== undefined || wire['m2m:rsp'] !== undefined)
}
