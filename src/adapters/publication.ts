/** What becomes of the readings of one adapter: which are worth an instance, in which resource, and what is remembered of each point. */

import type { Clock } from '../onem2m/clock.ts'
import type { AdapterHealth } from './adapter.ts'
import type { Branch } from './branch.ts'
import { container, contentInstance, flexContainer, type Retention, timeSeries, timeSeriesInstance } from './content.ts'
import type { Health } from './health.ts'
import { moduleOf, moduleValue } from './module.ts'
import type { Point, PointOverrides, Reading, Value } from './point.ts'

interface PublicationFacts {
  readonly branch: Branch
  readonly overrides: PointOverrides
  readonly clock: Clock
  readonly health: Health
  readonly retentionMs: number
}

/** The last good value of a point, and what of it is in the tree. */
interface Latest {
  readonly point: Point
  value: Value
  readAtMs: number
  stored: { readonly value: Value; readonly atMs: number } | undefined
  /** Of the latest timeSeriesInstance: no two of them may have the same. */
  measuredAtMs: number
}

export interface PointStatus {
  /** From the CSEBase: `onem2m/system/memory/available`. */
  readonly address: string
  readonly point: Point
  /** The last one that was good. */
  readonly value: Value
  readonly ageMs: number
}

/** A value within its deadband is stored at least this often, so that a quiet point can be told from a dead one. */
const heartbeatMs = 3_600_000
/** Beyond these, readings are dropped. */
const maxPoints = 2000
const maxInFlight = 4000
const defaultPeriodMs = 60_000
const bytesOfText = 1024
const bytesOfFigure = 32
const stateRetention: Retention = { maxNrOfInstances: 100, maxByteSize: 102_400, maxInstanceAgeSeconds: 31_536_000 }

export class Publication {
  readonly #facts: PublicationFacts
  readonly #latest = new Map<string, Latest>()
  readonly #inFlight = new Set<Promise<void>>()
  /** Why what could not be stored last time, by path. */
  readonly #unstored = new Map<string, string>()

  /** Of flexContainers that others may write to, by path. */
  readonly #policies = new Map<string, readonly string[]>()

  constructor(facts: PublicationFacts) {
    this.#facts = facts
  }

  /** The flexContainer of a point is protected by these policies, in place of the CSE's defaults. */
  protect(path: string, policies: readonly string[]): void {
    this.#policies.set(path, policies)
  }

  /** The value that the tree has of a point, or is about to have. */
  lastStored(path: string): Value | undefined {
    return this.#latest.get(path)?.stored?.value
  }

  /** Stores the last good value of a flexContainer once more, over what somebody else has written there. */
  restore(path: string): void {
    const latest = this.#latest.get(path)
    if (latest === undefined || latest.point.form !== 'flexContainer') return
    this.deliver(this.#store(path, latest.point, latest, defaultPeriodMs), (fault) => this.#note(latest, path, fault))
  }

  get points(): readonly PointStatus[] {
    const nowMs = this.#facts.clock.monotonicMs()
    return [...this.#latest].map(([path, { point, value, readAtMs }]) => ({
      address: this.#facts.branch.address(path),
      point,
      value,
      ageMs: nowMs - readAtMs,
    }))
  }

  /** Stores what is worth it; the requests leave before this returns. */
  push(readings: readonly Reading[], periodMs: number): void {
    const nowMs = this.#facts.clock.monotonicMs()
    for (const reading of readings) this.#offer(reading, periodMs, nowMs)
  }

  /**
   * The state goes into the container `state`. An adapter that has nothing to read leaves no resources where there were none. A state that
   * can't be stored is not missed: the readings can't be either, which is a state of its own, and so is its end.
   */
  pushState(health: AdapterHealth): void {
    if (health.state === 'starting') return
    const body = (name: string) => container(name, ['quantity:state'], stateRetention)
    const content = contentInstance(JSON.stringify(health), 'application/json')
    const { branch } = this.#facts
    const isMade = health.state !== 'absent'
    this.deliver(
      isMade ? branch.append('state', body, 4, content) : branch.appendIfThere('state', 4, content),
      () => {},
    )
  }

  /** A point that could not be read is not there any more. */
  forgetFault(path: string): void {
    this.#facts.health.forget(this.#facts.branch.address(resourcePath(path)))
  }

  /** Waits for something that is on its way to the store, with everything else that is: `settle` is called with why it was not stored. */
  deliver(sending: Promise<void>, settle: (fault?: string) => void): void {
    const delivery = sending.then(
      () => settle(),
      (error: unknown) => settle(error instanceof Error ? error.message : String(error)),
    )
    this.#inFlight.add(delivery)
    void delivery.finally(() => this.#inFlight.delete(delivery))
  }

  /** Resolves when everything that was sent has been answered. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#inFlight)
  }

  #offer({ point: original, value: raw, fault }: Reading, periodMs: number, nowMs: number): void {
    const { health, branch, overrides } = this.#facts
    const point = overrides.apply(original)
    const path = resourcePath(point.path)
    const value = raw === undefined ? undefined : scaled(point, raw)
    const problem =
      fault ?? (typeof value === 'number' && !Number.isFinite(value) ? 'the reading is not a number' : undefined)
    health.note(branch.address(path), problem)
    if (problem !== undefined || value === undefined) return
    const latest = this.#remember(path, point, value, nowMs)
    if (latest === undefined || !isWorthStoring(latest, point, nowMs)) return
    if (this.#inFlight.size >= maxInFlight) {
      this.#note(latest, path, 'the CSE does not keep up: readings are dropped')
      return
    }
    latest.stored = { value, atMs: nowMs }
    this.deliver(this.#store(path, point, latest, periodMs), (unstored) => this.#note(latest, path, unstored))
  }

  #remember(path: string, point: Point, value: Value, nowMs: number): Latest | undefined {
    const known = this.#latest.get(path)
    if (known !== undefined) {
      known.value = value
      known.readAtMs = nowMs
      return known
    }
    if (this.#latest.size >= maxPoints) {
      this.#facts.health.note('points', `more than ${maxPoints} of them: the rest is left out`)
      return undefined
    }
    const latest = { point, value, readAtMs: nowMs, stored: undefined, measuredAtMs: 0 }
    this.#latest.set(path, latest)
    return latest
  }

  /** The resource that the point is configured to be; what a module class can't hold stays text in a container. */
  #store(path: string, point: Point, latest: Latest, periodMs: number): Promise<void> {
    const { branch, clock } = this.#facts
    const { value } = latest
    const labels = labelsOf(point)
    const intervalMs = Math.max(periodMs, point.minIntervalMs ?? 0)
    const retention = this.#retention(value, intervalMs)
    if (point.form === 'timeSeries') {
      const nowMs = clock.wallMs()
      latest.measuredAtMs = nowMs === latest.measuredAtMs ? nowMs + 1 : nowMs
      const content = timeSeriesInstance(value, latest.measuredAtMs)
      return branch.append(path, (name) => timeSeries(name, labels, retention, intervalMs), 30, content)
    }
    const module = point.form === 'flexContainer' ? moduleOf(point.module, point.quantity, value) : undefined
    const fitting = module && moduleValue(module, value)
    if (module !== undefined && fitting !== undefined) {
      const content = { [module.memberName]: { [module.attribute]: fitting } }
      const policies = this.#policies.get(path)
      return branch.set(path, (name) => flexContainer(name, labels, retention, module, fitting, policies), content)
    }
    if (point.form === 'flexContainer')
      return Promise.reject(new Error(`${JSON.stringify(value)} does not fit a flexContainer ${module?.name ?? ''}`))
    const content = contentInstance(String(value), 'text/plain')
    return branch.append(path, (name) => container(name, labels, retention), 4, content)
  }

  /** The number of instances decides; their age takes effect when readings are rarer than expected, and not before. */
  #retention(value: Value, intervalMs: number): Retention {
    const maxNrOfInstances = Math.min(1_000_000, Math.max(1, Math.ceil(this.#facts.retentionMs / intervalMs)))
    return {
      maxNrOfInstances,
      maxByteSize: Math.max(bytesOfText, maxNrOfInstances * (typeof value === 'string' ? bytesOfText : bytesOfFigure)),
      maxInstanceAgeSeconds: Math.ceil((this.#facts.retentionMs * 1.25) / 1000),
    }
  }

  /** One fault for all that is not stored: a full disk is not the fault of twenty sensors. */
  #note(latest: Latest, path: string, fault: string | undefined): void {
    if (fault === undefined) this.#unstored.delete(path)
    else {
      this.#unstored.set(path, fault)
      latest.stored = undefined
    }
    const [first] = this.#unstored
    this.#facts.health.note('storing', first && `${this.#facts.branch.address(first[0])}: ${first[1]}`)
  }
}

/** A value as it is stored. */
export function scaled({ scale = 1, offset = 0, digits }: Point, raw: Value): Value {
  if (typeof raw !== 'number') return raw
  const value = raw * scale + offset
  return digits === undefined ? value : Number(value.toFixed(digits))
}

/** A deadband that is no number is none. */
function isWorthStoring({ value, stored }: Latest, { deadband, minIntervalMs = 0 }: Point, nowMs: number): boolean {
  if (stored === undefined) return true
  const ageMs = nowMs - stored.atMs
  if (ageMs < minIntervalMs) return false
  if (deadband === undefined || Number.isNaN(deadband) || ageMs >= heartbeatMs) return true
  return typeof value === 'number' && typeof stored.value === 'number'
    ? Math.abs(value - stored.value) > deadband
    : value !== stored.value
}

export function labelsOf({ unit, quantity, device, labels = [] }: Point): readonly string[] {
  const own = Object.entries({ unit, quantity, device })
  return [...own.flatMap(([key, text]) => (text === undefined ? [] : [`${key}:${text}`])), ...labels]
}

/** Each level as a resource name: unreserved characters of RFC 3986 (TS-0004 6.3.3, resourceName). */
export function resourcePath(path: string): string {
  return path
    .replaceAll(/[^\w.~/-]/g, '_')
    .split('/')
    .filter((name) => name !== '')
    .join('/')
}
