/**
 * The readings of one adapter in the resource tree: its AE, a container for each point and the containers around it are made, taken over from
 * an earlier run, renewed before they expire, and made again when somebody deleted them. Knows which readings are worth an instance.
 */

import type { OneM2MClient } from '../client/client.ts'
import type { Clock } from '../onem2m/clock.ts'
import type { JsonObject } from '../onem2m/content.ts'
import { ResultContent } from '../onem2m/primitive.ts'
import { Status } from '../onem2m/status.ts'
import type { AdapterHealth, Point, Reading, Value } from './adapter.ts'
import { applicationEntity, type Body, container, contentInstance, type Retention } from './content.ts'
import type { Health } from './health.ts'

/** What adapters need of a client; its originator is the AE-ID of the adapter. */
export type AdapterClient = Pick<OneM2MClient, 'create' | 'update'>

interface PublicationFacts {
  readonly name: string
  readonly cseBaseName: string
  readonly client: AdapterClient
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
}

export interface PointStatus {
  /** From the CSEBase: `onem2m/system/memory/available`. */
  readonly address: string
  readonly point: Point
  /** The last one that was good. */
  readonly value: Value
  readonly ageMs: number
}

interface Target {
  /** Below the AE. */
  readonly path: string
  readonly labels: readonly string[]
  readonly retention: Retention
}

/** A value within its deadband is stored at least this often, so that a quiet point can be told from a dead one. */
const heartbeatMs = 3_600_000
/** Resources that exist are updated this often, which moves their expiration; a CSE gives them a year by default. */
const renewalMs = 30 * 86_400_000
/** Beyond these, readings are dropped. */
const maxPoints = 2000
const maxInFlight = 4000
const bytesOfText = 1024
const bytesOfFigure = 32
const stateRetention: Retention = { maxNrOfInstances: 100, maxByteSize: 102_400, maxInstanceAgeSeconds: 31_536_000 }

export class Publication {
  readonly #facts: PublicationFacts
  readonly #latest = new Map<string, Latest>()
  readonly #inFlight = new Set<Promise<void>>()
  /** Why what could not be stored last time, by path. */
  readonly #unstored = new Map<string, string>()
  /** Resources that exist or are being made, by path below the AE; the AE itself is ''. */
  #ensured = new Map<string, Promise<void>>()
  #ensuredSinceMs = 0

  constructor(facts: PublicationFacts) {
    this.#facts = facts
  }

  get points(): readonly PointStatus[] {
    const nowMs = this.#facts.clock.monotonicMs()
    return [...this.#latest].map(([path, { point, value, readAtMs }]) => ({
      address: this.#address(path),
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
    const target = { path: 'state', labels: ['quantity:state'], retention: stateRetention }
    const content = contentInstance(JSON.stringify(health), 'application/json')
    this.#deliver(this.#send(target, content, health.state !== 'absent'), () => {})
  }

  /** Resolves when everything that was sent has been answered. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#inFlight)
  }

  #offer({ point, value: raw }: Reading, periodMs: number, nowMs: number): void {
    const { health } = this.#facts
    const path = resourcePath(point.path)
    const value = typeof raw === 'number' ? convert(point, raw) : raw
    const isUsable = typeof value !== 'number' || Number.isFinite(value)
    health.note(this.#address(path), isUsable ? undefined : 'the reading is not a number')
    if (!isUsable) return
    let latest = this.#latest.get(path)
    if (latest === undefined) {
      if (this.#latest.size >= maxPoints) {
        health.note('points', `more than ${maxPoints} of them: the rest is left out`)
        return
      }
      latest = { point, value, readAtMs: nowMs, stored: undefined }
      this.#latest.set(path, latest)
    }
    latest.value = value
    latest.readAtMs = nowMs
    if (!isWorthStoring(latest, point, nowMs)) return
    if (this.#inFlight.size >= maxInFlight) {
      this.#note(latest, path, 'the CSE does not keep up: readings are dropped')
      return
    }
    latest.stored = { value, atMs: nowMs }
    const target = { path, labels: labelsOf(point), retention: this.#retention(value, periodMs) }
    this.#deliver(this.#send(target, contentInstance(String(value), 'text/plain'), true), (fault) =>
      this.#note(latest, path, fault),
    )
  }

  /** The number of instances decides; their age takes effect when readings are rarer than expected, and not before. */
  #retention(value: Value, periodMs: number): Retention {
    const maxNrOfInstances = Math.min(1_000_000, Math.max(1, Math.ceil(this.#facts.retentionMs / periodMs)))
    return {
      maxNrOfInstances,
      maxByteSize: Math.max(bytesOfText, maxNrOfInstances * (typeof value === 'string' ? bytesOfText : bytesOfFigure)),
      maxInstanceAgeSeconds: Math.ceil((this.#facts.retentionMs * 1.25) / 1000),
    }
  }

  #deliver(sending: Promise<void>, settle: (fault?: string) => void): void {
    const delivery = sending.then(
      () => settle(),
      (error: unknown) => settle(error instanceof Error ? error.message : String(error)),
    )
    this.#inFlight.add(delivery)
    void delivery.finally(() => this.#inFlight.delete(delivery))
  }

  async #send(target: Target, content: JsonObject, isMade: boolean): Promise<void> {
    const to = this.#address(target.path)
    for (let attempt = 1; ; attempt++) {
      const ensured = this.#current()
      const making = isMade ? this.#ensure(target.path, target) : undefined
      const creating = this.#facts.client.create(to, 4, content, { resultContent: ResultContent.NOTHING })
      try {
        await inOrder([making, creating])
        return
      } catch (error) {
        if (!hasStatus(error, Status.NOT_FOUND)) throw error
        if (attempt > 1) throw error
        // Somebody deleted it, and perhaps more: everything is looked at again, once for all who notice.
        if (this.#ensured === ensured) this.#ensured = new Map()
      }
    }
  }

  /** What is known to exist; nothing, once it is time for a renewal. */
  #current(): ReadonlyMap<string, Promise<void>> {
    const nowMs = this.#facts.clock.monotonicMs()
    const isRenewal = this.#ensured.size > 0 && nowMs - this.#ensuredSinceMs >= renewalMs
    if (isRenewal) this.#ensured = new Map()
    if (this.#ensured.size === 0) this.#ensuredSinceMs = nowMs
    // Points are stored often enough; the container of the state is not, unless it is seen to.
    if (isRenewal) this.pushState(this.#facts.health.current)
    return this.#ensured
  }

  /** The CSE executes requests in their order, so that nobody waits for a parent: what is new is made in one commit, readings and all. */
  #ensure(path: string, target?: Target): Promise<void> {
    const ensured = this.#ensured
    const known = ensured.get(path)
    if (known !== undefined) return known
    const [parentPath, name] = split(path)
    const parent = path === '' ? undefined : this.#ensure(parentPath)
    const own =
      path === ''
        ? this.#make(path, this.#facts.cseBaseName, applicationEntity(this.#facts.name))
        : this.#make(path, this.#address(parentPath), container(name, target?.labels ?? [], target?.retention))
    const making = inOrder([parent, own])
    ensured.set(path, making)
    making.catch(() => ensured.delete(path))
    return making
  }

  /** Creates a resource. One that is there already, from an earlier run, gets the limits and labels of this one. */
  async #make(path: string, parent: string, body: Body): Promise<void> {
    try {
      await this.#facts.client.create(parent, body.resourceType, body.create, { resultContent: ResultContent.NOTHING })
    } catch (error) {
      if (!hasStatus(error, Status.CONFLICT) && !hasStatus(error, Status.ORIGINATOR_HAS_ALREADY_REGISTERED)) throw error
      await this.#takeOver(this.#address(path), body)
    }
  }

  /** A renewal is refused while the clock stands before the time at which a child was made: then the resource stays as long as it would. */
  async #takeOver(address: string, { renewal, update }: Body): Promise<void> {
    const options = { resultContent: ResultContent.NOTHING }
    try {
      await this.#facts.client.update(address, renewal, options)
    } catch (error) {
      if (!hasStatus(error, Status.BAD_REQUEST)) throw error
      await this.#facts.client.update(address, update, options)
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
    this.#facts.health.note('storing', first && `${this.#address(first[0])}: ${first[1]}`)
  }

  #address(path: string): string {
    const { cseBaseName, name } = this.#facts
    return path === '' ? `${cseBaseName}/${name}` : `${cseBaseName}/${name}/${path}`
  }
}

/** Settles when all have; rejects with the reason of the first in the list, which is the cause of those after it. */
async function inOrder(promises: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  for (const outcome of await Promise.allSettled(promises)) if (outcome.status === 'rejected') throw outcome.reason
}

function convert({ scale = 1, offset = 0, digits }: Point, raw: number): number {
  const value = raw * scale + offset
  return digits === undefined ? value : Number(value.toFixed(digits))
}

function isWorthStoring({ value, stored }: Latest, { deadband }: Point, nowMs: number): boolean {
  if (deadband === undefined || stored === undefined || nowMs - stored.atMs >= heartbeatMs) return true
  return typeof value === 'number' && typeof stored.value === 'number'
    ? Math.abs(value - stored.value) > deadband
    : value !== stored.value
}

function labelsOf({ unit, quantity, device }: Point): readonly string[] {
  return Object.entries({ unit, quantity, device }).flatMap(([key, text]) =>
    text === undefined ? [] : [`${key}:${text}`],
  )
}

/** Each level as a resource name: unreserved characters of RFC 3986 (TS-0004 6.3.3, resourceName). */
function resourcePath(path: string): string {
  return path
    .replaceAll(/[^\w.~/-]/g, '_')
    .split('/')
    .filter((name) => name !== '')
    .join('/')
}

function split(path: string): readonly [parent: string, name: string] {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? ['', path] : [path.slice(0, slash), path.slice(slash + 1)]
}

function hasStatus(error: unknown, status: number): boolean {
  return error instanceof Error && 'responseStatusCode' in error && error.responseStatusCode === status
}
