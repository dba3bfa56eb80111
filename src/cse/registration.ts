/**
 * This CSE's registration with another one (TS-0004 7.4.3, TS-0001 10.2.2.7): made, looked after and ended, whatever happens to the other side
 * meanwhile. It is away, was restarted, has forgotten, or still remembers an earlier life of this CSE: each is put right by itself.
 */

import type { Clock, Timer } from '../onem2m/clock.ts'
import { contentObject, type Json, type JsonObject } from '../onem2m/content.ts'
import type { Log } from '../onem2m/log.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { formatTimestamp, parseTimestamp } from '../onem2m/timestamp.ts'
import type { Cse } from './cse.ts'
import { remoteCseType } from './route.ts'

/** `connecting` until the other side has answered for the first time; `refused` when it does not want this CSE. */
export type RegistrationState = 'connecting' | 'registered' | 'unreachable' | 'refused' | 'stopped'

export interface RegistrationSettings {
  /** The CSE to register with: `/in-cse-1`, the name of its CSEBase, its type (1 IN-CSE, 2 MN-CSE). */
  readonly remoteCseId: string
  readonly remoteCseBase: string
  readonly remoteCseType: number
  /** How it can be reached, in order. */
  readonly pointOfAccess: readonly string[]
  readonly labels: readonly string[]
  /** How often the registration is refreshed. */
  readonly intervalMs: number
  /** How much longer than that it lasts. */
  readonly offsetMs: number
  /** How often it is looked at whether the other side still knows this CSE. */
  readonly checkMs: number
}

interface RegistrationFacts {
  readonly cse: Pick<Cse, 'handle' | 'carry' | 'descendants' | 'wake'>
  readonly own: { readonly cseId: string; readonly cseBaseName: string; readonly cseType: number }
  readonly settings: RegistrationSettings
  /** Where the other side reaches this CSE, now. */
  readonly ownPointOfAccess: () => readonly string[]
  readonly clock: Clock
  readonly log: Log
  readonly randomId: () => string
  /** Between 0 and 1. */
  readonly random: () => number
  readonly changed: (state: RegistrationState) => void
}

const firstRetryMs = 1000
const longestRetryMs = 30_000
/** How long an answer may take: through somebody else's broker, one that is not there is only told from a slow one by waiting. */
const firstAnswerMs = 2000
const longestAnswerMs = 20_000
const farewellMs = 2000
/** A clock that says less was never set: what it says is told to nobody. */
const plausibleMs = Date.UTC(2024, 0)

export class Registration {
  readonly #facts: RegistrationFacts
  #state: RegistrationState = 'stopped'
  #timer: Timer | undefined
  #retryMs = firstRetryMs
  #answerMs = firstAnswerMs
  #isRegistered = false
  /** A turn is under way; another one is wanted after it. */
  #turn: Promise<void> | undefined
  #wantsAnother = false
  #refreshAtMs = 0
  #mirrorUntilMs = Number.NEGATIVE_INFINITY
  /** What the other side was last told of this CSE. */
  #told = ''

  constructor(facts: RegistrationFacts) {
    this.#facts = facts
  }

  get state(): RegistrationState {
    return this.#state
  }

  start(): void {
    this.#enter('connecting')
    this.check()
  }

  /** Looks at once: something about this CSE or about the way to the other one has changed. */
  check(): void {
    if (this.#state === 'stopped') return
    if (this.#turn !== undefined) {
      this.#wantsAnother = true
      return
    }
    this.#timer?.cancel()
    this.#turn = this.#take().finally(() => {
      this.#turn = undefined
      if (!this.#wantsAnother) return
      this.#wantsAnother = false
      this.check()
    })
  }

  /** Takes the registration back on both sides; waits two seconds at most for the other one. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return
    this.#enter('stopped')
    this.#timer?.cancel()
    const { log } = this.#facts
    if (this.#isRegistered)
      await this.#send(Operation.DELETE, this.#registrationAddress, {}, farewellMs).catch((error: Error) =>
        log.warn('not deregistered: the registration there ends by itself', { reason: error.message }),
      )
    this.#isRegistered = false
    await this.#request({ operation: Operation.DELETE, to: this.#mirrorAddress })
  }

  /** Never rejects. */
  async #take(): Promise<void> {
    const { clock, random, settings } = this.#facts
    let delayMs = settings.checkMs
    try {
      await this.#keepMirror()
      if (this.#isRegistered) await this.#look()
      if (!this.#isRegistered) await this.#register()
      if (this.#state === 'stopped') return
      this.#retryMs = firstRetryMs
      this.#enter('registered')
    } catch (error) {
      if (this.#state === 'stopped') return
      const isAway = error instanceof OneM2MError && error.status === Status.TARGET_NOT_REACHABLE
      this.#enter(isAway ? 'unreachable' : 'refused', error instanceof Error ? error.message : String(error))
      delayMs = Math.min(this.#retryMs, settings.checkMs) * (0.75 + random() / 2)
      this.#retryMs = Math.min(2 * this.#retryMs, longestRetryMs)
      this.#answerMs = Math.min(2 * this.#answerMs, longestAnswerMs)
    }
    this.#timer = clock.after(delayMs, () => this.check())
  }

  /** The other side as a resource here: what says how requests for it get there. Kept while it is away too, so that they fail with 5103. */
  async #keepMirror(): Promise<void> {
    const { own, clock, settings } = this.#facts
    const { remoteCseId, pointOfAccess, intervalMs, offsetMs } = settings
    if (clock.monotonicMs() < this.#mirrorUntilMs) return
    const attributes = { poa: pointOfAccess, rr: true, et: formatTimestamp(clock.wallMs() + 2 * intervalMs + offsetMs) }
    const update = { operation: Operation.UPDATE, to: this.#mirrorAddress, content: { 'm2m:csr': attributes } } as const
    let { responseStatusCode: status } = await this.#request(update)
    if (status === Status.NOT_FOUND) {
      const content = {
        'm2m:csr': {
          ...attributes,
          rn: remoteCseId.slice(1),
          csi: remoteCseId,
          cb: `${remoteCseId}/${settings.remoteCseBase}`,
          cst: settings.remoteCseType,
        },
      }
      const to = own.cseBaseName
      const created = await this.#request({ operation: Operation.CREATE, to, resourceType: remoteCseType, content })
      status = created.responseStatusCode
    }
    if (status >= 4000) throw new Error(`the registrar can't be described here: ${status}`)
    this.#mirrorUntilMs = clock.monotonicMs() + intervalMs
  }

  async #register(): Promise<void> {
    const { cse, own, settings } = this.#facts
    const description = this.#description()
    const content = {
      ...description,
      rn: this.#name,
      csi: own.cseId,
      cb: `${own.cseId}/${own.cseBaseName}`,
      cst: own.cseType,
    }
    const to = `${settings.remoteCseId}/${settings.remoteCseBase}`
    const create = () =>
      this.#send(Operation.CREATE, to, { resourceType: remoteCseType, content: { 'm2m:csr': content } })
    let response = await create()
    // Of an earlier life of this CSE, which had no time to say good-bye. OpenMTC answers 4105, the others 4117.
    if (isTaken(response)) {
      response = await this.#send(Operation.UPDATE, this.#registrationAddress, { content: { 'm2m:csr': description } })
      if (response.responseStatusCode >= 4000) {
        await this.#send(Operation.DELETE, this.#registrationAddress)
        response = await create()
      }
    }
    this.#accept(response, description)
    this.#isRegistered = true
    cse.wake()
  }

  /** Refreshes the registration when it is time, or when something about this CSE is other; else asks whether it is still there. */
  async #look(): Promise<void> {
    const { clock } = this.#facts
    const description = this.#description()
    const isDue = clock.monotonicMs() >= this.#refreshAtMs || withoutTime(description) !== this.#told
    const response = isDue
      ? await this.#send(Operation.UPDATE, this.#registrationAddress, { content: { 'm2m:csr': description } })
      : await this.#send(Operation.RETRIEVE, this.#registrationAddress)
    if (response.responseStatusCode < 4000) {
      if (isDue) this.#accept(response, description)
      if (this.#state !== 'registered') this.#facts.cse.wake()
      return
    }
    this.#isRegistered = false
    this.#facts.log.warn('the registrar does not know this CSE any more: registering again', {
      registrar: this.#facts.settings.remoteCseId,
      status: response.responseStatusCode,
    })
    this.#enter('connecting')
  }

  /** Throws what the other side refused; notes until when it knows this CSE. */
  #accept(response: ResponsePrimitive, description: JsonObject): void {
    const { clock, settings } = this.#facts
    if (response.responseStatusCode >= 4000) throw refusalOf(response)
    this.#told = withoutTime(description)
    const granted = response.content === undefined ? undefined : contentObject(response.content)['m2m:csr']
    const until = parseTimestamp(String((granted as JsonObject | undefined)?.['et'] ?? '')) ?? Number.POSITIVE_INFINITY
    const lifetimeMs = until - clock.wallMs()
    // A registrar may grant less than was asked for: half of it is early enough.
    const isShort = lifetimeMs < settings.intervalMs + settings.offsetMs / 2
    this.#refreshAtMs = clock.monotonicMs() + (isShort ? Math.max(1000, lifetimeMs / 2) : settings.intervalMs)
  }

  /** What the other side is told of this CSE, and may be told again: all but what never changes. */
  #description(): JsonObject {
    const { cse, clock, settings, ownPointOfAccess } = this.#facts
    const poa = ownPointOfAccess()
    const description: Record<string, Json> = { rr: poa.length > 0, srv: ['2a', '3'], poa }
    if (clock.wallMs() > plausibleMs && clock.calendar?.isTrusted !== false)
      description['et'] = formatTimestamp(clock.wallMs() + settings.intervalMs + settings.offsetMs)
    if (settings.labels.length > 0) description['lbl'] = settings.labels
    const descendants = cse.descendants()
    if (descendants.length > 0) description['dcse'] = descendants
    return description
  }

  #send(
    operation: Operation,
    to: string,
    parameters: Partial<RequestPrimitive> = {},
    timeoutMs = this.#answerMs,
  ): Promise<ResponsePrimitive> {
    const { cse, own, randomId } = this.#facts
    const request: RequestPrimitive = {
      operation,
      to,
      originator: own.cseId,
      requestIdentifier: randomId(),
      releaseVersionIndicator: '3',
      ...parameters,
    }
    return cse.carry(to, request, timeoutMs)
  }

  /** A request of the CSE itself to itself. */
  #request(
    request: Partial<RequestPrimitive> & Pick<RequestPrimitive, 'operation' | 'to'>,
  ): Promise<ResponsePrimitive> {
    const { cse, own, randomId } = this.#facts
    return new Promise((resolve) =>
      cse.handle(
        { originator: own.cseId, requestIdentifier: randomId(), releaseVersionIndicator: '3', ...request },
        { source: 'internal' },
        resolve,
      ),
    )
  }

  get #name(): string {
    return this.#facts.own.cseId.slice(1)
  }

  get #registrationAddress(): string {
    const { remoteCseId, remoteCseBase } = this.#facts.settings
    return `${remoteCseId}/${remoteCseBase}/${this.#name}`
  }

  get #mirrorAddress(): string {
    return `${this.#facts.own.cseBaseName}/${this.#facts.settings.remoteCseId.slice(1)}`
  }

  #enter(state: RegistrationState, reason?: string): void {
    if (state === this.#state) return
    const { log, settings, changed } = this.#facts
    this.#state = state
    const facts = { registrar: settings.remoteCseId, ...(reason === undefined ? {} : { reason }) }
    if (state === 'unreachable') log.warn('the registrar is unreachable: it is tried again and again', facts)
    else if (state === 'refused') log.warn('the registrar refuses this CSE: it is asked again and again', facts)
    else log.info(`registration: ${state}`, facts)
    changed(state)
  }
}

function isTaken({ responseStatusCode }: ResponsePrimitive): boolean {
  return (
    responseStatusCode === Status.CONFLICT ||
    responseStatusCode === Status.ORIGINATOR_HAS_ALREADY_REGISTERED ||
    responseStatusCode === Status.ALREADY_EXISTS
  )
}

function refusalOf({ responseStatusCode, content }: ResponsePrimitive): OneM2MError {
  const reason = content === undefined ? undefined : contentObject(content)['m2m:dbg']
  const text = typeof reason === 'string' ? `${responseStatusCode}: ${reason}` : String(responseStatusCode)
  return new OneM2MError(responseStatusCode, text)
}

function withoutTime({ et: _, ...rest }: JsonObject): string {
  return JSON.stringify(rest)
}
