/**
 * When the samplers of an adapter are read. All periods count from one moment, so that samplers whose periods fit into each other are read
 * in one round, and what a round yields leaves in one turn of the event loop: one commit, one write to the card.
 */

import type { Clock, Timer } from '../onem2m/clock.ts'
import type { Reading, Sampler } from './adapter.ts'
import type { Health } from './health.ts'

interface SamplingFacts {
  readonly clock: Clock
  /** From 0 up to 1. */
  readonly random: () => number
  readonly health: Health
  readonly onReadings: (readings: readonly Reading[], sampler: Sampler) => void
}

interface Entry {
  readonly sampler: Sampler
  dueMs: number
  failures: number
  /** While it is read: takes no outcome but this any more. */
  giveUp: ((error: Error) => void) | undefined
}

/** So that the adapters of one gateway, and the gateways of one site after a power cut, do not all read in the same instant. */
const longestPhaseMs = 500
const defaultTimeoutMs = 5000
/** A sampler that fails is left alone for up to this, or for its period when that is longer. */
const longestPauseMs = 300_000
/** How long the readings of a round wait for its slower samplers. */
const gatherMs = 250

export class Sampling {
  readonly #facts: SamplingFacts
  readonly #originMs: number
  readonly #entries: Entry[] = []
  #timer: Timer | undefined
  #timerDueMs = Number.POSITIVE_INFINITY
  #gathering: Timer | undefined
  /** At most one outcome of each sampler. */
  #gathered: { readonly readings: readonly Reading[]; readonly sampler: Sampler }[] = []
  #running = 0
  #isStopped = false

  constructor(facts: SamplingFacts) {
    this.#facts = facts
    this.#originMs = facts.clock.monotonicMs() + facts.random() * longestPhaseMs
  }

  add(sampler: Sampler): void {
    if (this.#isStopped) return
    this.#facts.health.set(sampler.name, 'starting')
    const dueMs = Math.max(this.#originMs, this.#facts.clock.monotonicMs())
    this.#entries.push({ sampler, dueMs, failures: 0, giveUp: undefined })
    this.#arm()
  }

  /** Reads under way are aborted and what they yield is dropped. */
  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#gathering?.cancel()
    for (const { giveUp } of this.#entries) giveUp?.(new Error('the adapter stops'))
  }

  #arm(): void {
    const dueMs = Math.min(...this.#entries.map((entry) => entry.dueMs))
    if (this.#isStopped || dueMs === this.#timerDueMs) return
    this.#timer?.cancel()
    this.#timerDueMs = dueMs
    this.#timer = this.#facts.clock.after(Math.max(0, dueMs - this.#facts.clock.monotonicMs()), () => this.#round())
  }

  #round(): void {
    this.#timerDueMs = Number.POSITIVE_INFINITY
    // Timers count whole milliseconds and may fire a fraction early.
    const nowMs = this.#facts.clock.monotonicMs() + 1
    for (const entry of this.#entries) {
      if (entry.dueMs > nowMs) continue
      const tickMs = entry.dueMs
      entry.dueMs = this.#nextTick(entry, nowMs)
      if (entry.giveUp === undefined) this.#read(entry, tickMs)
    }
    this.#arm()
  }

  /** Rounds that were missed are not made up for. */
  #nextTick({ sampler: { periodMs } }: Entry, nowMs: number): number {
    return this.#originMs + (Math.floor((nowMs - this.#originMs) / periodMs) + 1) * periodMs
  }

  #read(entry: Entry, tickMs: number): void {
    const { sampler } = entry
    const timeoutMs = sampler.timeoutMs ?? defaultTimeoutMs
    const abort = new AbortController()
    let isSettled = false
    const settle = (outcome: readonly Reading[] | Error) => {
      if (isSettled) return
      isSettled = true
      timer.cancel()
      this.#running--
      if (this.#isStopped) return
      if (outcome instanceof Error) this.#failed(entry, tickMs, outcome)
      else this.#succeeded(entry, outcome)
      this.#gather()
    }
    const giveUp = (error: Error) => {
      abort.abort(error)
      settle(error)
    }
    const timer = this.#facts.clock.after(timeoutMs, () => giveUp(new Error(`no answer within ${timeoutMs} ms`)))
    entry.giveUp = giveUp
    this.#running++
    // The inner function turns what a sampler throws into a rejection.
    ;(async () => sampler.read(abort.signal))()
      .then(settle, (error: unknown) => settle(error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        entry.giveUp = undefined
      })
  }

  #succeeded(entry: Entry, readings: readonly Reading[]): void {
    entry.failures = 0
    this.#gathered.push({ readings, sampler: entry.sampler })
    this.#facts.health.set(entry.sampler.name, readings.length === 0 ? 'empty' : 'working')
  }

  /** Two periods of pause, then four, and so on: always whole periods, so that a tired sampler does not make rounds of its own. */
  #failed(entry: Entry, tickMs: number, error: Error): void {
    const { name, periodMs } = entry.sampler
    entry.failures++
    const most = Math.max(1, Math.floor(longestPauseMs / periodMs))
    entry.dueMs = Math.max(entry.dueMs, tickMs + Math.min(2 ** entry.failures, most) * periodMs)
    this.#arm()
    this.#facts.health.set(name, { fault: error.message })
  }

  #gather(): void {
    if (this.#running === 0) this.#release()
    else this.#gathering ??= this.#facts.clock.after(gatherMs, () => this.#release())
  }

  #release(): void {
    this.#gathering?.cancel()
    this.#gathering = undefined
    for (const { readings, sampler } of this.#gathered.splice(0)) this.#facts.onReadings(readings, sampler)
  }
}
