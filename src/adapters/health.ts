/** How an adapter is, from how its parts are; each failure is said once, and so is its end. */

import type { Log } from '../onem2m/log.ts'
import type { AdapterHealth } from './adapter.ts'

/** `empty`: there is nothing to read, which is nobody's fault. */
type Outcome = 'starting' | 'working' | 'empty' | { readonly fault: string }

interface HealthFacts {
  readonly log: Log
  readonly onChange: (health: AdapterHealth) => void
}

export class Health {
  readonly #facts: HealthFacts
  readonly #parts = new Map<string, Outcome>()
  #current: AdapterHealth = { state: 'starting' }

  constructor(facts: HealthFacts) {
    this.#facts = facts
  }

  get current(): AdapterHealth {
    return this.#current
  }

  set(part: string, outcome: Outcome): void {
    const before = this.#parts.get(part)
    this.#parts.set(part, outcome)
    const hadFault = typeof before === 'object'
    if (typeof outcome === 'object') {
      if (!hadFault)
        this.#facts.log.warn('a sensor failed and is tried again at growing intervals', { part, reason: outcome.fault })
    } else if (hadFault && outcome !== 'starting') this.#facts.log.info('a sensor works again', { part })
    this.refresh()
  }

  /** A part that only counts while it has a fault. */
  note(part: string, fault: string | undefined): void {
    if (fault !== undefined) this.set(part, { fault })
    else if (this.#parts.has(part)) {
      this.set(part, 'working')
      this.#parts.delete(part)
      this.refresh()
    }
  }

  /** The adapter as a whole could not start; its parts are gone until it does. */
  fail(fault: string): void {
    const before = this.#parts.get('start')
    this.#parts.clear()
    if (before !== undefined) this.#parts.set('start', before)
    this.set('start', { fault })
  }

  /** Looks at all parts again; an adapter without any has nothing to read. */
  refresh(): void {
    const health = summarise(this.#parts)
    if (health.state === this.#current.state && health.reason === this.#current.reason) return
    this.#current = health
    this.#facts.onChange(health)
  }
}

function summarise(parts: ReadonlyMap<string, Outcome>): AdapterHealth {
  const outcomes = [...parts.values()]
  if (outcomes.includes('starting')) return { state: 'starting' }
  const faults = [...parts].flatMap(([part, outcome]) =>
    typeof outcome === 'object' ? [`${part}: ${outcome.fault}`] : [],
  )
  if (faults.length > 0)
    return { state: outcomes.includes('working') ? 'degraded' : 'failed', reason: faults.join('; ') }
  return { state: outcomes.includes('working') ? 'ok' : 'absent' }
}
