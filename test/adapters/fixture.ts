/** A host of adapters on a real CSE in memory, time that is moved by hand, and adapters made of a few functions. */

import { setImmediate as turn } from 'node:timers/promises'
import type { Adapter, AdapterContext, AdapterEntry, Messages, Value } from '../../src/adapters/adapter.ts'
import { AdapterHost } from '../../src/adapters/adapter-host.ts'
import type { AdapterClient } from '../../src/adapters/branch.ts'
import { adapters as allAdapters } from '../../src/adapters/index.ts'
import { readConfiguration } from '../../src/appliance/configuration.ts'
import { OneM2MClient } from '../../src/client/client.ts'
import { LocalTransport } from '../../src/client/local-transport.ts'
import { Cse } from '../../src/cse/cse.ts'
import type { Clock } from '../../src/onem2m/clock.ts'
import type { JsonObject } from '../../src/onem2m/content.ts'
import type { Log, LogFields } from '../../src/onem2m/log.ts'
import { resourceTypes } from '../../src/resources/index.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'

/** Time that passes when `pass` says so, timer by timer. */
export class HandClock implements Clock {
  #nowMs = 0
  #timers: { readonly dueMs: number; readonly call: () => void }[] = []
  /** What the wall clock is ahead of the monotonic one; a test may set it, as NTP does. */
  wallOffsetMs = Date.UTC(2026, 5, 1)

  monotonicMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return this.#nowMs + this.wallOffsetMs
  }

  after(delayMs: number, call: () => void) {
    const timer = { dueMs: this.#nowMs + delayMs, call }
    this.#timers.push(timer)
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer)
      },
    }
  }

  get pending(): number {
    return this.#timers.length
  }

  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    for (;;) {
      const next = this.#timers.toSorted((left, right) => left.dueMs - right.dueMs)[0]
      if (next === undefined || next.dueMs > endMs) break
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      this.#timers = this.#timers.filter((timer) => timer !== next)
      next.call()
      await calm()
    }
    this.#nowMs = endMs
    await calm()
  }
}

/** Lets everything run that waits for nothing but its turn. */
export async function calm(): Promise<void> {
  for (let turns = 0; turns < 12; turns++) await turn()
}

export interface Line {
  readonly level: keyof Log
  readonly message: string
  readonly fields: LogFields
}

class ListeningLog implements Log {
  readonly lines: Line[] = []
  debug = (message: string, fields: LogFields = {}) => this.#note('debug', message, fields)
  info = (message: string, fields: LogFields = {}) => this.#note('info', message, fields)
  warn = (message: string, fields: LogFields = {}) => this.#note('warn', message, fields)
  error = (message: string, fields: LogFields = {}) => this.#note('error', message, fields)

  #note(level: keyof Log, message: string, fields: LogFields): void {
    this.lines.push({ level, message, fields })
  }
}

export type Start = (context: AdapterContext<Readonly<Record<string, unknown>>>) => void | Promise<void>

export function entryOf(name: string, start: Start, probe: Adapter['probe'] = async () => []): AdapterEntry {
  return { name, settings: [], load: async () => ({ probe, start: async (context) => start(context) }) }
}

/** A point of one reading, read every second. */
export function everySecond(path: string, read: () => Value | Promise<Value>): Start {
  return ({ sample }) =>
    sample({ name: path, periodMs: 1000, read: async () => [{ point: { path }, value: await read() }] })
}

/** The settings of an adapter as a configuration file gives them. Throws what an operator would be told. */
export function settingsFrom(name: string, toml: string): Readonly<Record<string, unknown>> {
  const { settings, problems } = readConfiguration({
    adapters: allAdapters,
    file: { name: 'fieldgate.toml', text: toml },
  })
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'))
  return settings.adapters[name] ?? {}
}

export class Gateway {
  readonly clock = new HandClock()
  readonly log = new ListeningLog()
  readonly store = new MemoryStore({ clock: this.clock })
  readonly cse: Cse
  /** The broker that adapters get. */
  messages: Messages | undefined
  #identifiers = 0

  constructor({ defaultLifetimeSeconds = 31_536_000 } = {}) {
    this.cse = new Cse({
      store: this.store,
      clock: this.clock,
      log: this.log,
      randomId: () => `id${String(++this.#identifiers).padStart(8, '0')}`,
      resourceTypes,
      settings: {
        cseId: '/mn-cse-1',
        cseBaseName: 'onem2m',
        spId: '//openmtc.org',
        cseType: 2,
        pointOfAccess: [],
        forwardTimeoutMs: 10_000,
        defaultLifetimeSeconds,
        maxLifetimeSeconds: 315_360_000,
        maxResources: 1000,
        maxResults: 1000,
        unprotected: 'read',
        administrators: [],
        reservedOriginators: [],
        notification: {
          verification: 'all',
          maxQueued: 10,
          maxInFlight: 1,
          timeoutMs: 1000,
          maxTries: 1,
          maxKeptSizeBytes: 1_000_000,
          maxKeptAgeMs: 86_400_000,
        },
      },
    })
  }

  async start(): Promise<this> {
    await this.cse.start()
    return this
  }

  clientFor(originator: string): OneM2MClient {
    return new OneM2MClient({
      transport: new LocalTransport({ cse: this.cse }),
      originator,
      newRequestIdentifier: () => `r${++this.#identifiers}`,
    })
  }

  /** Hosts these adapters, all enabled, and lets them do what they do at once. */
  async host(
    adapters: readonly AdapterEntry[],
    settings: Readonly<Record<string, unknown>> = {},
    clientFor: (originator: string) => AdapterClient = (originator) => this.clientFor(originator),
  ): Promise<AdapterHost> {
    const host = new AdapterHost({
      adapters,
      settings: Object.fromEntries(adapters.map(({ name }) => [name, { enabled: true, ...settings }])),
      clientFor,
      messages: this.messages,
      cseBaseName: 'onem2m',
      dataDirectory: '.',
      clock: this.clock,
      log: this.log,
      random: () => 0,
    })
    this.cse.use(host.inbox)
    await host.start()
    await this.clock.pass(0)
    return host
  }

  /** The attributes of a resource under their short names, as an AE of somebody else sees them; undefined when there is none. */
  async attributes(path: string): Promise<JsonObject | undefined> {
    try {
      return Object.values(await this.clientFor('Creader').retrieve(`onem2m/${path}`))[0] as JsonObject
    } catch {
      return undefined
    }
  }

  /** Hosts one of the adapters that there are, with settings as an operator writes them. */
  async hostOne(name: string, toml: string): Promise<AdapterHost> {
    const entry = allAdapters.filter((each) => each.name === name)
    return this.host(entry, settingsFrom(name, toml))
  }

  /** An AE of somebody else, registered. */
  async register(name: string): Promise<OneM2MClient> {
    const client = this.clientFor(`C${name}`)
    await client.create('onem2m', 2, { 'm2m:ae': { rn: name, api: `N${name}`, rr: false, srv: ['3'] } })
    return client
  }

  async latest(path: string): Promise<unknown> {
    return (await this.attributes(`${path}/la`))?.['con']
  }

  /** Contents of all instances of a container, the oldest first. */
  async contents(path: string): Promise<readonly unknown[]> {
    const found = await this.clientFor('Creader').retrieve(`onem2m/${path}`, { resultContent: 8 })
    const { 'm2m:cin': instances = [] } = found['m2m:cnt'] as { 'm2m:cin'?: readonly JsonObject[] }
    return instances.map(({ con }) => con)
  }

  get warnings(): readonly Line[] {
    return this.log.lines.filter(({ level }) => level === 'warn' || level === 'error')
  }
}
