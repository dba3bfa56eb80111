/** What an adapter is and what it is given: all that the author of one has to know. Of CSE, broker and store it sees nothing. */

import type { OneM2MClient } from '../client/client.ts'
import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import type { SettingObjection, SettingRow, SettingsOf } from '../onem2m/setting-row.ts'
import type { AdapterClient } from './branch.ts'
import type { Inbox } from './inbox.ts'
import { objectionsToLists } from './objection.ts'
import { type Point, pointOverrideRows, type Reading, type Value } from './point.ts'

export type { Point, Reading, Value } from './point.ts'

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

/** A device that can be told something. AEs write to `<path>/commands`, or to the flexContainer at the path. */
export interface Actuator {
  /** What is actuated; what it was told is stored here when the device has confirmed it. */
  readonly point: Point
  /** What a flexContainer holds before the first command; false by default. */
  readonly initial?: Value
  /** After this the signal is aborted and the command counts as failed; 5000 by default. */
  readonly timeoutMs?: number
  /** Resolves when the device has confirmed, with the value that it has now where that may be another. Rejects with why it did not. */
  write(value: Value, signal: AbortSignal): Promise<Value | undefined>
}

export interface Message {
  readonly topic: string
  readonly payload: Buffer
  /** Published by a part of this gateway, and not by a client. */
  readonly isInternal: boolean
}

/** The broker in this process, as adapters see it: no connection, no copy. */
export interface Messages {
  /** Calls with what is retained, then with each message that matches the filter, until the returned function is called. */
  subscribe(filter: string, call: (message: Message) => void): () => void
  publish(message: {
    readonly topic: string
    readonly payload: string
    readonly qos: 0 | 1
    readonly retain: boolean
  }): void
}

/** A network as the parts of this gateway see it: the bus of an adapter, the clients of the broker. */
export interface AreaNetwork {
  readonly name: string
  readonly devices: readonly { readonly device: string; readonly status: string }[]
}

/** The gateway as a whole, for the adapter that describes it. */
export interface GatewayView {
  /** Speaks as the CSE itself. */
  readonly client: AdapterClient & Pick<OneM2MClient, 'discover'>
  readonly cseId: string
  readonly version: string
  /** Warnings and errors, the latest last. */
  readonly recentLog: () => readonly string[]
  readonly networks: () => readonly AreaNetwork[]
  /** What this machine is, asked for in a process of its own. */
  readonly survey?: ((signal: AbortSignal) => Promise<Readonly<Record<string, string>>>) | undefined
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
  /** Takes commands for a device from now on. */
  actuate(actuator: Actuator): void
  /** Absent where there is no broker. */
  readonly messages?: Messages | undefined
  /** For resources that are no readings. Its originator is the AE-ID of the adapter. */
  readonly client: AdapterClient
  /** Where the notifications of this adapter's own subscriptions come in. */
  readonly inbox: Inbox
  readonly cseBaseName: string
  /** For the one adapter that describes the gateway. */
  readonly gateway?: GatewayView | undefined
  /** Says that a part of the adapter that no sampler stands for has failed, and why, or (without a fault) that it works. */
  report(part: string, fault?: string): void
}

/** A device that was found, for people. */
export interface Finding {
  readonly text: string
  /** Tables to write in the section of the adapter, besides `enabled`, so that it is read: by key, each a list. */
  readonly settings: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>
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
  /** What is wrong with settings that are right one by one. */
  check?(settings: Readonly<Record<string, unknown>>): readonly SettingObjection[]
}

/** A line of the list in `index.ts`: the table at hand, the code loaded when the adapter is enabled. */
export interface AdapterEntry extends AdapterTable {
  /** It is given the view of the gateway as a whole. */
  readonly describesGateway?: true
  load(): Promise<Adapter>
}

type EveryAdapter = readonly [
  { readonly key: 'enabled'; readonly type: 'boolean'; readonly default: boolean; readonly text: string },
  { readonly key: 'retention'; readonly type: 'duration'; readonly default: string; readonly text: string },
  { readonly key: 'point'; readonly type: 'tables'; readonly rows: typeof pointOverrideRows; readonly text: string },
]

/** The table of an adapter: its own rows, after those that every adapter has. */
export function adapterTable<const Rows extends readonly SettingRow[]>(table: {
  readonly name: string
  readonly isEnabled: boolean
  /** What it reads, for the operator. */
  readonly text: string
  readonly settings: Rows
  readonly check?: (settings: SettingsOf<Rows>) => readonly SettingObjection[]
}): AdapterTable<readonly [...EveryAdapter, ...Rows]> {
  const { name, check } = table
  const retention = { minimum: 60_000, text: 'How long readings are kept.' }
  const point = { rows: pointOverrideRows, text: 'What is different for some of the points that this adapter finds.' }
  return {
    name,
    settings: [
      { key: 'enabled', type: 'boolean', default: table.isEnabled, text: table.text },
      { key: 'retention', type: 'duration', default: '1d', ...retention },
      { key: 'point', type: 'tables', ...point },
      ...table.settings,
    ],
    check: (settings) => [
      ...objectionsToLists(table.settings, settings),
      ...(check?.(settings as SettingsOf<Rows>) ?? []),
    ],
  }
}

/** For adapters whose devices can be told something. */
export const commanderRow = {
  key: 'commanders',
  type: 'list',
  default: ['C*', 'S*'],
  text: 'Who may give commands: AE-IDs, * for any characters; those of other CSEs begin with their CSE-ID.',
} as const satisfies SettingRow
