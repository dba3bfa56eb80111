/**
 * What browsers may do here. A page runs on machines that can reach this one and with its user's network, not with his consent: only
 * pages of listed origins may read answers (CORS) or open WebSockets, and a page whose own name was made to point here is told off by Host.
 */

import type { IncomingHttpHeaders } from 'node:http'
import { allowedMethods, requestHeaderNames, responseHeaderNames } from '../onem2m/http-mapping.ts'
import { isLoopbackAddress } from './connection-context.ts'

const preflight: Readonly<Record<string, string>> = {
  'Access-Control-Allow-Methods': allowedMethods.join(', '),
  'Access-Control-Allow-Headers': [
    'Accept',
    'Authorization',
    'Content-Type',
    'If-None-Match',
    ...requestHeaderNames,
  ].join(', '),
  'Access-Control-Max-Age': '600',
}

const exposed = ['Content-Location', 'ETag', ...responseHeaderNames].join(', ')

export class BrowserPolicy {
  readonly #origins: ReadonlySet<string>
  readonly #hosts: ReadonlySet<string>

  /** Origins as browsers send them, `https://panel.example`; `*` for all. */
  constructor(allowedOrigins: readonly string[] = []) {
    const origins = allowedOrigins.map((origin) => origin.toLowerCase())
    this.#origins = new Set(origins)
    this.#hosts = new Set(origins.map((origin) => nameIn(origin.replace(/^https?:\/\//, ''))))
  }

  /**
   * False for a name that a stranger may own, on a connection over loopback. Names without a dot, `.localhost` and `.local` belong to
   * this machine or its network, and an address is what it is.
   */
  allowsHost({ host }: IncomingHttpHeaders, localAddress: string | undefined): boolean {
    if (host === undefined || localAddress === undefined || !isLoopbackAddress(localAddress)) return true
    const name = nameIn(host.toLowerCase())
    return (
      !name.includes('.') || /^[\d.]+$/.test(name) || /\.(?:localhost|local)\.?$/.test(name) || this.#hosts.has(name)
    )
  }

  /** For what no CORS guards: a request without Origin is none of a browser's. */
  allowsOrigin({ origin, host }: IncomingHttpHeaders): boolean {
    if (origin === undefined || this.#isListed(origin)) return true
    return host !== undefined && /^https?:\/\//.test(origin) && origin.replace(/^https?:\/\//, '') === host
  }

  /** Header fields that let a page read the answer; none when browsers are not meant to come at all. */
  answerHeaders({ origin }: IncomingHttpHeaders): Readonly<Record<string, string>> {
    if (this.#origins.size === 0) return {}
    const isListed = origin !== undefined && this.#isListed(origin)
    return {
      Vary: 'Origin',
      ...(isListed ? { 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': exposed } : {}),
    }
  }

  /** In addition, for the OPTIONS by which a browser asks what a page may send. */
  preflightHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
    const { origin } = headers
    if (origin === undefined || headers['access-control-request-method'] === undefined) return {}
    return this.#isListed(origin) ? preflight : {}
  }

  #isListed(origin: string): boolean {
    return this.#origins.has(origin.toLowerCase()) || this.#origins.has('*')
  }
}

/** A host without its port; an IPv6 address keeps its brackets, and holds no dot but in its last part. */
function nameIn(host: string): string {
  return host.startsWith('[') ? host.replace(/\].*$/, '').replaceAll('.', ':') : host.replace(/:\d*$/, '')
}
