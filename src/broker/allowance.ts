/**
 * How much of what serves the network anybody may have: sockets in all, sockets and new sockets from each address of the network, and what each account, or
 * each address without one, may send in a second. Whoever sends more is read no faster, which its own end notices as a full connection; whoever
 * owes much all the same, by way of many connections, is closed.
 */

import type { Clock } from '../onem2m/clock.ts'

export interface AllowanceLimits {
  /** Connections of all listeners; one more is closed as it comes. */
  readonly maxConnections: number
  /** Connections that have not completed their CONNECT; one more is closed as it comes. */
  readonly maxConnecting: number
  /** Connections from one address of the network, and new ones a second; one more is closed as it comes, before it costs a handshake. */
  readonly maxConnectionsPerAddress: number
  readonly maxConnectRate: number
  /** Packets, of subscriptions each filter, and bytes, a second from one account, or from one address of the network without an account. */
  readonly maxMessageRate: number
  readonly maxByteRate: number
}

export interface AllowanceFacts {
  readonly limits: AllowanceLimits
  readonly clock: Clock
  /** A socket may not stay, because of the bound of this key. */
  refused(bound: string, remoteAddress: string): void
}

interface AcceptedSocket {
  readonly remoteAddress?: string | undefined
  once(event: 'close', listener: () => void): unknown
}

/** So much a second; a burst may have what some seconds bring. */
class Bucket {
  readonly #perSecond: number
  readonly #size: number
  #left: number
  #lookedMs: number

  constructor(perSecond: number, burstSeconds: number, nowMs: number) {
    this.#perSecond = perSecond
    this.#size = this.#left = perSecond * burstSeconds
    this.#lookedMs = nowMs
  }

  /** Takes out, also what is not in; returns how many milliseconds that lasts, 0 when there was enough. */
  take(count: number, nowMs: number): number {
    const gained = ((nowMs - this.#lookedMs) / 1000) * this.#perSecond
    this.#lookedMs = nowMs
    this.#left = Math.min(this.#size, this.#left + gained) - count
    return this.#left >= 0 ? 0 : Math.ceil((-this.#left / this.#perSecond) * 1000)
  }

  putBack(count: number): void {
    this.#left += count
  }
}

/** Buckets that are remembered of each kind; who came first is forgotten first, and has a full one the next time. */
const maxBuckets = 10_000

class Buckets {
  readonly #perSecond: number
  readonly #burstSeconds: number
  readonly #buckets = new Map<string, Bucket>()

  constructor(perSecond: number, burstSeconds: number) {
    this.#perSecond = perSecond
    this.#burstSeconds = burstSeconds
  }

  of(name: string, nowMs: number): Bucket {
    const known = this.#buckets.get(name)
    if (known !== undefined) return known
    if (this.#buckets.size >= maxBuckets)
      for (const first of this.#buckets.keys()) {
        this.#buckets.delete(first)
        break
      }
    const bucket = new Bucket(this.#perSecond, this.#burstSeconds, nowMs)
    this.#buckets.set(name, bucket)
    return bucket
  }
}

/** A machine with some clients starts them all at once. */
const connectBurstSeconds = 5
/** The part of the connections that the network can't have, so that who is on this machine always comes in. */
const keptForThisMachine = 0.1

export class Allowances {
  readonly #facts: AllowanceFacts
  readonly #comings: Buckets
  readonly #messages: Buckets
  readonly #bytes: Buckets
  #sockets = 0
  #fromNetwork = 0
  readonly #socketsOf = new Map<string, number>()

  constructor(facts: AllowanceFacts) {
    const { maxConnectRate, maxMessageRate, maxByteRate } = facts.limits
    this.#facts = facts
    this.#comings = new Buckets(maxConnectRate, connectBurstSeconds)
    this.#messages = new Buckets(maxMessageRate, 1)
    this.#bytes = new Buckets(maxByteRate, 1)
  }

  /** Whether a socket that was just accepted may stay; one that may is counted until it is closed. */
  admits(socket: AcceptedSocket): boolean {
    // Of a Unix socket there is none; who is on this machine can do worse than to connect.
    const { remoteAddress = '' } = socket
    const neighbour = remoteAddress === '' || isLoopback(remoteAddress) ? undefined : neighbourOf(remoteAddress)
    const bound = this.#excess(neighbour)
    if (bound !== undefined) {
      this.#facts.refused(bound, remoteAddress)
      return false
    }
    this.#count(neighbour, 1)
    socket.once('close', () => this.#count(neighbour, -1))
    return true
  }

  #excess(neighbour: string | undefined): string | undefined {
    const { limits, clock } = this.#facts
    if (this.#sockets >= limits.maxConnections + limits.maxConnecting) return 'max_connections'
    if (neighbour === undefined) return undefined
    if (this.#fromNetwork >= limits.maxConnections * (1 - keptForThisMachine)) return 'max_connections'
    if ((this.#socketsOf.get(neighbour) ?? 0) >= limits.maxConnectionsPerAddress) return 'max_connections_per_address'
    const nowMs = clock.monotonicMs()
    const comings = this.#comings.of(neighbour, nowMs)
    if (comings.take(1, nowMs) === 0) return undefined
    // Otherwise who knocks without end would not come in again.
    comings.putBack(1)
    return 'max_connect_rate'
  }

  #count(neighbour: string | undefined, difference: 1 | -1): void {
    this.#sockets += difference
    if (neighbour === undefined) return
    this.#fromNetwork += difference
    const count = (this.#socketsOf.get(neighbour) ?? 0) + difference
    if (count === 0) this.#socketsOf.delete(neighbour)
    else this.#socketsOf.set(neighbour, count)
  }

  /** Takes a packet out of what a sender has; for how many milliseconds nothing more is to be read from it, 0 while it is within its rates. */
  take(sender: string, messages: number, bytes: number): number {
    const nowMs = this.#facts.clock.monotonicMs()
    const forMessages = this.#messages.of(sender, nowMs).take(messages, nowMs)
    return Math.max(forMessages, this.#bytes.of(sender, nowMs).take(bytes, nowMs))
  }
}

/** Whom an address stands for: of IPv6 the network of 64 bits, in which one machine may have any address that it likes. */
export function neighbourOf(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address
  const [before = '', after = ''] = address.split('::')
  const groups = before.split(':')
  const rest = after === '' ? [] : after.split(':')
  const zeros = address.includes('::') ? Array(Math.max(0, 8 - groups.length - rest.length)).fill('0') : []
  return [...groups, ...zeros, ...rest].slice(0, 4).join(':')
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}
