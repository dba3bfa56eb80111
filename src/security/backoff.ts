/** Guessing takes time: after some failures an address waits, longer with each. */

import type { Clock } from '../onem2m/clock.ts'

const freeFailures = 5
const firstWaitMs = 1000
const longestWaitMs = 300_000
const maxAddresses = 10_000

interface Record {
  readonly failures: number
  readonly untilMs: number
}

export class Backoff {
  readonly #clock: Clock
  readonly #addresses = new Map<string, Record>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  isBlocked(address: string): boolean {
    return (this.#addresses.get(address)?.untilMs ?? Number.NEGATIVE_INFINITY) > this.#clock.monotonicMs()
  }

  failed(address: string): void {
    const failures = (this.#addresses.get(address)?.failures ?? 0) + 1
    const waitMs = failures < freeFailures ? 0 : Math.min(firstWaitMs * 2 ** (failures - freeFailures), longestWaitMs)
    // The address that failed longest ago makes room.
    this.#addresses.delete(address)
    const oldest = this.#addresses.size >= maxAddresses ? this.#addresses.keys().next().value : undefined
    if (oldest !== undefined) this.#addresses.delete(oldest)
    this.#addresses.set(address, { failures, untilMs: this.#clock.monotonicMs() + waitMs })
  }

  succeeded(address: string): void {
    this.#addresses.delete(address)
  }
}
