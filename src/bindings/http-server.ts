/** Where HTTP connections come from: sockets with their limits and time-outs, and an answer also to what is no request. RFC 9112. */

import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import type { TlsOptions, Server as TlsServer } from 'node:tls'
import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import { refuseConnect, refuseUnreadable } from './http-raw-answer.ts'

export interface HttpListener {
  readonly host: string
  /** 0 takes any free port; `addresses` tells which. */
  readonly port: number
  /** Encrypted, where there is a certificate to show. */
  readonly tls?: HttpTls
}

/** What a listener needs of certificates. */
export interface HttpTls {
  readonly options: TlsOptions
  /** Has a server take certificates that come later. */
  serve(server: TlsServer): void
}

export interface HttpServerOptions {
  readonly listeners: readonly HttpListener[]
  readonly clock: Clock
  readonly log: Log
  readonly maxHeaderBytes?: number
  /** Connections per listener; more are closed at once. */
  readonly maxConnections?: number
  readonly headersTimeoutMs?: number
  readonly requestTimeoutMs?: number
  readonly keepAliveTimeoutMs?: number
  /** How long `stop` waits for requests under way. */
  readonly drainTimeoutMs?: number
}

/** What is done with what comes. */
export interface HttpService {
  /** Whether a socket that was just accepted may stay. */
  admits(socket: Duplex): boolean
  receive(incoming: IncomingMessage, outgoing: ServerResponse): void
  /** Takes a connection that asks to become a WebSocket; without it that is not heard. */
  readonly upgrade: ((incoming: IncomingMessage, socket: Duplex, head: Buffer) => void) | undefined
  /** A connection was closed at once. */
  refused(): void
  /** What came was no request, or did not come in time. */
  unreadable(): void
}

export class HttpServers {
  readonly #options: HttpServerOptions
  readonly #service: HttpService
  readonly #servers: Server[] = []
  /** From when `stop` is called until it listens again: connections are not kept. */
  isStopping = false

  constructor(options: HttpServerOptions, service: HttpService) {
    this.#options = options
    this.#service = service
  }

  /** Listens on all listeners; rejects with the system's error, and listens on none, when one can't be had. */
  async start(): Promise<void> {
    this.isStopping = false
    try {
      for (const { host, port, tls } of this.#options.listeners) {
        const server = tls === undefined ? this.createServer() : await this.#createSecureServer(tls)
        this.#servers.push(server)
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject)
          server.listen({ host, port }, () => {
            server.off('error', reject)
            resolve()
          })
        })
      }
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** Where it listens, in the order of the listeners. */
  get addresses(): readonly HttpListener[] {
    return this.#servers.flatMap((server) => {
      const address = server.address()
      return address === null || typeof address === 'string' ? [] : [{ host: address.address, port: address.port }]
    })
  }

  /** Accepts no more, lets requests under way finish for `drainTimeoutMs`, then closes what is left. */
  async stop(): Promise<void> {
    this.isStopping = true
    const servers = this.#servers.splice(0)
    const timer = this.#options.clock.after(this.#options.drainTimeoutMs ?? 5000, () => {
      for (const server of servers) server.closeAllConnections()
    })
    await Promise.all(servers.map((server) => new Promise<void>((resolve) => void server.close(() => resolve()))))
    timer.cancel()
  }

  /** A server that does not listen yet; `start` makes one for each listener. */
  createServer(): Server {
    return this.#prepare(
      createServer(this.#serverOptions, (incoming, outgoing) => this.#service.receive(incoming, outgoing)),
    )
  }

  /** What it needs of Node is loaded only where it is used: 3 MiB. */
  async #createSecureServer(tls: HttpTls): Promise<Server> {
    const https = await import('node:https')
    const options = { ...this.#serverOptions, ...tls.options }
    const server = https.createServer(options, (incoming, outgoing) => this.#service.receive(incoming, outgoing))
    tls.serve(server)
    return this.#prepare(server)
  }

  get #serverOptions(): ServerOptions {
    const options = this.#options
    return {
      noDelay: true,
      // Peers on small devices leave it out, and nothing here depends on it.
      requireHostHeader: false,
      maxHeaderSize: options.maxHeaderBytes ?? 16 * 1024,
      headersTimeout: options.headersTimeoutMs ?? 15_000,
      requestTimeout: options.requestTimeoutMs ?? 60_000,
      keepAliveTimeout: options.keepAliveTimeoutMs ?? 60_000,
      // A timer of node:http that runs also when nothing happens: no more often than is needed.
      connectionsCheckingInterval: options.headersTimeoutMs ?? 15_000,
      // Other protocols that a client would rather speak (h2c) are ignored, as HTTP wants it.
      shouldUpgradeCallback: ({ headers }) =>
        this.#service.upgrade !== undefined && headers.upgrade?.toLowerCase() === 'websocket',
    }
  }

  #prepare(server: Server | HttpsServer): Server {
    const options = this.#options
    const service = this.#service
    server.prependListener('connection', (socket: Duplex) => {
      if (service.admits(socket)) return
      service.refused()
      socket.destroy()
    })
    server.maxConnections = options.maxConnections ?? 256
    server.on('drop', () => {
      service.refused()
      options.log.warn('HTTP: a connection was refused: there are as many as http.max_connections allows', {
        limit: server.maxConnections,
      })
    })
    server.on('clientError', (error, socket) => {
      if (refuseUnreadable(error, socket)) service.unreadable()
    })
    // These leave the path of ordinary requests: nobody else answers them, or listens to their errors, which close them.
    server.on('upgrade', (incoming, socket, head) => {
      socket.on('error', () => {})
      service.upgrade?.(incoming, socket, head)
    })
    server.on('connect', (_incoming, socket) => {
      socket.on('error', () => {})
      refuseConnect(socket)
    })
    return server
  }
}
