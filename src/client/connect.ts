/** Which transport a URL stands for, and the two clients that the URL's scheme decides between. */

import { OneM2MClient, type OneM2MClientOptions } from './client.ts'
import { isHttp, isMqtt, parseUrl } from './endpoint.ts'
import { HttpTransport, type HttpTransportOptions } from './http-transport.ts'
import { MqttTransport, type MqttTransportOptions } from './mqtt-transport.ts'

type Essence = Omit<OneM2MClientOptions, 'transport'>
export type ConnectOptions = Essence & HttpTransportOptions & MqttTransportOptions

/** `new OneM2MMQTTClient('mqtt://localhost#mn-cse-1', { originator: 'CAE01' })`. Throws TypeError for other schemes. */
export class OneM2MMQTTClient extends OneM2MClient {
  constructor(url: string, options: Essence & MqttTransportOptions = {}) {
    super({ ...options, transport: new MqttTransport(url, options) })
  }
}

/** `new OneM2MHTTPClient('http://localhost:8000', { originator: 'CAE01' })`. Throws TypeError for other schemes. */
export class OneM2MHTTPClient extends OneM2MClient {
  constructor(url: string, options: Essence & HttpTransportOptions = {}) {
    const parsed = parseUrl(url)
    if (!isHttp(parsed)) throw new TypeError(`${url}: expected http:// or https://`)
    super({ ...options, transport: new HttpTransport(parsed, options) })
  }
}

/**
 * A client of the CSE at `url`: `connect('mqtt://localhost#mn-cse-1', { originator: 'CAE01' })`, `connect('http://localhost:8000', ...)`.
 * Nothing is sent before the first request. Throws TypeError for a URL that no transport serves.
 */
export function connect(url: string, options: ConnectOptions = {}): OneM2MClient {
  return isMqtt(parseUrl(url)) ? new OneM2MMQTTClient(url, options) : new OneM2MHTTPClient(url, options)
}
