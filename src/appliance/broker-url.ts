/** A broker that others run: what its URL says, and how a connection to it is opened, over TLS with the certificates of the configuration. */

import { readFileSync } from 'node:fs'
import { connect, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { ConfigError } from './config-error.ts'

export interface BrokerUrl {
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
  /** Empty where the URL has none. */
  readonly username: string
  readonly password: string
  /** Of all topics; empty where the URL has none. */
  readonly prefix: string
}

/** Certificates and a key, in PEM. */
export interface Tls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

export interface TlsFiles {
  readonly caFile: string
  readonly certFile: string
  readonly keyFile: string
}

/** Of a URL that the configuration has checked. */
export function parseBrokerUrl(url: string): BrokerUrl {
  const { protocol, hostname, port, pathname, username, password } = new URL(url)
  const isSecure = protocol !== 'mqtt:'
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isSecure ? 8883 : 1883) : Number(port),
    isSecure,
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    prefix: pathname.replace(/^\/+|\/+$/g, ''),
  }
}

/** Opens a connection. TLS is loaded when the first one needs it: it costs memory that most gateways do not spend. */
export function openConnection({ host, port, isSecure }: BrokerUrl, tls: Tls): Duplex {
  if (!isSecure) return connect({ host, port, noDelay: true })
  const { connect: connectSecurely } = process.getBuiltinModule('node:tls')
  const socket = connectSecurely({ host, port, ...tls, ...(isIP(host) === 0 ? { servername: host } : {}) })
  return socket.setNoDelay(true)
}

/** Reads what the keys `ca_file`, `cert_file` and `key_file` of a table name. Throws ConfigError for what can't be read. */
export function readTls(table: string, { caFile, certFile, keyFile }: TlsFiles): Tls {
  return {
    ...(caFile === '' ? {} : { ca: readPem(`${table}.ca_file`, caFile) }),
    ...(certFile === '' ? {} : { cert: readPem(`${table}.cert_file`, certFile) }),
    ...(keyFile === '' ? {} : { key: readPem(`${table}.key_file`, keyFile) }),
  }
}

function readPem(path: string, fileName: string): string {
  try {
    return readFileSync(fileName, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigError(
      path,
      `${path} = ${JSON.stringify(fileName)}: ${code}: name a PEM file that this user may read`,
    )
  }
}
