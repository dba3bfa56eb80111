/** One adapter tried out by itself: each of its samplers is read once, what comes by itself is waited for, nothing is stored. */

import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import type { AdapterContext, AdapterEntry, Sampler } from './adapter.ts'
import { Inbox } from './inbox.ts'
import { type PointOverride, PointOverrides, type Reading } from './point.ts'
import { scaled } from './publication.ts'

export interface TrialOptions {
  readonly entry: AdapterEntry
  readonly settings: Readonly<Record<string, unknown>>
  readonly dataDirectory: string
  readonly clock: Clock
  readonly log: Log
  /** How long readings that come by themselves are waited for. */
  readonly patienceMs: number
  /** Readings as they would be stored. */
  readonly onReadings: (readings: readonly Reading[]) => void
  /** A part of the adapter that failed. */
  readonly onFault: (part: string, reason: string) => void
}

/** Resolves when everything has been read. Rejects with why the adapter could not start. */
export async function tryAdapter(options: TrialOptions): Promise<void> {
  const { entry, settings, clock, onReadings, onFault, patienceMs } = options
  const overrides = new PointOverrides((settings['points'] as readonly PointOverride[] | undefined) ?? [])
  const abort = new AbortController()
  const reads: Promise<void>[] = []
  let comesByItself = false
  const hand = (readings: readonly Reading[]) =>
    onReadings(
      readings.map((reading) => {
        const point = overrides.apply(reading.point)
        return reading.fault === undefined ? { point, value: scaled(point, reading.value) } : { ...reading, point }
      }),
    )
  const read = async (sampler: Sampler) => {
    try {
      hand(await sampler.read(AbortSignal.any([abort.signal, AbortSignal.timeout(sampler.timeoutMs ?? 5000)])))
    } catch (error) {
      onFault(sampler.name, error instanceof Error ? error.message : String(error))
    }
  }
  const context: AdapterContext<Readonly<Record<string, unknown>>> = {
    settings,
    dataDirectory: options.dataDirectory,
    clock,
    log: options.log,
    signal: abort.signal,
    inbox: new Inbox(),
    cseBaseName: '-',
    sample: (sampler) => void reads.push(read(sampler)),
    push: (readings) => {
      comesByItself = true
      hand(readings)
    },
    actuate: () => {},
    report: (part, fault) => {
      comesByItself = true
      if (fault !== undefined) onFault(part, fault)
    },
    client: { create: nothing, update: nothing, retrieve: nothing, delete: async () => {} },
  }
  try {
    const adapter = await entry.load()
    await adapter.start(context)
    await Promise.all(reads)
    if (comesByItself || reads.length === 0) await new Promise<void>((resolve) => setTimeout(resolve, patienceMs))
  } finally {
    abort.abort(new Error('the trial is over'))
  }
}

async function nothing(): Promise<Record<string, never>> {
  return {}
}
