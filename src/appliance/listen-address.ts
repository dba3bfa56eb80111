/** What `HOST:PORT` means to this machine: localhost is every loopback address it has. */

import { networkInterfaces } from 'node:os'

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** The addresses to listen on; the texts have been checked with the configuration. */
export function expandAddresses(
  texts: readonly string[],
  hasIpv6Loopback = findIpv6Loopback(),
): readonly ListenAddress[] {
  return texts.flatMap((text) => {
    const colon = text.lastIndexOf(':')
    const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
    const port = Number(text.slice(colon + 1))
    if (host !== 'localhost') return [{ host, port }]
    return [{ host: '127.0.0.1', port }, ...(hasIpv6Loopback ? [{ host: '::1', port }] : [])]
  })
}

/** `127.0.0.1:1883`, `[::1]:1883` */
export function writeAddress({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

export function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.') || host.startsWith('::ffff:127.')
}

/** Where others reach what listens on these addresses: a wildcard is every address of this machine. Loopback only where it is asked for. */
export function reachableAddresses(
  listening: readonly ListenAddress[],
  withLoopback: boolean,
  interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []),
): readonly ListenAddress[] {
  const all = listening.flatMap(({ host, port }) => {
    if (host !== '0.0.0.0' && host !== '::') return [{ host, port }]
    // Link-local addresses need a zone that only this machine knows.
    return interfaces
      .filter(({ family, scopeid }) => (host === '::' || family === 'IPv4') && !scopeid)
      .map(({ address }) => ({ host: address, port }))
  })
  return all.filter(({ host }) => withLoopback || !isLoopback(host))
}

function findIpv6Loopback(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'))
}
