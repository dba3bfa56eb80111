/** One enabled adapter from its loading to its end: what its context is made of, and what happens when it can't start. */

import type { Clock, Timer } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import { Actuation } from './actuation.ts'
import type { AdapterContext, AdapterEntry, AdapterHealth, GatewayView, Messages } from './adapter.ts'
import { type AdapterClient, Branch } from './branch.ts'
import { applicationEntity } from './content.ts'
import { Health } from './health.ts'
import type { Inbox } from './inbox.ts'
import { type PointOverride, PointOverrides } from './point.ts'
import { Presence } from './presence.ts'
import { type PointStatus, Publication } from './publication.ts'
import { Sampling } from './sampling.ts'

/** As the configuration gives them: the values of the adapter's table. */
export type AdapterSettings = Readonly<Record<string, unknown>>

interface RunningAdapterFacts {
  readonly entry: AdapterEntry
  readonly settings: AdapterSettings
  readonly originator: string
  readonly client: AdapterClient
  readonly inbox: Inbox
  readonly messages?: Messages | undefined
  readonly gateway?: GatewayView | undefined
  readonly cseBaseName: string
  readonly dataDirectory: string
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
}

export interface AdapterStatus extends AdapterHealth {
  readonly name: string
  readonly points: readonly PointStatus[]
  /** Those that were there the last time its samplers looked. */
  readonly devices: readonly string[]
}

const firstPauseMs = 30_000
const longestPauseMs = 600_000
const defaultPeriodMs = 60_000
const startTimeoutMs = 30_000
/** What is on its way to the store when the gateway stops gets this long. */
const longestFarewellMs = 800

export class RunningAdapter {
  readonly #facts: RunningAdapterFacts
  readonly #log: Log
  readonly #health: Health
  readonly #overrides: PointOverrides
  readonly #branch: Branch
  readonly #publication: Publication
  readonly #presence: Presence
  #actuation: Actuation | undefined
  #sampling: Sampling | undefined
  #abort = new AbortController()
  #retry: Timer | undefined
  #failures = 0
  #stopping: Promise<void> | undefined

  constructor(facts: RunningAdapterFacts) {
    const { entry, clock, client, cseBaseName, settings } = facts
    this.#facts = facts
    this.#log = withAdapter(facts.log, entry.name)
    this.#health = new Health({ clock, log: this.#log, onChange: (health) => this.#publication.pushState(health) })
    this.#overrides = new PointOverrides((settings['points'] as readonly PointOverride[] | undefined) ?? [])
    this.#branch = new Branch({
      root: () => applicationEntity(entry.name),
      rootAddress: `${cseBaseName}/${entry.name}`,
      client,
      clock,
      onReview: (reason) => {
        // Points are stored often enough; what is written to rarely is not, unless it is seen to.
        if (reason === 'renewal') this.#publication.pushState(this.#health.current)
        this.#actuation?.review()
      },
    })
    this.#presence = new Presence({ log: this.#log, onGone: (path) => this.#publication.forgetFault(path) })
    this.#publication = new Publication({
      branch: this.#branch,
      overrides: this.#overrides,
      clock,
      health: this.#health,
      retentionMs: Number(settings['retentionMs'] ?? 86_400_000),
    })
  }

  get status(): AdapterStatus {
    const { devices } = this.#presence
    return { name: this.#facts.entry.name, ...this.#health.current, points: this.#publication.points, devices }
  }

  /** Resolves when the adapter has started or failed to; never rejects. */
  async start(): Promise<void> {
    const { entry, clock, random } = this.#facts
    const abort = new AbortController()
    const sampling = new Sampling({
      clock,
      random,
      health: this.#health,
      onReadings: (readings, { name, periodMs }) => {
        this.#presence.see(name, readings)
        this.#publication.push(readings, periodMs)
      },
    })
    const actuation = this.#createActuation()
    this.#abort = abort
    this.#sampling = sampling
    this.#actuation = actuation
    const context = this.#createContext(abort, sampling, actuation)
    const timeout = clock.after(startTimeoutMs, () => abort.abort(new Error(`not ready within ${startTimeoutMs} ms`)))
    try {
      const adapter = await entry.load()
      abort.signal.throwIfAborted()
      await Promise.race([adapter.start(context), abortionOf(abort.signal)])
      this.#failures = 0
      this.#health.note('start', undefined)
      this.#health.refresh()
    } catch (error) {
      if (this.#stopping === undefined) this.#failed(error)
    } finally {
      timeout.cancel()
    }
  }

  /** Ends what runs at once, and waits for readings on their way to the store for less than a second. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    this.#retry?.cancel()
    this.#end()
    let timer: Timer | undefined
    const farewell = new Promise<void>((resolve) => {
      timer = this.#facts.clock.after(longestFarewellMs, resolve)
    })
    await Promise.race([this.#publication.settled(), farewell])
    timer?.cancel()
  }

  #createContext(abort: AbortController, sampling: Sampling, actuation: Actuation): AdapterContext<AdapterSettings> {
    const { settings, dataDirectory, clock, client, inbox, messages, cseBaseName, gateway } = this.#facts
    return {
      settings,
      dataDirectory,
      clock,
      log: this.#log,
      signal: abort.signal,
      client,
      inbox,
      messages,
      cseBaseName,
      gateway,
      actuate: (actuator) => {
        if (!abort.signal.aborted) actuation.add(actuator)
      },
      sample: (sampler) => sampling.add(sampler),
      push: (readings, expectedPeriodMs = defaultPeriodMs) => {
        if (!abort.signal.aborted) this.#publication.push(readings, expectedPeriodMs)
      },
      report: (part, fault) => {
        if (!abort.signal.aborted) this.#health.set(part, fault === undefined ? 'working' : { fault })
      },
    }
  }

  #createActuation(): Actuation {
    const { settings, originator, inbox, clock } = this.#facts
    return new Actuation({
      originator,
      branch: this.#branch,
      publication: this.#publication,
      overrides: this.#overrides,
      inbox,
      clock,
      commanders: (settings['commanders'] as readonly string[] | undefined) ?? [],
      onFault: (subject, fault) => this.#health.note(subject, fault),
    })
  }

  #failed(error: unknown): void {
    this.#end()
    this.#health.forgetParts()
    this.#health.note('start', error instanceof Error ? error.message : String(error))
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures++)
    this.#retry = this.#facts.clock.after(pauseMs, () => void this.start())
  }

  #end(): void {
    this.#sampling?.stop()
    this.#actuation?.stop()
    this.#abort.abort(new Error('the adapter stops'))
  }
}

/** Rejects when the signal is aborted: an adapter that hangs in its start holds up neither its next try nor the stop. */
function abortionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}

function withAdapter(log: Log, adapter: string): Log {
  return {
    debug: (message, fields) => log.debug(message, { adapter, ...fields }),
    info: (message, fields) => log.info(message, { adapter, ...fields }),
    warn: (message, fields) => log.warn(message, { adapter, ...fields }),
    error: (message, fields) => log.error(message, { adapter, ...fields }),
  }
}
