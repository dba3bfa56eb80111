/**
 * oneM2M over HTTP (TS-0009) as a server: who asks, whether they may now, and one complete message for every request, however malformed.
 * What a message means is in onem2m/http-mapping.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { RequestContext, RequestHandler } from '../cse/handler.ts'
import {
  allowedMethods,
  decodeHttpRequest,
  encodeHttpResponse,
  type HttpRequestHead,
  responseSerialization,
} from '../onem2m/http-mapping.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive, ResponseTypeValue } from '../onem2m/primitive.ts'
import type { Serialization } from '../onem2m/serialization.ts'
import { OneM2MError, type ResponseStatusCode, Status } from '../onem2m/status.ts'
import { BrowserPolicy } from './browser-policy.ts'
import { contextOf } from './connection-context.ts'
import { type Digest, withEntityTag } from './entity-tag.ts'
import { endWith } from './http-raw-answer.ts'
import { type HttpListener, type HttpServerOptions, HttpServers } from './http-server.ts'
import { type Allowance, boundless, type HttpStatistics, Shares } from './http-share.ts'

export interface HttpBindingOptions extends HttpServerOptions {
  readonly handler: RequestHandler
  /** Who sends a request; by default whoever reaches the listener. */
  readonly identify?: (incoming: IncomingMessage) => Identified | Promise<Identified>
  /** A request identifier for a request that came without X-M2M-RI. */
  readonly newRequestIdentifier: () => string
  /** None by default: no page of another origin may come. */
  readonly browsers?: BrowserPolicy
  /** Takes connections that ask to become WebSockets; that is not heard without. */
  readonly upgrade?: Upgrade
  /** Without it no ETag is sent. */
  readonly digest?: Digest
  /** Without it nobody's share is looked at. */
  readonly allowance?: Allowance
  readonly maxBodyBytes?: number
}

/** Who somebody is and may be taken for, or why nobody. */
export type Identified = { readonly context: RequestContext } | { readonly refusal: string }

/** What a connection becomes when it leaves HTTP. */
export interface Upgrade {
  accept(incoming: IncomingMessage, socket: Duplex, head: Buffer, context: RequestContext): void
}

const allow = allowedMethods.join(', ')
const maxChunks = 256

/** What a response does not say itself. */
interface Form {
  readonly serialization?: Serialization
  /** Where the table of TS-0009 has a less telling one. */
  readonly status?: number
  readonly isRetrieval?: boolean
  readonly ifNoneMatch?: string | undefined
}

export class HttpBinding {
  readonly #options: HttpBindingOptions
  readonly #maxBodyBytes: number
  readonly #browsers: BrowserPolicy
  readonly #servers: HttpServers
  readonly #shares: Shares

  constructor(options: HttpBindingOptions) {
    this.#options = options
    this.#shares = new Shares(options.allowance ?? boundless)
    this.#maxBodyBytes = options.maxBodyBytes ?? 1024 * 1024
    this.#browsers = options.browsers ?? new BrowserPolicy()
    this.#servers = new HttpServers(options, {
      admits: (socket) => options.allowance?.admits(socket) ?? true,
      receive: (incoming, outgoing) => this.#receive(incoming, outgoing),
      upgrade: options.upgrade && ((incoming, socket, head) => this.#upgrade(incoming, socket, head)),
      refused: () => this.statistics.httpRefusedConnections++,
      unreadable: () => this.statistics.httpUnreadable++,
    })
  }

  get statistics(): HttpStatistics {
    return this.#shares.statistics
  }

  /** Listens on all listeners; rejects with the system's error, and listens on none, when one can't be had. */
  start(): Promise<void> {
    return this.#servers.start()
  }

  /** Where it listens, in the order of the listeners. */
  get addresses(): readonly HttpListener[] {
    return this.#servers.addresses
  }

  /** Accepts no more, lets requests under way finish for `drainTimeoutMs`, then closes what is left. */
  stop(): Promise<void> {
    return this.#servers.stop()
  }

  /** A server that serves this binding and does not listen; `start` makes one for each listener. */
  createServer(): Server {
    return this.#servers.createServer()
  }

  #receive(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = '', headers } = incoming
    for (const [name, value] of Object.entries(this.#browsers.answerHeaders(headers))) outgoing.setHeader(name, value)
    if (!this.#browsers.allowsHost(headers, incoming.socket.localAddress)) {
      this.#refuse(incoming, outgoing, Status.ORIGINATOR_HAS_NO_PRIVILEGE, hostRefusal(incoming))
      return
    }
    if (method === 'OPTIONS') {
      const preflight = this.#browsers.preflightHeaders(headers)
      outgoing.writeHead(204, { Allow: allow, ...identification(incoming, Status.OK), ...preflight }).end()
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

  #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { headers } = incoming
    const code = Status.ORIGINATOR_HAS_NO_PRIVILEGE
    if (!this.#browsers.allowsHost(headers, incoming.socket.localAddress))
      endWith(socket, 403, code, hostRefusal(incoming))
    else if (!this.#browsers.allowsOrigin(headers))
      endWith(
        socket,
        403,
        code,
        `Origin: got ${headers.origin?.slice(0, 80)}, expected one that http.allowed_origins lists`,
      )
    else
      this.#identified(incoming, (identified) => {
        if ('refusal' in identified) endWith(socket, 401, Status.ORIGINATOR_NOT_AUTHENTICATED, identified.refusal)
        else this.#options.upgrade?.accept(incoming, socket, head, identified.context)
      })
  }

  #readBody(incoming: IncomingMessage, outgoing: ServerResponse): void {
    let chunks: Buffer[] = []
    let length = 0
    incoming.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= this.#maxBodyBytes) {
        // A chunk costs 300 bytes beside what it holds, which may be one.
        if (chunks.push(chunk) === maxChunks) chunks = [Buffer.concat(chunks)]
      } else if (!outgoing.headersSent) {
        chunks = []
        this.#refuseSize(incoming, outgoing)
      }
    })
    incoming.on('end', () => {
      if (!outgoing.headersSent) this.#serve(incoming, outgoing, Buffer.concat(chunks, length))
    })
  }

  #serve(incoming: IncomingMessage, outgoing: ServerResponse, body: Buffer | string): void {
    const { newRequestIdentifier } = this.#options
    const fallback = headerText(incoming, 'x-m2m-ri') ?? newRequestIdentifier()
    const head = headOf(incoming)
    let serialization: Serialization = 'json'
    let request: RequestPrimitive
    try {
      serialization = responseSerialization(head)
      request = decodeHttpRequest(head, body, fallback)
    } catch (error) {
      if (!(error instanceof OneM2MError)) throw error
      this.#refuse(incoming, outgoing, error.status, error.message, { requestIdentifier: fallback, serialization })
      return
    }
    this.#identified(incoming, (identified) => {
      if ('refusal' in identified) {
        outgoing.setHeader('WWW-Authenticate', 'Basic realm="oneM2M", Bearer')
        const form = { requestIdentifier: fallback, serialization, status: 401 }
        this.#refuse(incoming, outgoing, Status.ORIGINATOR_NOT_AUTHENTICATED, identified.refusal, form)
      } else
        this.#inTurn(identified.context, body.length, incoming, outgoing, () =>
          this.#execute(request, identified.context, incoming, outgoing, serialization),
        )
    })
  }

  /** Lets a request wait for as long as who sends it has had more than a share; that ends with 429 when it is long. */
  #inTurn(
    { principal, source, remoteAddress }: RequestContext,
    bodyBytes: number,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    execute: () => void,
  ): void {
    const { clock, log } = this.#options
    const sender = principal?.name ?? (source === 'network' ? remoteAddress : undefined)
    if (sender === undefined) {
      execute()
      return
    }
    const turn = this.#shares.enter(sender, bodyBytes)
    if ('bound' in turn) {
      const { bound, retryMs } = turn
      log.warn('HTTP: a request was refused: somebody asks for more than a share', { sender, bound })
      outgoing.setHeader('Retry-After', String(Math.ceil(retryMs / 1000)))
      this.#refuse(incoming, outgoing, Status.TARGET_NOT_REACHABLE, `more than ${bound} allows`, { status: 429 })
      return
    }
    outgoing.once('close', () => this.#shares.leave(sender))
    if (turn.waitMs === 0) execute()
    else clock.after(turn.waitMs, execute)
  }

  #identified(incoming: IncomingMessage, call: (identified: Identified) => void): void {
    const identified = this.#options.identify?.(incoming) ?? { context: contextOf(incoming.socket) }
    if (identified instanceof Promise) identified.then(call)
    else call(identified)
  }

  #execute(
    request: RequestPrimitive,
    context: RequestContext,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    serialization: Serialization,
  ): void {
    this.#options.handler.handle(request, context, (response) => {
      const { responseType } = request
      // HTTP has no way to be silent: an acceptance without content is the least it can say.
      this.#write(
        outgoing,
        responseType?.responseTypeValue === ResponseTypeValue.NO_RESPONSE
          ? { responseStatusCode: Status.ACCEPTED, requestIdentifier: response.requestIdentifier }
          : response,
        {
          serialization,
          isRetrieval: request.operation === Operation.RETRIEVE,
          ifNoneMatch: incoming.headers['if-none-match'],
        },
      )
    })
  }

  #refuse(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    responseStatusCode: ResponseStatusCode,
    text: string,
    {
      requestIdentifier = headerText(incoming, 'x-m2m-ri') ?? this.#options.newRequestIdentifier(),
      ...form
    }: Form & {
      readonly requestIdentifier?: string
    } = {},
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
      form,
    )
  }

  /** Before the rest is read; whoever still sends it finds the connection closed. */
  #refuseSize(incoming: IncomingMessage, outgoing: ServerResponse): void {
    outgoing.setHeader('Connection', 'close')
    const text = `body: too large, expected at most ${this.#maxBodyBytes} bytes`
    this.#refuse(incoming, outgoing, Status.BAD_REQUEST, text, { status: 413 })
  }

  /** One write: node:http puts the head and a string that comes with `end` together. */
  #write(outgoing: ServerResponse, response: ResponsePrimitive, form: Form): void {
    const encoded = encodeHttpResponse(response, form.serialization)
    const { digest } = this.#options
    const message =
      form.isRetrieval && digest !== undefined ? withEntityTag(encoded, digest, form.ifNoneMatch) : encoded
    // Now and not when the request came: stop waits for the connection, not only for its response.
    if (this.#servers.isStopping) outgoing.setHeader('Connection', 'close')
    // What has not changed has a length, which is not that of this message.
    if (message.status !== 304) message.headers['Content-Length'] = String(Buffer.byteLength(message.body))
    outgoing.writeHead(form.status ?? message.status, message.headers)
    outgoing.end(message.body)
  }
}

function hostRefusal({ headers: { host = '' } }: IncomingMessage): string {
  return `Host: got ${host.slice(0, 80)}, expected a name of this machine, its address, or a host in http.allowed_origins`
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
