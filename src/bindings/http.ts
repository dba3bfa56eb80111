/**
 * oneM2M over HTTP (TS-0009) as a server: sockets, limits and time-outs, and one complete message for every request, however malformed.
 * What a message means is in onem2m/http-mapping.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { RequestContext, RequestHandler } from '../cse/handler.ts'
import type { Clock } from '../onem2m/clock.ts'
import { allowedMethods, decodeHttpRequest, encodeHttpResponse, type HttpRequestHead } from '../onem2m/http-mapping.ts'
import type { Log } from '../onem2m/log.ts'
import { type RequestPrimitive, type ResponsePrimitive, ResponseTypeValue } from '../onem2m/primitive.ts'
import { OneM2MError, type ResponseStatusCode, Status } from '../onem2m/status.ts'

export interface HttpListener {
  readonly host: string
  /** 0 takes any free port; `addresses` tells which. */
  readonly port: number
}

export interface HttpBindingOptions {
  readonly listeners: readonly HttpListener[]
  readonly handler: RequestHandler
  readonly clock: Clock
  readonly log: Log
  /** A request identifier for a request that came without X-M2M-RI. */
  readonly newRequestIdentifier: () => string
  readonly maxBodyBytes?: number
  readonly maxHeaderBytes?: number
  /** Connections per listener; more are closed at once. */
  readonly maxConnections?: number
  readonly headersTimeoutMs?: number
  readonly requestTimeoutMs?: number
  readonly keepAliveTimeoutMs?: number
  /** How long `stop` waits for requests under way. */
  readonly drainTimeoutMs?: number
}

/** A connection whose message node:http did not take. */
interface RawSocket {
  readonly writable: boolean
  end(text: string): void
  destroy(): void
}

const allow = allowedMethods.join(', ')

/** Statuses of messages that node:http could not read. */
const unreadable: Readonly<Record<string, readonly [status: number, code: ResponseStatusCode, text: string]>> = {
  HPE_HEADER_OVERFLOW: [431, Status.BAD_REQUEST, 'header fields: too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, Status.REQUEST_TIMEOUT, 'request: not complete in time'],
}

export class HttpBinding {
  readonly #options: HttpBindingOptions
  readonly #maxBodyBytes: number
  readonly #servers: Server[] = []
  #isStopping = false
  #hasReportedDrop = false

  constructor(options: HttpBindingOptions) {
    this.#options = options
    this.#maxBodyBytes = options.maxBodyBytes ?? 1024 * 1024
  }

  /** Listens on all listeners; rejects with the system's error, and listens on none, when one can't be had. */
  async start(): Promise<void> {
    this.#isStopping = false
    try {
      for (const { host, port } of this.#options.listeners) {
        const server = this.createServer()
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
    this.#isStopping = true
    const servers = this.#servers.splice(0)
    const timer = this.#options.clock.after(this.#options.drainTimeoutMs ?? 5000, () => {
      for (const server of servers) server.closeAllConnections()
    })
    await Promise.all(servers.map((server) => new Promise<void>((resolve) => void server.close(() => resolve()))))
    timer.cancel()
  }

  /** A server that serves this binding and does not listen yet; `start` makes one for each listener. */
  createServer(): Server {
    const options = this.#options
    const server = createServer(
      {
        noDelay: true,
        // Peers on small devices leave it out, and nothing here depends on it.
        requireHostHeader: false,
        maxHeaderSize: options.maxHeaderBytes ?? 16 * 1024,
        headersTimeout: options.headersTimeoutMs ?? 15_000,
        requestTimeout: options.requestTimeoutMs ?? 60_000,
        keepAliveTimeout: options.keepAliveTimeoutMs ?? 60_000,
        // A timer of node:http that runs also when nothing happens: seldom, therefore.
        connectionsCheckingInterval: 60_000,
      },
      (incoming, outgoing) => this.#receive(incoming, outgoing),
    )
    server.maxConnections = options.maxConnections ?? 256
    server.on('drop', () => {
      if (this.#hasReportedDrop) return
      this.#hasReportedDrop = true
      options.log.warn('HTTP connection limit reached, further connections are closed', {
        limit: server.maxConnections,
      })
    })
    server.on('clientError', refuseUnreadable)
    // These leave the path of ordinary requests, and would otherwise go unanswered.
    server.on('connect', (_incoming, socket) => refuseMethod(socket))
    return server
  }

  #receive(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = '', headers } = incoming
    if (method === 'OPTIONS') {
      outgoing.writeHead(204, { Allow: allow, ...identification(incoming, Status.OK) }).end()
      return
    }
    if (!allowedMethods.includes(method)) {
      this.#refuse(incoming, outgoing, Status.OPERATION_NOT_ALLOWED, `method: got ${method}, expected one of ${allow}`)
      return
    }
    if (Number(headers['content-length']) > this.#maxBodyBytes) this.#refuseSize(incoming, outgoing)
    else if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined)
      this.#serve(incoming, outgoing, '')
    else this.#readBody(incoming, outgoing)
  }

  #readBody(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const chunks: Buffer[] = []
    let length = 0
    incoming.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= this.#maxBodyBytes) chunks.push(chunk)
      else if (!outgoing.headersSent) {
        chunks.length = 0
        this.#refuseSize(incoming, outgoing)
      }
    })
    incoming.on('end', () => {
      if (!outgoing.headersSent) this.#serve(incoming, outgoing, Buffer.concat(chunks, length).toString())
    })
  }

  #serve(incoming: IncomingMessage, outgoing: ServerResponse, body: string): void {
    const { handler, newRequestIdentifier } = this.#options
    const fallback = headerText(incoming, 'x-m2m-ri') ?? newRequestIdentifier()
    let request: RequestPrimitive
    try {
      request = decodeHttpRequest(headOf(incoming), body, fallback)
    } catch (error) {
      if (!(error instanceof OneM2MError)) throw error
      this.#refuse(incoming, outgoing, error.status, error.message, fallback)
      return
    }
    handler.handle(request, contextOf(incoming), (response) => {
      const { responseType } = request
      // HTTP has no way to be silent: an acceptance without content is the least it can say.
      this.#write(
        outgoing,
        responseType?.responseTypeValue === ResponseTypeValue.NO_RESPONSE
          ? { responseStatusCode: Status.ACCEPTED, requestIdentifier: response.requestIdentifier }
          : response,
      )
    })
  }

  #refuse(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    responseStatusCode: ResponseStatusCode,
    text: string,
    requestIdentifier = headerText(incoming, 'x-m2m-ri') ?? this.#options.newRequestIdentifier(),
    status?: number,
  ): void {
    this.#options.log.debug('request refused', { remoteAddress: incoming.socket.remoteAddress, reason: text })
    const releaseVersionIndicator = headerText(incoming, 'x-m2m-rvi')
    if (responseStatusCode === Status.OPERATION_NOT_ALLOWED) outgoing.setHeader('Allow', allow)
    this.#write(
      outgoing,
      {
        responseStatusCode,
        requestIdentifier,
        ...(releaseVersionIndicator === undefined ? {} : { releaseVersionIndicator }),
        content: { 'm2m:dbg': text },
      },
      status,
    )
  }

  /** Before the rest is read; whoever still sends it finds the connection closed. */
  #refuseSize(incoming: IncomingMessage, outgoing: ServerResponse): void {
    outgoing.setHeader('Connection', 'close')
    const text = `body: too large, expected at most ${this.#maxBodyBytes} bytes`
    this.#refuse(incoming, outgoing, Status.BAD_REQUEST, text, undefined, 413)
  }

  /** One write: node:http puts the head and a string that comes with `end` together. */
  #write(outgoing: ServerResponse, response: ResponsePrimitive, status?: number): void {
    const message = encodeHttpResponse(response)
    // Now and not when the request came: stop waits for the connection, not only for its response.
    if (this.#isStopping) outgoing.setHeader('Connection', 'close')
    outgoing.writeHead(status ?? message.status, {
      ...message.headers,
      'Content-Length': Buffer.byteLength(message.body),
    })
    outgoing.end(message.body)
  }
}

function identification(incoming: IncomingMessage, code: ResponseStatusCode): Record<string, string> {
  const requestIdentifier = headerText(incoming, 'x-m2m-ri')
  return { 'X-M2M-RSC': String(code), ...(requestIdentifier === undefined ? {} : { 'X-M2M-RI': requestIdentifier }) }
}

function headOf({ method = '', url = '/', headers }: IncomingMessage): HttpRequestHead {
  return { method, target: url, headers }
}

function headerText(incoming: IncomingMessage, name: string): string | undefined {
  const value = incoming.headers[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function contextOf({ socket: { remoteAddress } }: IncomingMessage): RequestContext {
  if (remoteAddress === undefined) return { source: 'network' }
  return { source: isLoopback(remoteAddress) ? 'local' : 'network', remoteAddress }
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}

function refuseUnreadable(error: NodeJS.ErrnoException, socket: RawSocket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, code, text] = unreadable[error.code ?? ''] ?? [400, Status.BAD_REQUEST, `request: ${error.message}`]
  endWith(socket, status, code, text)
}

function refuseMethod(socket: RawSocket): void {
  endWith(
    socket,
    405,
    Status.OPERATION_NOT_ALLOWED,
    `method: got CONNECT, expected one of ${allow}`,
    `Allow: ${allow}\r\n`,
  )
}

/** A whole message, for a socket that has no ServerResponse. */
function endWith(socket: RawSocket, status: number, code: ResponseStatusCode, text: string, headers = ''): void {
  const body = JSON.stringify({ 'm2m:dbg': text })
  socket.end(
    `HTTP/1.1 ${status} \r\nX-M2M-RSC: ${code}\r\n${headers}Content-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
