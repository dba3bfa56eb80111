/** The CSE's own requests over HTTP: how a point of access and a target become one URL, and what an answer of any web server means (TS-0009). */

import type { Delivery, Requester } from '../cse/handler.ts'
import { decodeHttpResponse, encodeHttpRequest, type HttpRequest, type HttpResponse } from '../onem2m/http-mapping.ts'
import type { ResponsePrimitive } from '../onem2m/primitive.ts'
import { serializationOfUrl } from '../onem2m/serialization.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'

/** Sends one HTTP message and waits for the whole answer; rejects when there is none in time. The client's HttpExchange is one. */
export interface Exchange {
  send(url: URL, message: Omit<HttpRequest, 'path'>, options: { readonly timeoutMs: number }): Promise<HttpResponse>
}

export interface HttpRequesterOptions {
  readonly exchange: Exchange
  /** URLs with user and password, which are sent to these hosts and ports and to nobody else. */
  readonly credentials?: readonly string[]
}

export class HttpRequester implements Requester {
  readonly schemes = ['http', 'https'] as const
  readonly #exchange: Exchange
  readonly #authorizations: ReadonlyMap<string, string>

  constructor({ exchange, credentials = [] }: HttpRequesterOptions) {
    this.#exchange = exchange
    this.#authorizations = new Map(credentials.flatMap(authorizationOf))
  }

  /** Rejects with TARGET_NOT_REACHABLE when there is no answer, or none that can be read. */
  async send({ pointOfAccess, target, request, timeoutMs, serialization }: Delivery): Promise<ResponsePrimitive> {
    const message = encodeHttpRequest(request, serializationOfUrl(pointOfAccess) ?? serialization)
    const url = urlOf(pointOfAccess, target === undefined ? '' : message.path)
    try {
      const authorization = this.#authorizations.get(url.origin)
      const headers = { ...message.headers, ...(authorization && { Authorization: authorization }) }
      const answer = await this.#exchange.send(url, { ...message, headers }, { timeoutMs })
      return decodeHttpResponse(answer, request.requestIdentifier)
    } catch (error) {
      throw new OneM2MError(Status.TARGET_NOT_REACHABLE, `${url.href}: ${reasonOf(error)}`, error)
    }
  }
}

/** The Authorization header (RFC 7617) of a URL that has user and password, by its origin. */
function authorizationOf(text: string): readonly (readonly [origin: string, header: string])[] {
  const { origin, username, password } = URL.canParse(text) ? new URL(text) : { origin: '', username: '', password: '' }
  if (username === '') return []
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return [[origin, `Basic ${Buffer.from(pair).toString('base64')}`]]
}

/** A point of access is extended by the path of the request; a notification URI is used as it stands, without its `ct` (TS-0009 6.2.2). */
function urlOf(pointOfAccess: string, path: string): URL {
  if (!URL.canParse(pointOfAccess))
    throw new OneM2MError(Status.TARGET_NOT_REACHABLE, `${pointOfAccess}: not a URL, expected http://host:port/path`)
  const url = new URL(pointOfAccess)
  if (path === '') {
    const query = url.search.replace(/([?&])ct=[^&]*(&|$)/, '$1').replace(/[?&]$/, '')
    if (query !== url.search) url.search = query
    return url
  }
  const [pathname = '', query = ''] = path.split('?')
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${pathname}`
  url.search = query
  return url
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
