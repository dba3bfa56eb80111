/** One HTTP message out and the whole answer back, over connections that are kept: the only place that opens HTTP connections. */

import { Agent, type IncomingMessage, request as requestHttp } from 'node:http'
import type { AgentOptions, request as requestHttps, Agent as SecureAgent } from 'node:https'
import type { HttpRequest, HttpResponse } from '../onem2m/http-mapping.ts'
import type { TlsOptions } from './transport.ts'

export interface HttpExchangeOptions extends TlsOptions {
  /** Connections at a time to one host; further messages wait. */
  readonly maxConnectionsPerHost?: number
  /** An answer with a longer body is refused. */
  readonly maxBodyBytes?: number
}

export interface ExchangeOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

export class HttpExchange {
  readonly #plain: Agent
  readonly #secureOptions: AgentOptions
  #secure: { readonly agent: SecureAgent; readonly request: typeof requestHttps } | undefined
  readonly #maxBodyBytes: number

  constructor(options: HttpExchangeOptions = {}) {
    const { ca, cert, key, insecure, maxConnectionsPerHost: maxSockets = 16, maxBodyBytes = 16 * 1024 * 1024 } = options
    const pool = { keepAlive: true, maxSockets, maxFreeSockets: 4 }
    this.#plain = new Agent(pool)
    this.#secureOptions = { ...pool, ca, cert, key, rejectUnauthorized: insecure !== true }
    this.#maxBodyBytes = maxBodyBytes
  }

  /** Rejects with the system's error, with the reason of the signal, or with a TimeoutError when the answer is not complete in time. */
  async send(url: URL, message: Omit<HttpRequest, 'path'>, options: ExchangeOptions): Promise<HttpResponse> {
    const secure = url.protocol === 'https:' ? await this.#loadSecure() : undefined
    const timeout = AbortSignal.timeout(options.timeoutMs)
    const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout])
    return new Promise((resolve, reject) => {
      const settings = {
        method: message.method,
        // One write of known length: without it the body would be chunked.
        headers: { ...message.headers, 'Content-Length': Buffer.byteLength(message.body) },
        signal,
      }
      const outgoing =
        secure === undefined
          ? requestHttp(url, { ...settings, agent: this.#plain })
          : secure.request(url, { ...settings, agent: secure.agent })
      outgoing.on('error', (error) => reject(signal.aborted ? signal.reason : error))
      outgoing.on('response', (incoming) =>
        this.#read(incoming).then(resolve, (error) => reject(signal.aborted ? signal.reason : error)),
      )
      outgoing.end(message.body)
    })
  }

  /** TLS costs 5 MiB of memory, which a gateway without an https target does not spend. */
  async #loadSecure() {
    const { Agent, request } = await import('node:https')
    this.#secure ??= { agent: new Agent(this.#secureOptions), request }
    return this.#secure
  }

  /** Closes kept connections; requests under way are cut. */
  close(): void {
    this.#plain.destroy()
    this.#secure?.agent.destroy()
  }

  async #read(incoming: IncomingMessage): Promise<HttpResponse> {
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > this.#maxBodyBytes) throw new Error(`answer is longer than ${this.#maxBodyBytes} bytes`)
      chunks.push(chunk)
    }
    return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }
  }
}
