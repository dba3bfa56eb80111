/** What an adapter is and what it is given: all that the author of one has to know. Of CSE, broker and store it sees nothing. */

import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import type { SettingRow } from '../onem2m/setting-row.ts'

/** One figure that an adapter reads again and again. It becomes a container below the AE of the adapter. */
export interface Point {
  /** Where it stands in the tree, below the AE: `memory/available`; `state` is taken. What a resource name can't hold becomes `_`. */
  readonly path: string
  /** What is measured: `temperature`. Becomes the label `quantity:temperature`. */
  readonly quantity?: string
  /** The symbol of RFC 8428 (SenML) where there is one: `Cel`, `B`, `%`, `s`. Becomes the label `unit:Cel`. */
  readonly unit?: string
  /** What it was measured on, for the label `device:`: a serial number, the name of an interface. */
  readonly device?: string
  /** A number is stored as `value * scale + offset`, rounded to `digits` after the point. */
  readonly scale?: number
  readonly offset?: number
  readonly digits?: number
  /** When set, a value is stored only when it differs from the last one stored by more than this (0: at all), and once an hour. */
  readonly deadband?: number
}

export type Value = number | string | boolean

export interface Reading {
  readonly point: Point
  /** NaN and infinity are not stored; they count as a fault of the point. */
  readonly value: Value
}

/** A part of an adapter that is read at a steady pace. */
export interface Sampler {
  /** Stands in the log and in the reason of the state: `memory`. Unique within the adapter. */
  readonly name: string
  readonly periodMs: number
  /** After this the signal is aborted and the read counts as failed; 5000 by default. */
  readonly timeoutMs?: number
  /**
   * What there is now; an empty list when there is nothing to read here, which is not a fault. Rejects when a device fails: it is then read
   * at growing intervals. Never called again before the last call has settled.
   */
  read(signal: AbortSignal): Promise<readonly Reading[]>
}

export interface AdapterContext<Settings> {
  readonly settings: Settings
  /** Where the gateway keeps its state. */
  readonly dataDirectory: string
  readonly clock: Clock
  readonly log: Log
  /** Aborted when the adapter must end: close what is open. */
  readonly signal: AbortSignal
  /** Reads at a steady pace from now on, the first time at once; what samplers read in one round is stored in one commit. */
  sample(sampler: Sampler): void
  /** Readings that come by themselves. `expectedPeriodMs` says how often, for the number of instances to keep; a minute by default. */
  push(readings: readonly Reading[], expectedPeriodMs?: number): void
  /** Says that a part of the adapter that no sampler stands for has failed, and why, or (without a fault) that it works. */
  report(part: string, fault?: string): void
}

/** A device that was found, for people. */
export interface Finding {
  readonly text: string
  /** What to write in the adapter's section of the configuration so that it is read. */
  readonly settings: Readonly<Record<string, unknown>>
}

export interface Adapter<Settings = Readonly<Record<string, unknown>>> {
  /** Looks for what this adapter could read, and changes nothing. */
  probe(context: Pick<AdapterContext<Settings>, 'settings' | 'dataDirectory' | 'signal'>): Promise<readonly Finding[]>
  /**
   * Names the samplers and opens what has to be open, then returns. Rejects when the adapter can't work as things are: it is then tried again
   * at growing intervals, as it is when it has not returned after 30 seconds.
   */
  start(context: AdapterContext<Settings>): Promise<void>
}

/** `failed`: nothing can be read; `absent`: there is nothing to read on this machine; `degraded`: something can't be read. */
export type AdapterState = 'starting' | 'ok' | 'degraded' | 'absent' | 'failed'

export interface AdapterHealth {
  readonly state: AdapterState
  /** What failed and why, for `degraded` and `failed`. */
  readonly reason?: string
}

export interface AdapterTable<Rows extends readonly SettingRow[] = readonly SettingRow[]> {
  /** Section `adapters.<name>` of the configuration, name of the AE, and, after a C, its AE-ID. */
  readonly name: string
  readonly settings: Rows
}

/** A line of the list in `index.ts`: the table at hand, the code loaded when the adapter is enabled. */
export interface AdapterEntry extends AdapterTable {
  load(): Promise<Adapter>
}

type EveryAdapter = readonly [
  { readonly key: 'enabled'; readonly type: 'boolean'; readonly default: boolean; readonly text: string },
  { readonly key: 'retention'; readonly type: 'duration'; readonly default: string; readonly text: string },
]

/** The table of an adapter: its own rows, after those that every adapter has. */
export function adapterTable<const Rows extends readonly SettingRow[]>(table: {
  readonly name: string
  readonly isEnabled: boolean
  /** What it reads, for the operator. */
  readonly text: string
  readonly settings: Rows
}): AdapterTable<readonly [...EveryAdapter, ...Rows]> {
  const retention = { minimum: 60_000, text: 'How long readings are kept.' }
  return {
    name: table.name,
    settings: [
      { key: 'enabled', type: 'boolean', default: table.isEnabled, text: table.text },
      { key: 'retention', type: 'duration', default: '1d', ...retention },
      ...table.settings,
    ],
  }
}
