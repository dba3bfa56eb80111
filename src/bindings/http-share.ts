/** What one principal, or one address of the network without one, may have of HTTP: so many requests under way, and a second; more wait, or are refused. */

import type { Duplex } from 'node:stream'

/** How much anybody may have. */
export interface Allowance {
  /** Requests that one may have under way; more are refused. */
  readonly maxOutstanding: number
  /** Whether a socket that was just accepted may stay. */
  admits(socket: Duplex): boolean
  /** For how many milliseconds a request of one has to wait. */
  take(sender: string, requests: number, bytes: number): number
}

/** How often a bound was met. */
export interface HttpStatistics {
  httpRefusedConnections: number
  httpRefusedRequests: number
  /** Requests that had to wait. */
  httpPaced: number
  /** Connections closed because what came was no request, or did not come in time. */
  httpUnreadable: number
}

export type Turn = { readonly waitMs: number } | { readonly bound: string; readonly retryMs: number }

/** A request that would have to wait for longer is refused. */
const longestWaitMs = 10_000

export class Shares {
  readonly statistics: HttpStatistics = {
    httpRefusedConnections: 0,
    httpRefusedRequests: 0,
    httpPaced: 0,
    httpUnreadable: 0,
  }
  readonly #allowance: Allowance
  readonly #outstanding = new Map<string, number>()

  constructor(allowance: Allowance) {
    this.#allowance = allowance
  }

  /** When a request may be executed, or by what it is kept from that; one that may is under way until `leave`. */
  enter(sender: string, bytes: number): Turn {
    const outstanding = this.#outstanding.get(sender) ?? 0
    if (outstanding >= this.#allowance.maxOutstanding) return this.#refuse('http.max_outstanding', 1000)
    const waitMs = this.#allowance.take(sender, 1, bytes)
    if (waitMs > longestWaitMs) return this.#refuse('http.max_request_rate or http.max_byte_rate', waitMs)
    if (waitMs > 0) this.statistics.httpPaced++
    this.#outstanding.set(sender, outstanding + 1)
    return { waitMs }
  }

  leave(sender: string): void {
    const outstanding = (this.#outstanding.get(sender) ?? 1) - 1
    if (outstanding === 0) this.#outstanding.delete(sender)
    else this.#outstanding.set(sender, outstanding)
  }

  #refuse(bound: string, retryMs: number): Turn {
    this.statistics.httpRefusedRequests++
    return { bound, retryMs }
  }
}

export const boundless: Allowance = { maxOutstanding: Number.POSITIVE_INFINITY, admits: () => true, take: () => 0 }
