/** How an adapter is, from how its parts are; each failure is said once, and so is its end. */

import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import type { AdapterHealth } from './adapter.ts'

/** `empty`: there is nothing to read, which is nobody's fault. */
type Outcome = 'starting' | 'working' | 'empty' | { readonly fault: string }

/** Names may come from devices; beyond so many of either kind, new ones are left out of the state and of the log. */
const maxSubjects = 1000
/** So many reasons are written out; the state is stored whenever it changes. */
const maxReasons = 5

const quietMs = 3_600_000

interface HealthFacts {
  readonly clock: Clock
  readonly log: Log
  readonly onChange: (health: AdapterHealth) => void
}

export class Health {
  readonly #facts: HealthFacts
  readonly #parts = new Map<string, Outcome>()
  /** Faults of what is no part of the adapter: its start, a point, the storing of readings. */
  readonly #faults = new Map<string, string>()
  /** What the log was told of a part, and how often it has failed since. */
  readonly #said = new Map<string, { readonly atMs: number; failures: number }>()
  #current: AdapterHealth = { state: 'starting' }

  constructor(facts: HealthFacts) {
    this.#facts = facts
  }

  get current(): AdapterHealth {
    return this.#current
  }

  set(part: string, outcome: Outcome): void {
    const before = this.#parts.get(part)
    if (before === outcome) return
    if (before === undefined && this.#parts.size >= maxSubjects) return
    this.#parts.set(part, outcome)
    this.#say(part, typeof before === 'object', typeof outcome === 'object' ? outcome.fault : undefined)
    this.refresh()
  }

  note(subject: string, fault: string | undefined): void {
    const hadFault = this.#faults.has(subject)
    if (!hadFault && this.#faults.size >= maxSubjects) return
    if (fault !== undefined) this.#faults.set(subject, fault)
    else if (hadFault) this.#faults.delete(subject)
    else return
    this.#say(subject, hadFault, fault)
    this.refresh()
  }

  /** Nothing is to be said of a subject any more: it is not there. */
  forget(subject: string): void {
    if (this.#faults.delete(subject)) this.refresh()
  }

  /** The parts are those of an adapter that has ended; it may start again. */
  forgetParts(): void {
    this.#parts.clear()
  }

  /** Looks at all parts again; an adapter without any has nothing to read. */
  refresh(): void {
    const health = this.#summarise()
    if (health.state === this.#current.state && health.reason === this.#current.reason) return
    this.#current = health
    this.#facts.onChange(health)
  }

  /** A part that fails on and off gets three lines an hour, the last of which says so. */
  #say(part: string, hadFault: boolean, reason: string | undefined): void {
    if (hadFault === (reason !== undefined)) return
    const { log, clock } = this.#facts
    const nowMs = clock.monotonicMs()
    const said = this.#said.get(part)
    if (reason === undefined) {
      if (said?.failures === 1) log.info('part of an adapter works again', { part })
    } else if (said === undefined || nowMs - said.atMs >= quietMs) {
      if (this.#said.size >= maxSubjects) this.#said.clear()
      this.#said.set(part, { atMs: nowMs, failures: 1 })
      log.warn('part of an adapter failed; it is tried again', { part, reason })
    } else if (++said.failures === 2) {
      log.warn('part of an adapter fails on and off; its state tells how it is now', { part, reason })
    }
  }

  #summarise(): AdapterHealth {
    const outcomes = [...this.#parts.values()]
    if (outcomes.includes('starting')) return { state: 'starting' }
    const isWorking = outcomes.includes('working')
    const failed = [...this.#parts].map(([part, outcome]) => [part, typeof outcome === 'object' && outcome.fault])
    const reasons = [...this.#faults, ...failed].filter(([, fault]) => fault).map((fault) => fault.join(': '))
    if (reasons.length > 0) return { state: isWorking ? 'degraded' : 'failed', reason: summary(reasons) }
    return { state: isWorking ? 'ok' : 'absent' }
  }
}

function summary(reasons: readonly string[]): string {
  const rest = reasons.length - maxReasons
  return `${reasons.slice(0, maxReasons).join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`
}
