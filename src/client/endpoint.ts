/** What the URL of a CSE says: scheme, broker or host, credentials, topic prefix, and in its fragment which CSE is meant. */

export interface MqttEndpoint {
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
  readonly username?: string
  readonly password?: string
  /** What precedes `/oneM2M` in all topics; the URL's path (TS-0010 6.6). */
  readonly prefix: string
  /** The CSE-ID without its slash: `mn-cse-1`. Absent where each target names its CSE. */
  readonly receiver?: string
  /** Without credentials, as a point of access has it: `mqtt://localhost:1883`. */
  readonly pointOfAccess: string
}

const defaultPorts: Readonly<Record<string, number>> = { 'mqtt:': 1883, 'mqtts:': 8883, 'secure-mqtt:': 8883 }

export function isMqtt(url: URL): boolean {
  return defaultPorts[url.protocol] !== undefined
}

export function isHttp(url: URL): boolean {
  return url.protocol === 'http:' || url.protocol === 'https:'
}

/** Throws TypeError saying what is wrong and what would do. */
export function parseUrl(text: string): URL {
  if (!URL.canParse(text))
    throw new TypeError(`${text}: not a URL, expected one like http://localhost:8000 or mqtt://localhost#mn-cse-1`)
  const url = new URL(text)
  if (!isMqtt(url) && !isHttp(url))
    throw new TypeError(
      `${text}: this client speaks mqtt://, mqtts://, http:// and https://; for ${url.protocol}// hand a transport of your own to OneM2MClient`,
    )
  if (url.hostname === '') throw new TypeError(`${text}: names no host, expected one like ${url.protocol}//localhost`)
  return url
}

/** `mqtt://user:password@host:1883/prefix#mn-cse-1`. Throws TypeError. */
export function readMqttEndpoint(url: URL): MqttEndpoint {
  const { protocol, hostname, pathname, username, password, hash } = url
  const defaultPort = defaultPorts[protocol]
  if (defaultPort === undefined) throw new TypeError(`${url.href}: expected mqtt://, mqtts:// or secure-mqtt://`)
  const port = url.port === '' ? defaultPort : Number(url.port)
  const prefix = pathname.replace(/^\/+|\/+$/g, '')
  const receiver = decodeURIComponent(hash.slice(1)).replace(/^\/+/, '').replaceAll('/', ':')
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port,
    isSecure: protocol !== 'mqtt:',
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    prefix,
    ...(receiver === '' ? {} : { receiver }),
    pointOfAccess: `${protocol}//${hostname}:${port}${prefix === '' ? '' : `/${prefix}`}`,
  }
}
