/**
 * oneM2M over WebSockets (TS-0020): who may open one and in which sub-protocol, which entity is behind which connection, and that nobody
 * stays who is gone. It listens nowhere itself: the HTTP binding hands it the connections that ask for it.
 */

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Delivery, RequestContext, Requester, RequestHandler } from '../cse/handler.ts'
import type { Clock, Timer } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import { entityOfIdentifier, type OwnIdentity } from '../onem2m/mqtt-mapping.ts'
import type { ResponsePrimitive } from '../onem2m/primitive.ts'
import type { Serialization } from '../onem2m/serialization.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import type { Upgrade } from './http.ts'
import { endWith } from './http-raw-answer.ts'
import { WebSocketCalls } from './websocket-call.ts'
import { pieces, WebSocketSession } from './websocket-session.ts'

export interface WebSocketBindingOptions {
  readonly handler: RequestHandler
  readonly own: OwnIdentity
  readonly clock: Clock
  readonly log: Log
  /** A longer message closes its connection. */
  readonly maxMessageBytes?: number
  /** Requests of one connection under way; it is read no further while there are so many, but for what came in the same read. */
  readonly maxInFlight?: number
  /** Unsent data of one connection beyond which it is closed. */
  readonly maxUnsentBytes?: number
  /** Whoever has not answered a ping when the next one is due is gone. */
  readonly pingIntervalMs?: number
  /** How long `stop` waits for the responses under way, and for the other ends to close. */
  readonly drainTimeoutMs?: number
}

/** TS-0020 6.2; the second form is how release 2 wrote them. */
const subProtocol = /^oneM2M\.(?:R\d\.\d\.)?(json|cbor)$/

/** A point of access that says where to, unlike the bare scheme of "over a connection that is open here". */
const isUrl = /^wss?:\/\/./

const GOING_AWAY = 1001
const defaultMessageBytes = 256 * 1024
const defaultUnsentBytes = 8 * 1024 * 1024
/** Entities behind one connection that can be notified over it, a gateway of devices for example. */
const MAX_ENTITIES = 256

export class WebSocketBinding implements Requester, Upgrade {
  readonly schemes = ['ws', 'wss'] as const
  readonly #options: WebSocketBindingOptions
  readonly #server: WebSocketServer
  /** With the entities behind each. */
  readonly #sessions = new Map<WebSocketSession, Set<string>>()
  /** The connection that an entity used last. */
  readonly #sessionByEntity = new Map<string, WebSocketSession>()
  readonly #calls: WebSocketCalls
  #isRunning = false
  #pings: Timer | undefined
  #whenEmpty: (() => void) | undefined

  constructor(options: WebSocketBindingOptions) {
    this.#options = options
    const { clock, log, maxMessageBytes = defaultMessageBytes, maxUnsentBytes = defaultUnsentBytes } = options
    this.#calls = new WebSocketCalls({ clock, log, maxMessageBytes, maxUnsentBytes })
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      // It holds several hundred KiB for each connection.
      perMessageDeflate: false,
      maxPayload: maxMessageBytes,
      ...pieces,
      handleProtocols: (offered) => [...offered].find((name) => subProtocol.test(name)) ?? false,
    })
  }

  start(): void {
    this.#isRunning = true
  }

  /** Reads no more, sends the responses under way, and closes all connections; those that take too long are cut. */
  async stop(): Promise<void> {
    this.#isRunning = false
    this.#pings?.cancel()
    this.#pings = undefined
    this.#calls.stop()
    if (this.#sessions.size === 0) return
    const isEmpty = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
    })
    const timer = this.#options.clock.after(this.#options.drainTimeoutMs ?? 2000, () => {
      for (const session of this.#sessions.keys()) session.cut()
    })
    for (const session of this.#sessions.keys()) session.close(GOING_AWAY, 'the gateway stops')
    await isEmpty
    timer.cancel()
  }

  get connections(): number {
    return this.#sessions.size
  }

  accept(incoming: IncomingMessage, socket: Duplex, head: Buffer, context: RequestContext): void {
    const offered = incoming.headers['sec-websocket-protocol'] ?? ''
    const isSpoken = offered.split(',').some((name) => subProtocol.test(name.trim()))
    if (!this.#isRunning) endWith(socket, 503, Status.TARGET_NOT_REACHABLE, 'the gateway stops')
    else if (!isSpoken)
      endWith(
        socket,
        400,
        Status.BAD_REQUEST,
        `Sec-WebSocket-Protocol: got "${offered.slice(0, 80)}", expected oneM2M.json or oneM2M.cbor`,
      )
    else this.#server.handleUpgrade(incoming, socket, head, (webSocket) => this.#open(webSocket, context))
  }

  /** False when the only way to a target would be a connection that it opened here, and there is none. */
  reaches({ pointOfAccess, target }: Pick<Delivery, 'pointOfAccess' | 'target'>): boolean {
    return isUrl.test(pointOfAccess) || this.#sessionOf(target) !== undefined
  }

  /**
   * Sends over the connection that the target used last, else over one that is opened to a point of access that is a URL. Rejects with
   * TARGET_NOT_REACHABLE when there is none, with REQUEST_TIMEOUT when no response comes in time.
   */
  async send(delivery: Delivery): Promise<ResponsePrimitive> {
    const { pointOfAccess, target, request, timeoutMs } = delivery
    const session = this.#sessionOf(target)
    if (session !== undefined) return session.send(request, timeoutMs)
    if (isUrl.test(pointOfAccess)) return this.#calls.send(delivery)
    throw new OneM2MError(Status.TARGET_NOT_REACHABLE, `${target ?? pointOfAccess}: has no WebSocket open here`)
  }

  #sessionOf(target: string | undefined): WebSocketSession | undefined {
    return target === undefined ? undefined : this.#sessionByEntity.get(entityOfIdentifier(target, this.#options.own))
  }

  #open(webSocket: WebSocket, context: RequestContext): void {
    const { handler, own, clock, log, maxInFlight = 64, maxUnsentBytes = defaultUnsentBytes } = this.#options
    const session = new WebSocketSession({
      webSocket,
      serialization: subProtocol.exec(webSocket.protocol)?.[1] as Serialization,
      context,
      handler,
      clock,
      log,
      maxInFlight,
      maxUnsentBytes,
      onEntity: (identifier) => {
        const entity = entityOfIdentifier(identifier, own)
        if (handler.mayUse?.(entity, context) !== false) this.#learn(session, entity)
      },
      onClosed: () => this.#forget(session),
    })
    this.#sessions.set(session, new Set())
    session.start()
    this.#pings ??= this.#schedulePings()
  }

  #learn(session: WebSocketSession, entity: string): void {
    const entities = this.#sessions.get(session)
    if (entities === undefined || (entities.size >= MAX_ENTITIES && !entities.has(entity))) return
    entities.add(entity)
    this.#sessionByEntity.set(entity, session)
  }

  #forget(session: WebSocketSession): void {
    for (const entity of this.#sessions.get(session) ?? [])
      if (this.#sessionByEntity.get(entity) === session) this.#sessionByEntity.delete(entity)
    this.#sessions.delete(session)
    if (this.#sessions.size > 0) return
    this.#pings?.cancel()
    this.#pings = undefined
    this.#whenEmpty?.()
  }

  #schedulePings(): Timer {
    return this.#options.clock.after(this.#options.pingIntervalMs ?? 60_000, () => {
      for (const session of this.#sessions.keys()) session.ping()
      this.#pings = this.#schedulePings()
    })
  }
}
