/** One enabled adapter from its loading to its end: what its context is made of, and what happens when it can't start. */

import type { Clock, Timer } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import type { AdapterContext, AdapterEntry, AdapterHealth } from './adapter.ts'
import { Health } from './health.ts'
import { type AdapterClient, type PointStatus, Publication } from './publication.ts'
import { Sampling } from './sampling.ts'

/** As the configuration gives them: the values of the adapter's table. */
export type AdapterSettings = Readonly<Record<string, unknown>>

interface RunningAdapterFacts {
  readonly entry: AdapterEntry
  readonly settings: AdapterSettings
  readonly client: AdapterClient
  readonly cseBaseName: string
  readonly dataDirectory: string
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
}

export interface AdapterStatus extends AdapterHealth {
  readonly name: string
  readonly points: readonly PointStatus[]
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
  readonly #publication: Publication
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
    this.#publication = new Publication({
      name: entry.name,
      cseBaseName,
      client,
      clock,
      health: this.#health,
      retentionMs: Number(settings['retentionMs'] ?? 86_400_000),
    })
  }

  get status(): AdapterStatus {
    return { name: this.#facts.entry.name, ...this.#health.current, points: this.#publication.points }
  }

  /** Resolves when the adapter has started or failed to; never rejects. */
  async start(): Promise<void> {
    const { entry, settings, dataDirectory, clock, random } = this.#facts
    const abort = new AbortController()
    const sampling = new Sampling({
      clock,
      random,
      health: this.#health,
      onReadings: (readings, periodMs) => this.#publication.push(readings, periodMs),
    })
    this.#abort = abort
    this.#sampling = sampling
    const context: AdapterContext<AdapterSettings> = {
      settings,
      dataDirectory,
      clock,
      log: this.#log,
      signal: abort.signal,
      sample: (sampler) => sampling.add(sampler),
      push: (readings, expectedPeriodMs = defaultPeriodMs) => {
        if (!abort.signal.aborted) this.#publication.push(readings, expectedPeriodMs)
      },
      report: (part, fault) => {
        if (!abort.signal.aborted) this.#health.set(part, fault === undefined ? 'working' : { fault })
      },
    }
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

  #failed(error: unknown): void {
    this.#end()
    this.#health.forgetParts()
    this.#health.note('start', error instanceof Error ? error.message : String(error))
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures++)
    this.#retry = this.#facts.clock.after(pauseMs, () => void this.start())
  }

  #end(): void {
    this.#sampling?.stop()
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
