/** Where connections come from: TCP over IPv4 and IPv6, WebSocket with the subprotocol `mqtt`, a Unix socket. MQTT 3.1.1 sections 4.2 and 6. */

import { lstatSync, unlinkSync } from 'node:fs'
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket, TlsOptions, Server as TlsServer } from 'node:tls'
import type { WebSocketServer } from 'ws'
import type { Clock, Timer } from '../onem2m/clock.ts'

export interface ListenAddress {
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
  readonly transport?: 'tcp' | 'websocket'
  /** Encrypted, where there is a certificate to show. */
  readonly tls?: ServerTls
}

/** What a listener needs of certificates. */
export interface ServerTls {
  readonly options: TlsOptions
  /** Has a server take certificates that come later. */
  serve(server: TlsServer): void
  /** URIs of the client's certificate; undefined when it showed one that is not good. */
  urisOf(socket: TLSSocket): readonly string[] | undefined
}

export interface ListenPath {
  /** Of a Unix socket. */
  readonly path: string
}

export type ListenPoint = ListenAddress | ListenPath

interface ListenerFacts {
  readonly point: ListenPoint
  readonly clock: Clock
  /** How long a client of a WebSocket listener may take to ask for one. */
  readonly connectTimeoutMs: number
  readonly maxPacketBytes: number
  /** Whether a socket may stay: asked as it comes, before anything is read from it. */
  admits(socket: Socket): boolean
  accept(connection: Duplex): void
  /** A connection was closed for what its client sent around MQTT. */
  closedMalformed(reason: string, remoteAddress: string | undefined): void
  /** A message of a WebSocket is larger than a packet may be. */
  closedOversized(remoteAddress: string | undefined): void
  /** Nobody asked for a WebSocket in time. */
  closedLate(): void
}

/**
 * What Node reads ahead of a connection that is not read from at the moment: in pieces as small as they come, each of which costs 300 bytes
 * more, so that the usual 64 KiB are 20 MiB for who sends byte by byte. The rest waits where the client notices.
 */
const highWaterMark = 1024

/** tls.createServer has no option for it. */
function readLittleAhead(socket: TLSSocket): void {
  const { _readableState: state } = socket as unknown as { readonly _readableState: { highWaterMark: number } }
  state.highWaterMark = highWaterMark
}

/** A socket has one timer until it is a WebSocket; Node would look at all of them again and again. */
const httpOptions = { highWaterMark, headersTimeout: 0, requestTimeout: 0, connectionsCheckingInterval: 2_147_483_647 }

export class Listener {
  readonly #facts: ListenerFacts
  #server: Server | HttpServer | undefined
  readonly #sockets = new Set<Socket>()
  #webSockets: WebSocketServer | undefined

  constructor(facts: ListenerFacts) {
    this.#facts = facts
  }

  async #createServer(): Promise<Server | HttpServer> {
    const { point, admits, accept } = this.#facts
    const tls = 'tls' in point ? point.tls : undefined
    const server =
      tls !== undefined
        ? await this.#createSecureServer(tls)
        : isWebSocket(point)
          ? createHttpServer(httpOptions, refuseRequest)
          : createServer({ highWaterMark }, (socket) => {
              if (!socket.destroyed) accept(socket)
            })
    server.prependListener('connection', (socket: Socket) => {
      if (!admits(socket)) {
        socket.destroy()
        return
      }
      // Half a round trip waits for nothing: Nagle's algorithm and delayed acknowledgements cost 40 ms together.
      socket.setNoDelay(true)
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    return server
  }

  /** What it needs of Node is loaded only where it is used: 3 MiB. */
  async #createSecureServer(tls: ServerTls): Promise<TlsServer> {
    const { point, accept } = this.#facts
    const server = isWebSocket(point)
      ? (await import('node:https')).createServer({ ...tls.options, ...httpOptions }, refuseRequest)
      : (await import('node:tls')).createServer(tls.options, (socket) => {
          const certificateUris = tls.urisOf(socket)
          readLittleAhead(socket)
          if (certificateUris === undefined) socket.destroy()
          else accept(Object.assign(socket, { certificateUris }))
        })
    tls.serve(server)
    // A handshake that fails is the client's to notice.
    server.on('tlsClientError', (_error, socket) => socket.destroy())
    return server
  }

  /** The address in use; of a Unix socket its path. Rejects with the system's error when it can't be had. */
  async start(): Promise<ListenPoint> {
    const { point } = this.#facts
    const server = await this.#createServer()
    this.#server = server
    if (isWebSocket(point)) await this.#acceptWebSockets(server as HttpServer)
    try {
      await this.#listen(server)
    } catch (error) {
      const isInUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (!('path' in point) || !isInUse || !(await isAbandoned(point.path))) throw error
      unlinkSync(point.path)
      await this.#listen(server)
    }
    const address = server.address()
    return typeof address === 'object' && address !== null ? { ...point, port: address.port } : point
  }

  #listen(server: Server | HttpServer): Promise<void> {
    const { point } = this.#facts
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen('path' in point ? { path: point.path } : { host: point.host, port: point.port }, () => {
        server.removeListener('error', reject)
        resolve()
      })
    })
  }

  /** Stops accepting. */
  close(): void {
    this.#webSockets?.close()
    this.#server?.close()
  }

  /** Ends what is still connected. */
  destroyConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Loaded only where it is used: the package and what it needs take 3 MiB. */
  async #acceptWebSockets(server: HttpServer): Promise<void> {
    const { createWebSocketStream, WebSocketServer } = await import('ws')
    const { point, clock, connectTimeoutMs, maxPacketBytes, accept, closedMalformed, closedOversized, closedLate } =
      this.#facts
    const tls = 'tls' in point ? point.tls : undefined
    const deadlines = new WeakMap<Socket, Timer>()
    server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      const deadline = clock.after(connectTimeoutMs, () => {
        closedLate()
        socket.destroy()
      })
      deadlines.set(socket, deadline)
      socket.once('close', () => deadline.cancel())
    })
    this.#webSockets = new WebSocketServer({
      server,
      // [MQTT-6.0.0-4]
      handleProtocols: (offered) => (offered.has('mqtt') ? 'mqtt' : false),
      verifyClient: ({ req }: { readonly req: IncomingMessage }) => isWelcome(req),
      perMessageDeflate: false,
      maxPayload: maxPacketBytes,
      // Each piece costs 300 bytes beside what it holds, which may be one.
      maxBufferedChunks: 4096,
      maxFragments: 1024,
    })
    this.#webSockets.on('connection', (webSocket, request) => {
      const { remoteAddress } = request.socket
      deadlines.get(request.socket)?.cancel()
      // What is refused may still send what is no WebSocket's, and nobody else would hear of it.
      webSocket.on('error', ({ message, code = '' }: NodeJS.ErrnoException) => {
        if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') closedOversized(remoteAddress)
        else if (code.startsWith('WS_ERR_')) closedMalformed(message, remoteAddress)
      })
      const certificateUris = tls === undefined ? [] : tls.urisOf(request.socket as TLSSocket)
      if (certificateUris === undefined) {
        webSocket.terminate()
        return
      }
      const stream = createWebSocketStream(webSocket, { highWaterMark })
      // [MQTT-6.0.0-1]
      webSocket.prependListener('message', (_, isBinary) => {
        if (isBinary || stream.destroyed) return
        closedMalformed('a frame of a WebSocket is text', remoteAddress)
        stream.destroy()
      })
      accept(Object.assign(stream, { remoteAddress, certificateUris }))
    })
  }
}

function isWebSocket(point: ListenPoint): boolean {
  return 'transport' in point && point.transport === 'websocket'
}

function refuseRequest(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end('MQTT over WebSocket, subprotocol mqtt\n')
}

/** [MQTT-6.0.0-3]: a client offers `mqtt`. A page of another site does not speak for the person who looks at it. */
function isWelcome(request: IncomingMessage): boolean {
  const { host, origin, 'sec-websocket-protocol': protocols = '' } = request.headers
  if (!protocols.split(/\s*,\s*/).includes('mqtt')) return false
  return origin === undefined || URL.parse(origin)?.host === host
}

/** The socket of a process that was killed is still there, and nobody answers. What is no socket is somebody's file. */
async function isAbandoned(path: string): Promise<boolean> {
  if (!lstatSync(path).isSocket()) return false
  return await new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('connect', () => resolve(false)).once('error', () => resolve(true))
    socket.once('connect', () => socket.destroy())
  })
}
