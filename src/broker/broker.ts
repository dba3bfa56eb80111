/** The embedded MQTT broker as the rest of the house knows it: listeners, in-process consumers and publishers, limits and their counters. */

import type { Duplex } from 'node:stream'
import { ProtocolError, topicFault } from '../mqtt/wire.ts'
import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import type { Principal } from '../onem2m/principal.ts'
import type { Store } from '../store/store.ts'
import { Admission } from './admission.ts'
import { Allowances, isLoopback } from './allowance.ts'
import { type BrokerAuthority, openHouse } from './authority.ts'
import { Bridge, type BridgeOptions, bridgeOwner, bridgePrefix } from './bridge.ts'
import { BrokerState } from './broker-state.ts'
import { EdgeBroker } from './edge-broker.ts'
import { Exchange, type TopicConsumer } from './exchange.ts'
import { type BrokerLimits, defaultBrokerLimits, topicExcess } from './limits.ts'
import { type ListenAddress, Listener, type ListenPoint } from './listener.ts'
import { Message } from './message.ts'
import { newTraffic } from './outlet.ts'
import { Parking } from './parking.ts'
import { newStatistics } from './statistics.ts'
import type { AedesInternals, QoS } from './surface.ts'
import { SysFigures } from './sys-figure.ts'
import { SysTopics } from './sys-topic.ts'

export { Allowances } from './allowance.ts'
export type { BrokerAuthority, ConnectAttempt, Verdict } from './authority.ts'
export type { BridgeOptions } from './bridge.ts'
export type { BridgeRule } from './bridge-rule.ts'
export type { BrokerConnection } from './connection.ts'
export type { Publication, TopicConsumer } from './exchange.ts'
export { type BrokerLimits, defaultBrokerLimits } from './limits.ts'
export type { ListenAddress, ListenPath, ListenPoint } from './listener.ts'

export interface BrokerDependencies {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly listen: readonly ListenPoint[]
  /** Those that are not given are `defaultBrokerLimits`. */
  readonly limits?: Partial<BrokerLimits>
  /** Brokers upstream. */
  readonly bridges?: readonly BridgeOptions[]
  /** Who may do what; without it, everybody everything. */
  readonly authority?: BrokerAuthority
  /** False: consumers are served like any subscriber, as the oracle that the fast path is compared with. */
  readonly fastPath?: boolean
}

export class Broker {
  readonly statistics = newStatistics()
  readonly #dependencies: BrokerDependencies
  readonly #limits: BrokerLimits
  readonly #state: BrokerState
  readonly #aedes: EdgeBroker
  readonly #parking: Parking
  readonly #traffic = newTraffic()
  readonly #sys: SysTopics
  readonly #figures: SysFigures
  readonly #exchange: Exchange
  readonly #admission: Admission
  readonly #allowances: Allowances
  /** Clients of Aedes that have not completed their CONNECT: those of this machine do not wait for the network's. */
  readonly #connecting = { local: new Set<object>(), network: new Set<object>() }
  #listeners: Listener[] = []
  readonly #bridges: Bridge[] = []
  #isStopped = false

  constructor(dependencies: BrokerDependencies) {
    const { store, clock, log, authority = openHouse } = dependencies
    const limits = { ...defaultBrokerLimits, ...dependencies.limits }
    this.#limits = limits
    this.#dependencies = dependencies
    this.#state = new BrokerState({
      store,
      clock,
      limits,
      mayReceive: (owner, topic) => owner === bridgeOwner || authority.mayReceive(owner, topic),
      overflowed: (clientId) => {
        this.statistics.overflowedMessages++
        if (clientId.startsWith(bridgePrefix))
          log.warn('mqtt: bridge: a message for upstream was dropped: as many wait as its max_queued allows', {
            bridge: clientId.slice(bridgePrefix.length),
          })
        else
          log.warn(
            'mqtt: a message for a client was dropped: as many wait as mqtt.max_queued, max_queued_size or max_queued_total_size allows',
            { client: clientId },
          )
      },
      ended: (clientId, reason) => {
        this.statistics.endedSessions++
        log.info('mqtt: a session that nobody came back to was ended', { client: clientId, reason })
      },
      notRetained: (topic) => {
        this.statistics.refusedRetained++
        log.warn('mqtt: a message was not retained: as many are as mqtt.max_retained allows', { topic })
      },
    })
    this.#allowances = new Allowances({
      clock,
      limits,
      refused: (bound, remoteAddress) => this.#refused(bound, remoteAddress),
    })
    this.#parking = new Parking({
      clock,
      limits: { maxMessages: limits.maxParkedMessages, maxBytes: limits.maxParkedBytes },
      dropped: (topic, reason) => {
        this.statistics.parkedInVain++
        log.warn(
          reason === 'expired'
            ? 'mqtt: a message was dropped: nobody subscribed to it within mqtt.response_park'
            : 'mqtt: a message that waited for its reader was dropped: as many wait as mqtt.max_parked allows',
          { topic },
        )
      },
    })
    this.#figures = new SysFigures({
      state: this.#state,
      traffic: this.#traffic,
      statistics: this.statistics,
      clock,
      connectedClients: () => this.connectedClients,
      bridges: () => this.#bridges,
    })
    const { router } = this.#state
    this.#sys = new SysTopics({
      clock,
      figures: () => this.#figures.read(),
      isWanted: (topic) => router.routeOf(topic).filters.length > 0,
      publish: (message) => this.#state.route(message, router.routeOf(message.topic)),
    })
    this.#exchange = new Exchange({
      state: this.#state,
      parking: this.#parking,
      sys: this.#sys,
      limits,
      statistics: this.statistics,
      log,
      authority,
      allowances: this.#allowances,
      fastPath: dependencies.fastPath ?? true,
    })
    this.#admission = new Admission({ authority, state: this.#state, statistics: this.statistics, log })
    this.#aedes = this.#createAedes()
  }

  get connectedClients(): number {
    return this.#aedes.connectedClients
  }

  /** Identifiers of the clients that are connected. */
  get clientIds(): readonly string[] {
    return Object.keys((this.#aedes as unknown as AedesInternals).clients)
  }

  get retainedMessages(): number {
    return this.#state.retained.count
  }

  /** Loads sessions and retained messages, then opens the listeners; their addresses, without paths. Rejects with the system's error when an address can't be had. */
  async start(): Promise<readonly ListenAddress[]> {
    await this.#aedes.open()
    this.#startBridges()
    const { clock, log, listen } = this.#dependencies
    const addresses: ListenAddress[] = []
    for (const point of listen) {
      const listener = new Listener({
        point,
        clock,
        connectTimeoutMs: this.#limits.connectTimeoutMs,
        maxPacketBytes: this.#limits.maxPacketBytes,
        admits: (socket) => this.#allowances.admits(socket),
        accept: (connection) => this.handle(connection),
        closedMalformed: (reason, remoteAddress) => {
          this.statistics.closedMalformed++
          log.warn('mqtt: connection closed: a client broke the protocol', { remoteAddress, reason })
        },
        closedOversized: (remoteAddress) => {
          this.statistics.closedOversized++
          log.warn('mqtt: connection closed: a packet is larger than mqtt.max_packet_size', { remoteAddress })
        },
        closedLate: () => this.#late(),
      })
      this.#listeners.push(listener)
      const found = await listener.start()
      if ('host' in found) addresses.push(found)
    }
    return addresses
  }

  #startBridges(): void {
    const { clock, log, bridges = [] } = this.#dependencies
    const facts = { state: this.#state, limits: this.#limits, statistics: this.statistics, traffic: this.#traffic }
    for (const options of bridges) this.#bridges.push(new Bridge(options, { ...facts, clock, log }))
    const { sessions } = this.#state
    for (const session of [...sessions.values()]) {
      const { clientId } = session
      if (!clientId.startsWith(bridgePrefix)) continue
      const bridge = clientId.slice(bridgePrefix.length)
      if (this.#bridges.some(({ name }) => name === bridge)) continue
      log.warn('mqtt: a bridge is not configured any more: what waited for it is forgotten', {
        bridge,
        messages: session.queuedMessages,
      })
      sessions.end(session)
    }
    for (const bridge of this.#bridges) bridge.start()
  }

  /** Stops accepting, disconnects everybody. What was to be written is in the store's hands. May be called twice. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    for (const listener of this.#listeners) listener.close()
    for (const bridge of this.#bridges) bridge.stop()
    this.#parking.stop()
    this.#state.sessions.stop()
    this.#sys.stop()
    if (!this.#aedes.closed) await new Promise<void>((resolve) => this.#aedes.close(resolve))
    this.#aedes.destroyConnections()
    for (const listener of this.#listeners) listener.destroyConnections()
    this.#listeners = []
  }

  /** Who may receive what has changed, and whoever `isUnwanted` is to go. */
  reconsider(isUnwanted?: (principal: Principal) => boolean): void {
    this.#state.router.forget()
    if (isUnwanted !== undefined) this.#aedes.closeThose(isUnwanted)
  }

  consume(consumer: TopicConsumer): void {
    this.#exchange.consume(consumer)
  }

  #refused(bound: string, remoteAddress: string): void {
    this.statistics.refusedConnections++
    this.#dependencies.log.warn('mqtt: a connection was refused: there are as many as its bound allows', {
      bound: `mqtt.${bound}`,
      remoteAddress,
    })
  }

  #late(): void {
    this.statistics.closedLate++
    this.#dependencies.log.warn('mqtt: connection closed: no CONNECT came within mqtt.connect_timeout')
  }

  /** Has others' counters shown below `$SYS/broker/bounds/`. */
  showBounds(counters: () => Readonly<Record<string, number>>): void {
    this.#figures.addBounds(counters)
  }

  /** Takes a connection that was accepted elsewhere: a socket, or one end of a pair in a test. */
  handle(stream: Duplex): void {
    const limits = this.#limits
    const isFull = this.#aedes.connections >= limits.maxConnections
    const { remoteAddress = '' } = stream as { readonly remoteAddress?: string }
    const connecting = this.#connecting[remoteAddress === '' || isLoopback(remoteAddress) ? 'local' : 'network']
    if (isFull || connecting.size >= limits.maxConnecting) {
      this.#refused(isFull ? 'max_connections' : 'max_connecting', remoteAddress)
      stream.on('error', () => {}).destroy()
      return
    }
    this.#traffic.sockets++
    const client = this.#aedes.handle(stream)
    connecting.add(client)
    stream.on('close', () => connecting.delete(client))
  }

  /**
   * Publishes a response or request of this gateway: to whoever listens, now or in a persistent session. With `parkMs`, a message that its
   * addressee does not listen for yet is kept that long. `addressee` is the topic level that the addressee's filters name; a monitor of
   * everything does not count as one.
   */
  send(message: {
    readonly topic: string
    readonly payload: Buffer | string
    readonly qos: 0 | 1
    readonly parkMs?: number
    readonly addressee?: string
  }): 'routed' | 'parked' | 'nobody' {
    const { topic, qos, parkMs = 0, addressee } = message
    const payload = typeof message.payload === 'string' ? Buffer.from(message.payload) : message.payload
    const route = this.#state.router.routeOf(topic)
    const isHeard = route.filters.some(
      (filter) => addressee === undefined || filter === topic || `${filter}/`.includes(`/${addressee}/`),
    )
    if (!isHeard && parkMs === 0) return 'nobody'
    this.#state.route(Message.of({ topic, payload, qos, retain: false }), route)
    if (isHeard) return 'routed'
    this.#parking.park({ topic, payload, qos }, parkMs)
    this.statistics.parked++
    return 'parked'
  }

  /** Publishes like any client would. `done` is called when the message is kept where it has to be, or with why it could not be. */
  publish(
    message: { readonly topic: string; readonly payload: Buffer; readonly qos: QoS; readonly retain: boolean },
    done: (error?: Error | null) => void = () => {},
  ): void {
    const fault = topicFault(message.topic) ?? topicExcess(message.topic, this.#limits)
    if (fault !== undefined) done(new ProtocolError(fault))
    else if (this.#state.route(Message.of(message), this.#state.router.routeOf(message.topic)))
      this.#state.settled((error) => done(error ?? null))
    else done(null)
  }

  /**
   * Subscribes in process, after it has handed over the retained messages that match; the returned function ends it. A message is internal
   * when no connection and no bridge brought it.
   */
  subscribe(filter: string, handler: (topic: string, payload: Buffer, isInternal: boolean) => void): () => void {
    for (const message of [...this.#state.retained.matching(filter)]) handler(message.topic, message.payload, false)
    return this.#state.router.listen(filter, (message, source) =>
      handler(message.topic, message.payload, source === undefined),
    )
  }

  #createAedes(): EdgeBroker {
    const { log } = this.#dependencies
    const limits = this.#limits
    return new EdgeBroker({
      state: this.#state,
      traffic: this.#traffic,
      clock: this.#dependencies.clock,
      limits: {
        maxPacketBytes: limits.maxPacketBytes,
        maxInflightInbound: limits.maxInflightInbound,
        maxUnfinishedBytes: limits.maxUnfinishedBytes,
        dropBytes: limits.slowConsumerDropBytes,
        closeBytes: limits.slowConsumerCloseBytes,
      },
      options: {
        connectTimeout: limits.connectTimeoutMs,
        // Only the listener limit of each connection is made of this; nothing queues.
        concurrency: 100,
        drainTimeout: 0,
        authenticate: (client, username, password, done) => {
          const connection = this.#aedes.connectionOf(client)
          if (connection === undefined) return
          this.#admission.decide(connection, { username, password }, (returnCode) => {
            if (returnCode === undefined) done(null, true)
            else done(Object.assign(new Error('not let in'), { returnCode }), null)
          })
        },
      },
      host: this.#exchange,
      published: (will, connection, done) => this.#exchange.publishWill(will, connection, done),
      connected: (connection) => {
        for (const connecting of Object.values(this.#connecting)) connecting.delete(connection.client)
        if (connection.session !== undefined) connection.session.isBridge = connection.isBridge
        this.#figures.connected()
        this.#exchange.resumed(connection)
      },
      dropped: (client) => {
        this.statistics.droppedMessages++
        log.warn('mqtt: messages dropped: a client does not read fast enough', { client: client.id })
      },
      late: () => this.#late(),
      tooSlow: (client) => {
        this.statistics.closedSlow++
        log.warn('mqtt: connection closed: a client does not read', { client: client.id })
        client.conn.destroy()
      },
    })
  }
}
