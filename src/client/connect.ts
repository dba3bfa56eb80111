/** Which transport a URL stands for. */

import { OneM2MClient, type OneM2MClientOptions } from './client.ts'
import type { HttpExchangeOptions } from './http-exchange.ts'
import { HttpTransport } from './http-transport.ts'

export type ConnectOptions = Omit<OneM2MClientOptions, 'transport'> & HttpExchangeOptions

/**
 * A client of the CSE at `url`: `connect('http://localhost:8000', { originator: 'CAE01' })`. Nothing is sent before the first request.
 * Throws TypeError for a URL that no transport serves.
 */
export function connect(url: string, options: ConnectOptions = {}): OneM2MClient {
  if (!URL.canParse(url)) throw new TypeError(`${url}: not a URL, expected one like http://localhost:8000`)
  const parsed = new URL(url)
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')
    throw new TypeError(
      `${url}: this client speaks http:// and https://; for ${parsed.protocol}// hand a transport of your own to OneM2MClient, ` +
        'or use the HTTP address of the same CSE, such as http://localhost:8000',
    )
  return new OneM2MClient({ ...options, transport: new HttpTransport(parsed, options) })
}
