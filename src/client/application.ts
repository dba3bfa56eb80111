/**
 * An application (AE) with a life: registered or resumed at the start, its containers and subscriptions kept while it runs, signed off at the end.
 * What the network does meanwhile costs it time, not its life.
 */

import { isJsonObject, type Json, type JsonObject } from '../onem2m/content.ts'
import type { FilterCriteria } from '../onem2m/filter-criteria.ts'
import type { Log } from '../onem2m/log.ts'
import type { OneM2MClient } from './client.ts'
import { type ConnectOptions, connect } from './connect.ts'
import { isMqtt, parseUrl, readMqttEndpoint } from './endpoint.ts'
import { decodeInstance, encodeInstance } from './instance-content.ts'
import { type Notification, receiveNotifications } from './notification.ts'
import { isGone, Upkeep } from './upkeep.ts'

export interface ApplicationOptions extends Omit<ConnectOptions, 'originator' | 'listen'> {
  /** Of the AE, and of its resource: `TestIPE`. */
  readonly name: string
  /** The CSE to register with: `mqtt://localhost#mn-cse-1`, `http://localhost:8000`. */
  readonly url: string
  /** Where notifications are to come: `mqtt://localhost:1883`, `http://localhost:21345`. By default the way that requests go. */
  readonly pointsOfAccess?: readonly string[]
  /** What precedes the AE-ID where absolute ones are wanted: `//openmtc.org/mn-cse-1`. */
  readonly originatorPrefix?: string
  /** The CSEBase to register at: `onem2m`. */
  readonly cseBase?: string
  readonly labels?: readonly string[]
  /** How long its resources outlive an application that does not come back; 3600. */
  readonly lifetimeSeconds?: number
  /** Of the containers that it makes, unless said there; 3. */
  readonly maxNrOfInstances?: number
  /** The registration, and with it everything below, stays when the application ends. */
  readonly staysRegistered?: boolean
  readonly log?: Log
}

export interface ContainerOptions {
  readonly labels?: readonly string[]
  readonly maxNrOfInstances?: number
}

/** Called with the value of a new instance, and the container's address; or with nothing when the container is gone. */
export type OnContent = (value: Json, container: string) => Promise<void> | void

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

export class Application {
  readonly name: string
  /** The AE-ID that requests come from. */
  readonly originator: string
  /** Of the AE's resource: `onem2m/TestIPE`. */
  readonly address: string
  readonly client: OneM2MClient
  readonly #options: ApplicationOptions
  readonly #log: Log
  readonly #upkeep: Upkeep
  readonly #lifetimeMs: number
  /** Clients that only listen: at points of access of another kind than the CSE's. */
  readonly #listeners: OneM2MClient[] = []
  /** By resourceID of the subscription. */
  readonly #handlers = new Map<string, (notification: Notification) => Promise<void> | void>()
  readonly #subscribing = new Set<Promise<void>>()
  /** What each periodic discovery has told already. */
  readonly #discovered: Set<string>[] = []
  readonly #over = new AbortController()
  #renewal: Promise<void> = Promise.resolve()
  #isDoubtful = false
  #isRegistered = false

  constructor(options: ApplicationOptions) {
    const { name, url, originatorPrefix, cseBase = 'onem2m', lifetimeSeconds = 3600 } = options
    this.name = name
    this.originator = `${originatorPrefix === undefined ? '' : `${originatorPrefix}/`}C${name}`
    this.address = `${cseBase}/${name}`
    this.#options = options
    this.#log = options.log ?? silent
    this.#lifetimeMs = lifetimeSeconds * 1000
    this.client = connect(url, {
      ...options,
      originator: this.originator,
      connected: () => this.#review('connected'),
      disconnected: (reason) => this.#log.warn('no connection to the broker', { reason }),
    })
    this.#upkeep = new Upkeep({ client: this.client, lifetimeMs: this.#lifetimeMs, now: Date.now })
  }

  /** Aborted when the application is to end: for whatever waits or repeats. */
  get signal(): AbortSignal {
    return this.#over.signal
  }

  /** Registers, or goes on where an earlier run ended. Waits for a CSE that is not there yet. */
  async start(): Promise<void> {
    const pointsOfAccess = await this.#listen()
    const renewed = { poa: pointsOfAccess, rr: true }
    const { labels } = this.#options
    const attributes = { ...renewed, api: `N${this.name}`, srv: ['2a', '3'], ...(labels && { lbl: labels }) }
    await this.#untilReachable(() =>
      this.#upkeep.keep({ address: this.address, resourceType: 2, memberName: 'm2m:ae', attributes, renewed }),
    )
    this.#isRegistered = true
    this.#log.info('registered', { originator: this.originator })
    // Two chances before anything expires.
    this.every(this.#lifetimeMs / 3, () => this.#renew())
  }

  /** Ends what repeats, takes the registration back (with everything below the AE), closes all connections. May be called twice. */
  async stop(): Promise<void> {
    if (this.#over.signal.aborted) return
    this.#over.abort(new Error(`${this.name} ends`))
    if (this.#isRegistered && this.#options.staysRegistered !== true) {
      for (const address of this.#upkeep.addresses) {
        if (address.startsWith(`${this.address}/`)) continue
        await this.client.delete(address, { timeoutMs: 2000 }).catch((error: Error) => {
          // It expires by itself.
          if (!isGone(error)) this.#log.warn('not taken back', { resource: address, reason: error.message })
        })
      }
    }
    for (const each of this.#listeners) await each.close()
    await this.client.close()
  }

  /** A container below the AE, or below another address of its own; resolves with its address. */
  async createContainer(name: string, options: ContainerOptions = {}, parent = this.address): Promise<string> {
    const { labels, maxNrOfInstances = this.#options.maxNrOfInstances ?? 3 } = options
    const address = `${parent}/${name}`
    const attributes = { mni: maxNrOfInstances, ...(labels && { lbl: labels }) }
    await this.#asking(() =>
      this.#upkeep.with(parent, () =>
        this.#upkeep.keep({ address, resourceType: 3, memberName: 'm2m:cnt', attributes, renewed: attributes }),
      ),
    )
    return address
  }

  /** A new instance of a container. Text is sent as it is, anything else as JSON. */
  async pushContent(container: string, value: Json): Promise<void> {
    const content = { 'm2m:cin': encodeInstance(value) }
    await this.#asking(() =>
      this.#upkeep.with(container, () => this.client.create(container, 4, content, { resultContent: 0 })),
    )
  }

  /** The value of the latest instance; undefined when there is none. */
  async getContent(container: string): Promise<Json | undefined> {
    try {
      const instance = (await this.#asking(() => this.client.retrieve(`${container}/la`)))['m2m:cin']
      return isJsonObject(instance) ? decodeInstance(instance) : undefined
    } catch (error) {
      if (isGone(error)) return undefined
      throw error
    }
  }

  /** Addresses of resources, under the whole CSE unless `path` says where. */
  discover(filterCriteria: FilterCriteria = {}, path = this.#cseBase): Promise<readonly string[]> {
    return this.#asking(() => this.client.discover(path, filterCriteria))
  }

  /** Calls with what has come since the last time, first with all that is there, for as long as the application runs. */
  discoverEvery(
    intervalMs: number,
    filterCriteria: FilterCriteria,
    call: (addresses: readonly string[]) => Promise<void> | void,
    path = this.#cseBase,
  ): void {
    const known = new Set<string>()
    this.#discovered.push(known)
    this.every(intervalMs, async () => {
      const found = await this.discover(filterCriteria, path)
      const fresh = found.filter((address) => !known.has(address))
      // What is gone may come again under the same name.
      for (const address of known) if (!found.includes(address)) known.delete(address)
      if (fresh.length === 0) return
      for (const address of fresh) known.add(address)
      try {
        await call(fresh)
      } catch (error) {
        // They are told again the next time.
        for (const address of fresh) known.delete(address)
        throw error
      }
    })
  }

  /** Calls with each new instance of a container, whoever owns it, until the application ends. */
  async subscribeContent(container: string, call: OnContent): Promise<void> {
    await this.subscribe(container, { net: [3] }, ({ content }) => {
      const instance = content['m2m:cin']
      return isJsonObject(instance) ? call(decodeInstance(instance), container) : undefined
    })
  }

  /** Calls with each notification about a resource; `criteria` is an eventNotificationCriteria in wire form, `{ net: [1, 3] }`. */
  async subscribe(
    target: string,
    criteria: JsonObject,
    call: (notification: Notification) => Promise<void> | void,
  ): Promise<void> {
    // Another CSE may have an AE of this name too.
    const cse = this.#options.originatorPrefix?.split('/').at(-1)
    const owner = cse === undefined ? this.name : `${cse}-${this.name}`
    const address = `${target}/${owner}-${Object.values(criteria).flat().join('-')}`
    let identifier: string | undefined
    const subscribed = this.#asking(() =>
      this.#upkeep.keep({
        address,
        resourceType: 23,
        memberName: 'm2m:sub',
        // `su`: its end is told too. `nct` 1: the whole resource comes with each notification (TS-0004 6.3.4.2.18).
        attributes: { nu: [this.originator], su: this.originator, enc: criteria, nct: 1 },
        found: (resourceIdentifier) => {
          if (identifier !== undefined) this.#handlers.delete(identifier)
          identifier = localPart(resourceIdentifier)
          this.#handlers.set(identifier, call)
          // Some CSEs name a subscription by its path.
          this.#handlers.set(localPart(address), call)
        },
        // Found again, it is to be told again, so that it is subscribed to again.
        lost: () => {
          for (const known of this.#discovered) known.delete(target)
        },
      }),
    )
    this.#subscribing.add(subscribed)
    await subscribed.finally(() => this.#subscribing.delete(subscribed))
  }

  /** Calls at once and then every so often until the application ends; a failure is logged, and it goes on. */
  every(intervalMs: number, call: () => Promise<void> | void): void {
    void this.#repeat(intervalMs, call)
  }

  /** Resolves after that time, or when the application ends. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) return resolve()
      const done = () => {
        clearTimeout(timer)
        this.signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.signal.addEventListener('abort', done)
    })
  }

  get #cseBase(): string {
    return this.address.slice(0, this.address.lastIndexOf('/'))
  }

  async #repeat(intervalMs: number, call: () => Promise<void> | void): Promise<void> {
    while (!this.signal.aborted) {
      try {
        await call()
      } catch (error) {
        if (this.signal.aborted) return
        this.#log.warn('failed, and is tried again', { reason: reasonOf(error) })
      }
      await this.sleep(intervalMs)
    }
  }

  async #listen(): Promise<readonly string[]> {
    const { url, pointsOfAccess } = this.#options
    const receive = receiveNotifications((notification) => this.#notified(notification))
    const wanted = pointsOfAccess ?? [url]
    return Promise.all(
      wanted.map((each) => {
        const client = isServedBy(url, each) ? this.client : this.#listenerFor(each)
        return client.serve(receive)
      }),
    )
  }

  #listenerFor(pointOfAccess: string): OneM2MClient {
    const parsed = parseUrl(pointOfAccess)
    const { hostname, port } = parsed
    const listen = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) }
    const { transport: _, ...options } = { ...this.#options, transport: undefined }
    const client = connect(pointOfAccess, {
      ...options,
      originator: this.originator,
      ...(isMqtt(parsed) ? {} : { listen }),
    })
    this.#listeners.push(client)
    return client
  }

  async #notified(notification: Notification): Promise<void> {
    const { subscription, isDeleted } = notification
    const name = localPart(subscription)
    // The first may be here before the response that names the subscription.
    if (!this.#handlers.has(name)) await Promise.allSettled([...this.#subscribing, this.#renewal])
    const call = this.#handlers.get(name)
    if (isDeleted) this.#review('a subscription was deleted')
    // One of an earlier run, which expires: it is taken and dropped.
    else
      try {
        await call?.(notification)
      } catch (error) {
        this.#log.warn('a notification could not be worked on', { reason: reasonOf(error) })
        throw error
      }
  }

  /** Requests tell whether the CSE is there; when it is there again it may have lost what it had. */
  async #asking<T>(act: () => Promise<T>): Promise<T> {
    try {
      const result = await act()
      if (this.#isDoubtful) this.#review('reached again')
      return result
    } catch (error) {
      if (isUnreachable(error)) this.#isDoubtful = true
      throw error
    }
  }

  #review(occasion: string): void {
    if (!this.#isRegistered || this.signal.aborted) return
    this.#isDoubtful = false
    this.#log.debug('looking after everything', { occasion })
    this.#renew().catch((error: Error) => {
      this.#isDoubtful = true
      this.#log.warn('not renewed, and is tried again', { reason: error.message })
    })
  }

  /** One after another: what was lost while one is under way may be something that it has looked at already. */
  #renew(): Promise<void> {
    this.#renewal = this.#renewal.catch(() => {}).then(() => (this.signal.aborted ? undefined : this.#upkeep.renew()))
    return this.#renewal
  }

  async #untilReachable(act: () => Promise<void>): Promise<void> {
    for (let waitMs = 250; ; waitMs = Math.min(2 * waitMs, 10_000)) {
      try {
        await act()
        return
      } catch (error) {
        if (!isUnreachable(error) || this.signal.aborted) throw error
        this.#log.warn('the CSE is not there yet', { reason: (error as Error).message })
        await this.sleep(waitMs)
        this.signal.throwIfAborted()
      }
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function isUnreachable(error: unknown): boolean {
  return error instanceof Error && 'response' in error && error.response === undefined
}

/** Whether requests to `url` and what comes to a point of access use one connection. */
function isServedBy(url: string, pointOfAccess: string): boolean {
  if (url === pointOfAccess) return true
  const [one, other] = [parseUrl(url), parseUrl(pointOfAccess)]
  return isMqtt(one) && isMqtt(other) && readMqttEndpoint(one).pointOfAccess === readMqttEndpoint(other).pointOfAccess
}

/** An identifier without service provider and CSE: `//openmtc.org/mn-cse-1/sub7`, `/mn-cse-1/sub7` and `sub7` are one. */
function localPart(identifier: string): string {
  return identifier.replace(/^\/\/[^/]+(?=\/)/, '').replace(/^\/[^/]+\//, '')
}
