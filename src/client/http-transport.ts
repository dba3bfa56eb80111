/** A client's requests over HTTP(S), to the CSE at one base URL, and the listener through which that CSE sends requests to the client. */

import { decodeHttpResponse, encodeHttpRequest } from '../onem2m/http-mapping.ts'
import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'
import { parseUrl } from './endpoint.ts'
import { HttpExchange, type HttpExchangeOptions } from './http-exchange.ts'
import { HttpListener, type HttpListenerOptions } from './http-listener.ts'
import type { RequestReceiver } from './reception.ts'
import { type SendOptions, type Transport, unreachable } from './transport.ts'

export interface HttpTransportOptions extends HttpExchangeOptions {
  /** Where requests to this client are listened for; on this machine, at any free port, by default. */
  readonly listen?: HttpListenerOptions
}

export class HttpTransport implements Transport {
  readonly #base: URL
  readonly #exchange: HttpExchange
  readonly #options: HttpTransportOptions
  #listener: HttpListener | undefined

  /** `url`: scheme, host and port of the CSE; a path is put before that of each request. */
  constructor(url: URL | string, options: HttpTransportOptions = {}) {
    this.#base = typeof url === 'string' ? parseUrl(url) : url
    this.#options = options
    this.#exchange = new HttpExchange(options)
  }

  async send(request: RequestPrimitive, options: SendOptions): Promise<ResponsePrimitive> {
    const message = encodeHttpRequest(request)
    const url = new URL(`${this.#base.pathname.replace(/\/+$/, '')}${message.path}`, this.#base)
    try {
      return decodeHttpResponse(await this.#exchange.send(url, message, options), request.requestIdentifier)
    } catch (error) {
      options.signal?.throwIfAborted()
      throw unreachable(`${url.origin}: ${error instanceof Error ? error.message : String(error)}`, error)
    }
  }

  serve(identity: string, receive: RequestReceiver): Promise<string> {
    this.#listener ??= new HttpListener(this.#options.listen)
    return this.#listener.serve(identity, receive)
  }

  async close(): Promise<void> {
    this.#exchange.close()
    await this.#listener?.stop()
  }
}
