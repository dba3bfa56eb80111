/**
 * WebSockets that this gateway opens itself, to targets whose point of access or notification URI is one (TS-0020): one for each URL, kept
 * while it is used.
 */

import { WebSocket } from 'ws'
import type { Delivery, RequestHandler } from '../cse/handler.ts'
import type { Clock, Timer } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import type { ResponsePrimitive } from '../onem2m/primitive.ts'
import { type Serialization, serializationOfUrl } from '../onem2m/serialization.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { pieces, WebSocketSession } from './websocket-session.ts'

export interface WebSocketCallOptions {
  readonly clock: Clock
  readonly log: Log
  readonly maxMessageBytes: number
  readonly maxUnsentBytes: number
}

interface Call {
  readonly session: Promise<WebSocketSession>
  idle: Timer | undefined
}

/** URLs that connections are kept to; the one that was opened first is closed when there is one more. */
const maxCalls = 64
const idleMs = 60_000
const normalClosure = 1000

/** Who was called may answer; requests have other ways. */
const takesNone: RequestHandler = {
  handle({ requestIdentifier }, _context, respond) {
    respond({ responseStatusCode: Status.ORIGINATOR_NOT_AUTHENTICATED, requestIdentifier })
  },
}

export class WebSocketCalls {
  readonly #options: WebSocketCallOptions
  readonly #calls = new Map<string, Call>()

  constructor(options: WebSocketCallOptions) {
    this.#options = options
  }

  /**
   * Sends over a connection to the point of access, which is opened when there is none. Without a target nothing oneM2M has to answer there
   * (TS-0004 7.3.1.3). Rejects with TARGET_NOT_REACHABLE, or with REQUEST_TIMEOUT when a target does not answer in time.
   */
  async send(delivery: Delivery): Promise<ResponsePrimitive> {
    const { pointOfAccess, target, request, timeoutMs } = delivery
    const serialization = serializationOfUrl(pointOfAccess) ?? delivery.serialization ?? 'json'
    const key = `${serialization} ${pointOfAccess}`
    let call = this.#calls.get(key)
    if (call === undefined) {
      call = { session: this.#open(key, pointOfAccess, serialization, timeoutMs), idle: undefined }
      this.#calls.set(key, call)
      const first = this.#calls.size > maxCalls ? [...this.#calls.keys()][0] : undefined
      if (first !== undefined) this.#end(first)
    }
    const session = await call.session
    call.idle?.cancel()
    call.idle = this.#options.clock.after(idleMs, () => this.#end(key))
    const response = session.send(request, timeoutMs)
    if (target !== undefined) return response
    response.catch(() => {})
    return { responseStatusCode: Status.OK, requestIdentifier: request.requestIdentifier }
  }

  /** Closes all connections. */
  stop(): void {
    for (const key of [...this.#calls.keys()]) this.#end(key)
  }

  #open(key: string, url: string, serialization: Serialization, timeoutMs: number): Promise<WebSocketSession> {
    const { clock, log, maxMessageBytes, maxUnsentBytes } = this.#options
    return new Promise((resolve, reject) => {
      const fail = (reason: string) => {
        this.#calls.delete(key)
        reject(new OneM2MError(Status.TARGET_NOT_REACHABLE, `${url}: ${reason}`))
      }
      let webSocket: WebSocket
      try {
        webSocket = new WebSocket(url.replace(/[?&]ct=[^&]*/, ''), `oneM2M.${serialization}`, {
          perMessageDeflate: false,
          handshakeTimeout: timeoutMs,
          maxPayload: maxMessageBytes,
          ...pieces,
        })
      } catch (error) {
        fail(String(error))
        return
      }
      const session = new WebSocketSession({
        webSocket,
        serialization,
        context: { source: 'network' },
        handler: takesNone,
        clock,
        log,
        maxInFlight: 1,
        maxUnsentBytes,
        onEntity() {},
        onClosed: () => {
          this.#calls.get(key)?.idle?.cancel()
          fail('its WebSocket was closed')
        },
      })
      session.start()
      webSocket.once('error', (error) => fail(error.message))
      webSocket.once('open', () => resolve(session))
    })
  }

  #end(key: string): void {
    const call = this.#calls.get(key)
    this.#calls.delete(key)
    call?.idle?.cancel()
    call?.session.then(
      (session) => session.close(normalClosure, 'not used any more'),
      () => {},
    )
  }
}
