/** Which parts a gateway has, what each is given, and in which order they start; they stop in the reverse order. */

import { hash } from 'node:crypto'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AdapterHost, originatorOf } from '../adapters/adapter-host.ts'
import { adapters } from '../adapters/index.ts'
import { BrowserPolicy } from '../bindings/browser-policy.ts'
import { HttpBinding, type Upgrade } from '../bindings/http.ts'
import { HttpRequester } from '../bindings/http-requester.ts'
import { MqttBinding } from '../bindings/mqtt.ts'
import { Broker } from '../broker/broker.ts'
import { OneM2MClient } from '../client/client.ts'
import { HttpExchange } from '../client/http-exchange.ts'
import { LocalTransport } from '../client/local-transport.ts'
import { Cse } from '../cse/cse.ts'
import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import { resourceTypes } from '../resources/index.ts'
import { LevelStore } from '../store/level-store.ts'
import { StoreError } from '../store/store.ts'
import { bridgesOf } from './bridge.ts'
import { expandAddresses, isLoopback, type ListenAddress, writeAddress } from './listen-address.ts'
import { createRandomId } from './random-id.ts'
import type { Settings } from './setting-table.ts'

export interface GatewayOptions {
  readonly settings: Settings
  /** Made when it is not there. */
  readonly dataDirectory: string
  readonly log: Log
  readonly clock: Clock
}

/** Where a gateway listens: `127.0.0.1:1883`, `[::1]:1883`. */
export interface GatewayAddresses {
  readonly mqtt: readonly string[]
  readonly http: readonly string[]
}

/** How long the stop waits for the responses to requests over MQTT. */
const drainMs = 2000

const cseTypes = { IN: 1, MN: 2 } as const

export class Gateway {
  readonly #options: GatewayOptions
  readonly #randomId = createRandomId()
  /** What undoes the starts so far, the last one at the end. */
  readonly #stops: (() => void | Promise<void>)[] = []

  constructor(options: GatewayOptions) {
    this.#options = options
  }

  /** Starts all parts. Rejects with the system's error when one can't start; those that had started are stopped then. */
  async start(): Promise<GatewayAddresses> {
    try {
      return await this.#startParts()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** Accepts no more, finishes what is in flight, writes it to the disk. May be called twice. */
  async stop(): Promise<void> {
    for (let stop = this.#stops.pop(); stop; stop = this.#stops.pop()) await stop()
  }

  async #startParts(): Promise<GatewayAddresses> {
    const { settings } = this.#options
    const listeners = { mqtt: expandAddresses(settings.mqtt.listen), http: expandAddresses(settings.http.listen) }
    this.#warnOfOpenDoors([...listeners.mqtt, ...listeners.http])
    const store = await this.#startStore()
    const cse = await this.#startCse(store, listeners)

    const mqttAddresses = await this.#startMqtt(store, cse, listeners.mqtt)
    const httpAddresses = await this.#startHttp(cse, listeners.http)
    // While there is still a way out: what subscriptions have collected.
    this.#stops.push(() => cse.flushNotifications(2000))
    this.#startAdapters(cse)
    return { mqtt: mqttAddresses.map(writeAddress), http: httpAddresses.map(writeAddress) }
  }

  async #startStore(): Promise<LevelStore> {
    const { settings, dataDirectory, log, clock } = this.#options
    await makeDirectory(dataDirectory)
    const store = new LevelStore({
      directory: join(dataDirectory, 'store'),
      durability: settings.store.durability,
      cacheBytes: settings.store.cacheSizeBytes,
      writeBufferBytes: settings.store.writeBufferSizeBytes,
      reserveBytes: settings.store.reserveSizeBytes,
      log,
      clock,
    })
    await store.start()
    this.#stops.push(() => store.stop())
    return store
  }

  /** A store that opens and turns out to be damaged while the tree is read is set aside, and what can be saved of it is read instead. */
  async #startCse(
    store: LevelStore,
    listeners: Readonly<Record<'mqtt' | 'http', readonly ListenAddress[]>>,
  ): Promise<Cse> {
    let cse = this.#createCse(store, listeners)
    try {
      await cse.start()
    } catch (error) {
      cse.stop()
      if (!(error instanceof StoreError) || error.reason !== 'damaged') throw error
      await store.restartSalvaged()
      cse = this.#createCse(store, listeners)
      await cse.start()
    }
    this.#stops.push(() => cse.stop())
    return cse
  }

  #createCse(store: LevelStore, listeners: Readonly<Record<'mqtt' | 'http', readonly ListenAddress[]>>): Cse {
    const { settings, log, clock } = this.#options
    const { cse, access, security, notification } = settings
    const points = (scheme: string, addresses: readonly ListenAddress[]) =>
      addresses.map((address) => `${scheme}://${writeAddress(address)}`)
    return new Cse({
      store,
      clock,
      log,
      randomId: this.#randomId,
      resourceTypes,
      settings: {
        cseId: cse.id,
        cseBaseName: cse.name,
        spId: cse.spId,
        cseType: cseTypes[cse.type],
        pointOfAccess: [
          ...points('mqtt', listeners.mqtt),
          ...points('http', listeners.http),
          ...(settings.http.websocket ? points('ws', listeners.http) : []),
        ],
        defaultLifetimeSeconds: Math.round(cse.defaultLifetimeMs / 1000),
        maxLifetimeSeconds: Math.round(cse.maxLifetimeMs / 1000),
        maxResources: cse.maxResources,
        maxResults: cse.maxResults,
        unprotected: access.unprotected,
        administrators: security.administrators,
        reservedOriginators: adapters.map(originatorOf),
        notification,
      },
    })
  }

  /** The binding takes its topics before the first client connects, and answers what it took before the last one is disconnected. */
  async #startMqtt(store: LevelStore, cse: Cse, listen: readonly ListenAddress[]): Promise<readonly ListenAddress[]> {
    const { settings, log, clock } = this.#options
    const { mqtt } = settings
    const broker = new Broker({
      store,
      clock,
      log,
      listen: [
        ...listen,
        ...expandAddresses(mqtt.websocketListen).map((address) => ({ ...address, transport: 'websocket' as const })),
        ...(mqtt.unixSocket === '' ? [] : [{ path: mqtt.unixSocket }]),
      ],
      bridges: bridgesOf(settings),
      limits: {
        maxConnections: mqtt.maxConnections,
        maxPacketBytes: mqtt.maxPacketSizeBytes,
        maxTopicLevels: mqtt.maxTopicLevels,
        maxTopicBytes: mqtt.maxTopicSizeBytes,
        maxSubscriptionsPerClient: mqtt.maxSubscriptions,
        maxRetainedMessages: mqtt.maxRetained,
        maxRetainedBytes: mqtt.maxRetainedSizeBytes,
        maxInflightInbound: mqtt.maxInflightInbound,
        maxInflight: mqtt.maxInflight,
        maxQueuedMessages: mqtt.maxQueued,
        maxQueuedBytes: mqtt.maxQueuedSizeBytes,
        maxSessions: mqtt.maxSessions,
        sessionExpiryMs: mqtt.sessionExpiryMs,
        maxConnecting: mqtt.maxConnecting,
        connectTimeoutMs: mqtt.connectTimeoutMs,
        slowConsumerDropBytes: mqtt.slowConsumerDropSizeBytes,
        slowConsumerCloseBytes: mqtt.slowConsumerCloseSizeBytes,
        maxParkedMessages: mqtt.maxParked,
        maxParkedBytes: mqtt.maxParkedSizeBytes,
      },
    })
    const own = { cseId: settings.cse.id, spId: settings.cse.spId }
    const binding = new MqttBinding({ broker, handler: cse, own, clock, log, parkMs: mqtt.responseParkMs })
    this.#stops.push(() => broker.stop())
    this.#stops.push(async () => {
      binding.stop()
      await this.#until(() => binding.inFlight === 0)
    })
    binding.start()
    cse.use(binding)
    // What is shown as the addresses of the broker is where it speaks plain MQTT.
    return (await broker.start()).slice(0, listen.length)
  }

  async #startHttp(cse: Cse, listeners: readonly ListenAddress[]): Promise<readonly ListenAddress[]> {
    const { settings, log, clock } = this.#options
    const exchange = new HttpExchange()
    this.#stops.push(() => exchange.close())
    cse.use(new HttpRequester({ exchange }))
    const upgrade = settings.http.websocket ? await this.#createWebSocket(cse) : undefined
    const binding = new HttpBinding({
      listeners,
      browsers: new BrowserPolicy(settings.http.allowedOrigins),
      handler: cse,
      clock,
      log,
      newRequestIdentifier: this.#randomId,
      digest: (body) => hash('sha1', body, 'base64url'),
      maxBodyBytes: settings.http.maxBodySizeBytes,
      maxConnections: settings.http.maxConnections,
      ...(upgrade === undefined ? {} : { upgrade }),
    })
    this.#stops.push(() => binding.stop())
    // Before the listeners, which wait for all of their connections.
    if (upgrade !== undefined) this.#stops.push(() => upgrade.stop())
    await binding.start()
    return binding.addresses
  }

  /** Loaded only where it is used: a gateway without it does not spend the memory. */
  async #createWebSocket(cse: Cse): Promise<Upgrade & { stop(): Promise<void> }> {
    const { settings, log, clock } = this.#options
    const { WebSocketBinding } = await import('../bindings/websocket.ts')
    const own = { cseId: settings.cse.id, spId: settings.cse.spId }
    const binding = new WebSocketBinding({
      handler: cse,
      own,
      clock,
      log,
      maxMessageBytes: settings.http.maxBodySizeBytes,
    })
    binding.start()
    cse.use(binding)
    return binding
  }

  /** Nobody waits for the adapters: a device that takes its time does not keep the gateway from being ready. */
  #startAdapters(cse: Cse): void {
    const { settings, dataDirectory, log, clock } = this.#options
    const transport = new LocalTransport({ cse, patienceMs: settings.store.readingPatienceMs })
    const host = new AdapterHost({
      adapters,
      settings: settings.adapters,
      clientFor: (originator) =>
        new OneM2MClient({
          transport,
          originator,
          newRequestIdentifier: this.#randomId,
          timeoutMs: 10_000 + settings.store.readingPatienceMs,
        }),
      cseBaseName: settings.cse.name,
      dataDirectory,
      clock,
      log,
      random: Math.random,
    })
    const started = host.start()
    this.#stops.push(async () => {
      await host.stop()
      await started
    })
  }

  /** Waits, two seconds at most, for what is in flight. */
  async #until(isDone: () => boolean): Promise<void> {
    const { clock } = this.#options
    const deadlineMs = clock.monotonicMs() + drainMs
    while (!isDone() && clock.monotonicMs() < deadlineMs) await new Promise<void>((resolve) => clock.after(5, resolve))
  }

  #warnOfOpenDoors(addresses: readonly ListenAddress[]): void {
    const open = addresses.filter(({ host }) => !isLoopback(host)).map(writeAddress)
    if (open.length > 0)
      this.#options.log.warn(
        'listens beyond this machine without accounts or TLS: let only a trusted network reach it',
        { open },
      )
  }
}

/** Not recursive: a mistyped path should not leave a trail of directories. Rejects with the system's error when it is no directory. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    await readdir(path)
  }
}
