/** Which adapters run, side by side: what one does, or fails to do, is no other's concern. */

import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import type { AdapterEntry, AreaNetwork, GatewayView, Messages } from './adapter.ts'
import type { AdapterClient } from './branch.ts'
import { Inbox } from './inbox.ts'
import { type AdapterSettings, type AdapterStatus, RunningAdapter } from './running-adapter.ts'

export interface AdapterHostOptions {
  readonly adapters: readonly AdapterEntry[]
  /** By the name of the adapter; one without settings does not run. */
  readonly settings: Readonly<Record<string, AdapterSettings>>
  /** A client that speaks as this originator, the AE-ID of an adapter. */
  readonly clientFor: (originator: string) => AdapterClient
  readonly messages?: Messages | undefined
  /** What the adapter that describes the gateway is given besides what the host knows. */
  readonly gateway?: Omit<GatewayView, 'networks'> & { readonly clients: () => readonly string[] }
  readonly cseBaseName: string
  readonly dataDirectory: string
  readonly clock: Clock
  readonly log: Log
  /** From 0 up to 1. */
  readonly random: () => number
}

export class AdapterHost {
  /** To be given to the CSE as one of its requesters. */
  readonly inbox = new Inbox()
  readonly #options: AdapterHostOptions
  #running: readonly RunningAdapter[] = []

  constructor(options: AdapterHostOptions) {
    this.#options = options
  }

  /** How each enabled adapter is, and the last good value of each of its points. */
  get statuses(): readonly AdapterStatus[] {
    return this.#running.map(({ status }) => status)
  }

  /** Resolves when every enabled adapter has started or failed to; the code of the others is not loaded. Never rejects. */
  async start(): Promise<void> {
    const { adapters, settings, clientFor, gateway } = this.#options
    this.#running = adapters
      .filter(({ name }) => settings[name]?.['enabled'] === true)
      .map(
        (entry) =>
          new RunningAdapter({
            ...this.#options,
            entry,
            settings: settings[entry.name] ?? {},
            originator: originatorOf(entry),
            client: clientFor(originatorOf(entry)),
            inbox: this.inbox,
            gateway: gateway && entry.describesGateway ? { ...gateway, networks: () => this.#networks() } : undefined,
          }),
      )
    await Promise.all(this.#running.map((adapter) => adapter.start()))
  }

  /** The devices that each adapter sees, with its state, and the clients of the broker. */
  #networks(): readonly AreaNetwork[] {
    const clients = (this.#options.gateway?.clients() ?? []).map((device) => ({ device, status: 'connected' }))
    const ofAdapters = this.statuses.map(({ name, devices, state }) => ({
      name,
      devices: devices.map((device) => ({ device, status: state })),
    }))
    return [...ofAdapters, { name: 'mqtt', devices: clients }]
  }

  /** Takes less than a second, whatever the devices do. */
  async stop(): Promise<void> {
    await Promise.all(this.#running.map((adapter) => adapter.stop()))
  }
}

/** The AE-ID of an adapter; nobody else may speak under it. */
export function originatorOf({ name }: Pick<AdapterEntry, 'name'>): string {
  return `C${name}`
}
