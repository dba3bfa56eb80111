/** A client's requests over HTTP(S), to the CSE at one base URL. */

import { decodeHttpResponse, encodeHttpRequest } from '../onem2m/http-mapping.ts'
import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'
import { HttpExchange, type HttpExchangeOptions } from './http-exchange.ts'
import { type SendOptions, type Transport, unreachable } from './transport.ts'

export class HttpTransport implements Transport {
  readonly #base: URL
  readonly #exchange: HttpExchange

  /** `url`: scheme, host and port of the CSE; a path is put before that of each request. */
  constructor(url: URL, options: HttpExchangeOptions = {}) {
    this.#base = url
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

  async close(): Promise<void> {
    this.#exchange.close()
  }
}
