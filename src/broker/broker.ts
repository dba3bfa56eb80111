/** The embedded MQTT broker as the rest of the house knows it: listeners, in-process consumers and publishers, limits and their counters. */

import type { Duplex } from 'node:stream'
import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import type { Store } from '../store/store.ts'
import { BrokerState } from './broker-state.ts'
import type { Acceptance, Connection } from './connection.ts'
import { EdgeBroker } from './edge-broker.ts'
import { OversizedError } from './frame-reader.ts'
import { type BrokerLimits, defaultBrokerLimits } from './limits.ts'
import { type ListenAddress, Listener, type ListenPoint } from './listener.ts'
import { Message } from './message.ts'
import type { Traffic } from './outlet.ts'
import { Parking } from './parking.ts'
import type { AedesClient, AedesConnect, AedesWill, QoS } from './surface.ts'
import { SysTopics } from './sys-topic.ts'
import type { Route } from './topic-router.ts'
import { type FilterRequest, ProtocolError, topicFault } from './wire.ts'

export { type BrokerLimits, defaultBrokerLimits } from './limits.ts'
export type { ListenAddress, ListenPath, ListenPoint } from './listener.ts'

export interface BrokerConnection {
  readonly clientId: string
  readonly remoteAddress: string
  /** Over loopback. */
  readonly isLocal: boolean
  readonly username: string | undefined
}

export interface Publication {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly isDuplicate: boolean
  readonly connection: BrokerConnection | undefined
}

/** Somebody in this process who takes a topic space for himself. */
export interface TopicConsumer {
  takes(topic: string): boolean
  /** `done` lets the connection go on: the back-pressure. */
  consume(publication: Publication, done: () => void): void
}

export interface BrokerDependencies {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly listen: readonly ListenPoint[]
  /** Those that are not given are `defaultBrokerLimits`. */
  readonly limits?: Partial<BrokerLimits>
  /** False: consumers are served like any subscriber, as the oracle that the fast path is compared with. */
  readonly fastPath?: boolean
}

export class Broker {
  readonly statistics = {
    consumed: 0,
    parked: 0,
    droppedMessages: 0,
    overflowedMessages: 0,
    closedSlow: 0,
    closedOversized: 0,
    refusedConnections: 0,
    refusedRetained: 0,
    refusedSubscriptions: 0,
    endedSessions: 0,
    notStored: 0,
  }
  readonly #dependencies: BrokerDependencies
  readonly #limits: BrokerLimits
  readonly #state: BrokerState
  readonly #aedes: EdgeBroker
  readonly #parking: Parking
  readonly #traffic: Traffic = { bytesReceived: 0, bytesSent: 0, publishesReceived: 0, publishesSent: 0 }
  readonly #sys: SysTopics
  readonly #startedMs: number
  #mostClients = 0
  readonly #consumers: TopicConsumer[] = []
  readonly #origins = new WeakMap<object, BrokerConnection>()
  readonly #usernames = new WeakMap<object, string>()
  #connecting = 0
  #listeners: Listener[] = []
  #isStopped = false

  constructor(dependencies: BrokerDependencies) {
    const { store, clock, log } = dependencies
    const limits = { ...defaultBrokerLimits, ...dependencies.limits }
    this.#limits = limits
    this.#dependencies = dependencies
    this.#state = new BrokerState({
      store,
      clock,
      limits,
      overflowed: (clientId) => {
        this.statistics.overflowedMessages++
        log.warn('mqtt: a message for a client was dropped: as many wait for it as mqtt.max_queued allows', {
          client: clientId,
        })
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
    this.#parking = new Parking({
      clock,
      limits: { maxMessages: limits.maxParkedMessages, maxBytes: limits.maxParkedBytes },
    })
    this.#aedes = this.#createAedes()
    this.#startedMs = clock.monotonicMs()
    const { router } = this.#state
    this.#sys = new SysTopics({
      clock,
      figures: () => this.#figures(),
      isWanted: (topic) => router.routeOf(topic).filters.length > 0,
      publish: (message) => this.#state.route(message, router.routeOf(message.topic)),
    })
    if (dependencies.fastPath === false) {
      this.#state.router.listen('#', (message, source) => this.#offerToConsumer(message, source))
    }
  }

  get connectedClients(): number {
    return this.#aedes.connectedClients
  }

  get retainedMessages(): number {
    return this.#state.retained.count
  }

  /** Loads sessions and retained messages, then opens the listeners; their addresses, without paths. Rejects with the system's error when an address can't be had. */
  async start(): Promise<readonly ListenAddress[]> {
    await this.#aedes.open()
    const addresses: ListenAddress[] = []
    for (const point of this.#dependencies.listen) {
      const listener = new Listener({ point, accept: (connection) => this.handle(connection) })
      this.#listeners.push(listener)
      const found = await listener.start()
      if ('host' in found) addresses.push(found)
    }
    return addresses
  }

  /** Stops accepting, disconnects everybody. What was to be written is in the store's hands. May be called twice. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    for (const listener of this.#listeners) listener.close()
    this.#parking.stop()
    this.#state.sessions.stop()
    this.#sys.stop()
    if (!this.#aedes.closed) await new Promise<void>((resolve) => this.#aedes.close(resolve))
    for (const listener of this.#listeners) listener.destroyConnections()
    this.#listeners = []
  }

  consume(consumer: TopicConsumer): void {
    this.#consumers.push(consumer)
  }

  /** Takes a connection that was accepted elsewhere: a socket, or one end of a pair in a test. */
  handle(stream: Duplex): void {
    const { log } = this.#dependencies
    const limits = this.#limits
    if (this.#aedes.connections >= limits.maxConnections || this.#connecting >= limits.maxConnecting) {
      this.statistics.refusedConnections++
      log.warn(
        'mqtt: a connection was refused: there are as many as mqtt.max_connections or mqtt.max_connecting allows',
      )
      stream.destroy()
      return
    }
    this.#connecting++
    const client = this.#aedes.handle(stream)
    const isConnecting = () => this.#aedes.connectionOf(client)?.session === undefined
    stream.once('close', () => {
      if (isConnecting()) this.#connecting--
    })
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
    const fault = topicFault(message.topic, this.#topicLimits)
    if (fault !== undefined) done(new ProtocolError(fault))
    else if (this.#state.route(Message.of(message), this.#state.router.routeOf(message.topic)))
      this.#state.settled((error) => done(error ?? null))
    else done(null)
  }

  /** Subscribes in process; the returned function ends it. */
  subscribe(filter: string, handler: (topic: string, payload: Buffer) => void): () => void {
    return this.#state.router.listen(filter, (message) => handler(message.topic, message.payload))
  }

  get #topicLimits() {
    const { maxTopicLevels, maxTopicBytes } = this.#limits
    return { maxLevels: maxTopicLevels, maxBytes: maxTopicBytes }
  }

  #createAedes(): EdgeBroker {
    const { log } = this.#dependencies
    const limits = this.#limits
    return new EdgeBroker({
      state: this.#state,
      traffic: this.#traffic,
      limits: {
        maxPacketBytes: limits.maxPacketBytes,
        maxInflightInbound: limits.maxInflightInbound,
        dropBytes: limits.slowConsumerDropBytes,
        closeBytes: limits.slowConsumerCloseBytes,
      },
      options: {
        connectTimeout: limits.connectTimeoutMs,
        // Only the listener limit of each connection is made of this; nothing queues.
        concurrency: 100,
        drainTimeout: 0,
        preConnect: (client, packet, callback) =>
          this.#preConnect(client as AedesClient, packet as unknown as AedesConnect, callback),
        authenticate: (client, username, _password, done) => {
          if (username !== undefined) this.#usernames.set(client, username)
          done(null, true)
        },
      },
      host: {
        routeOf: (topic, isWellFormed) => this.#routeOf(topic, isWellFormed),
        publish: (connection, message, route, isDuplicate, messageId) =>
          this.#publish(connection, message, route, isDuplicate, messageId),
        subscribe: (connection, requests, settled) => this.#subscribe(connection, requests, settled),
        subscribed: (connection, requests, granted) => this.#subscribed(connection, requests, granted),
        unsubscribe: (connection, filters, settled) => this.#unsubscribe(connection, filters, settled),
        whenKept: (call) => this.#state.settled((error) => error ?? call()),
        failed: (connection, error) => this.#failed(connection, error),
      },
      published: (will, client, done) => this.#publishWill(will, client, done),
      connected: (connection) => {
        this.#connecting--
        this.#mostClients = Math.max(this.#mostClients, this.connectedClients)
        this.#resumed(connection)
      },
      disconnected: () => {},
      dropped: (client) => {
        this.statistics.droppedMessages++
        log.warn('mqtt: messages dropped: a client does not read fast enough', { client: client.id })
      },
      tooSlow: (client) => {
        this.statistics.closedSlow++
        log.warn('mqtt: connection closed: a client does not read', { client: client.id })
        client.conn.destroy()
      },
    })
  }

  #preConnect(
    client: AedesClient,
    packet: AedesConnect,
    callback: (error: Error | null, success: boolean) => void,
  ): void {
    const { clientId, will } = packet
    const fault =
      // A name that was not UTF-8 reads as one with U+FFFD. [MQTT-1.5.3-1] [MQTT-1.5.3-2]
      /[\0\ufffd]/.test(clientId)
        ? 'a client identifier is not UTF-8'
        : will && /\ufffd/.test(will.topic)
          ? 'a topic is not UTF-8'
          : will && topicFault(will.topic, this.#topicLimits)
    if (fault) {
      callback(new ProtocolError(fault), false)
      return
    }
    if (clientId !== '' || packet.clean === true) {
      callback(null, true)
      return
    }
    // [MQTT-3.1.3-8]: a session that is to be kept needs a name.
    this.statistics.refusedConnections++
    client.conn.end(Buffer.from([0x20, 2, 0, 2]))
    callback(new Error('a client identifier is needed for a session that is kept'), false)
  }

  #failed(connection: Connection, error: Error): void {
    const { log } = this.#dependencies
    const { client } = connection
    if (error instanceof OversizedError) {
      this.statistics.closedOversized++
      log.warn('mqtt: connection closed: a packet is larger than mqtt.max_packet_size', {
        client: client.id,
        bytes: error.bytes,
      })
    } else
      log.debug('mqtt: connection closed: a client broke the protocol', { client: client.id, reason: error.message })
    client.conn.destroy()
  }

  #routeOf(topic: string, isWellFormed: () => boolean): Route {
    const { router } = this.#state
    const known = router.knownRoute(topic)
    if (known !== undefined) return known
    const fault = isWellFormed() ? topicFault(topic, this.#topicLimits) : 'a topic is not UTF-8'
    if (fault !== undefined) throw new ProtocolError(fault)
    return router.routeOf(topic)
  }

  #publish(
    connection: Connection,
    message: Message,
    route: Route,
    isDuplicate: boolean,
    messageId: number,
  ): Acceptance {
    const { topic, qos } = message
    // Nobody but the broker speaks of the broker; what is not allowed is acknowledged all the same. [MQTT-3.3.5-2]
    if (topic.startsWith('$SYS/')) return 'done'
    const consumer = this.#consumers.find((each) => each.takes(topic))
    if (consumer !== undefined && this.#dependencies.fastPath !== false)
      return this.#consume(consumer, connection, message, route, isDuplicate, messageId)
    const routed = consumer === undefined ? message : withoutRetain(message)
    if (!this.#state.route(routed, route, connection) || qos === 0) return 'done'
    this.#whenStored(connection, (isKept) => connection.kept(qos, messageId, isKept))
    return 'keeping'
  }

  /** Without PUBACK, PUBREC or SUBACK a client does it again, once it is back. */
  #whenStored(connection: Connection, call: (isKept: boolean) => void): void {
    this.#state.settled((error) => {
      call(error === undefined)
      if (error === undefined) return
      this.statistics.notStored++
      this.#dependencies.log.error('mqtt: something could not be stored; it is not acknowledged', {
        client: connection.id,
        reason: error.message,
      })
      connection.close()
    })
  }

  /** The fast path: a publication on a consumer's topic goes to it alone, unless somebody watches. */
  #consume(
    consumer: TopicConsumer,
    connection: Connection,
    message: Message,
    route: Route,
    isDuplicate: boolean,
    messageId: number,
  ): Acceptance {
    const { topic, qos } = message
    this.statistics.consumed++
    if (route.filters.length > 0) this.#state.route(withoutRetain(message), route, connection)
    let isDone = false
    let isLate = false
    const publication = { topic, payload: message.payload, qos, isDuplicate, connection: this.#originOf(connection) }
    consumer.consume(publication, () => {
      if (isDone) return
      isDone = true
      if (isLate) connection.consumed(qos, messageId)
    })
    isLate = true
    return isDone ? 'done' : 'consuming'
  }

  #offerToConsumer(message: Message, source: object | undefined): void {
    const { topic, payload, qos } = message
    const consumer = source && this.#consumers.find((each) => each.takes(topic))
    if (!consumer) return
    this.statistics.consumed++
    const connection = this.#originOf(source as Connection)
    consumer.consume({ topic, payload, qos, isDuplicate: false, connection }, () => {})
  }

  #publishWill(will: AedesWill, client: AedesClient | undefined, done: (error?: Error | null) => void): void {
    const { topic, payload, qos = 0, retain = false, properties } = will
    const message = Message.of({ topic, payload: Buffer.from(payload), qos, retain, properties })
    const connection = client && this.#aedes.connectionOf(client)
    if (topic.startsWith('$SYS/') || connection === undefined) done(null)
    else if (this.#publish(connection, message, this.#state.router.routeOf(topic), false, 0) === 'done') done(null)
    else this.#state.settled((error) => done(error ?? null))
  }

  #subscribe(
    connection: Connection,
    requests: readonly FilterRequest[],
    settled: (granted: readonly (QoS | 128)[]) => void,
  ): void {
    const { session } = connection
    if (session === undefined) return
    const granted = requests.map(({ filter, qos }) => {
      if (!this.#mayHave(connection, filter)) return 128
      this.#state.sessions.subscribe(session, filter, qos)
      return qos
    })
    if (!session.isPersistent) settled(granted)
    else this.#whenStored(connection, (isKept) => isKept && settled(granted))
  }

  #mayHave(connection: Connection, filter: string): boolean {
    const { log } = this.#dependencies
    const limits = this.#limits
    const { session } = connection
    const fault = topicFault(filter.replace(/[+#]/g, 'x'), this.#topicLimits)
    const hasRoom =
      session?.subscriptions.has(filter) || (session?.subscriptions.size ?? 0) < limits.maxSubscriptionsPerClient
    if (fault === undefined && hasRoom) return true
    this.statistics.refusedSubscriptions++
    log.warn(
      'mqtt: subscription refused: a client has as many as mqtt.max_subscriptions allows, or a filter is too long',
      {
        client: connection.id,
      },
    )
    return false
  }

  #subscribed(connection: Connection, requests: readonly FilterRequest[], granted: readonly (QoS | 128)[]): void {
    const { session } = connection
    if (session === undefined) return
    requests.forEach(({ filter }, index) => {
      const qos = granted[index]
      if (qos === undefined || qos === 128) return
      session.feed(this.#state.retained.matching(filter), qos, () => this.#state.nextCounter())
      session.feed(this.#sys.answer(filter), qos, () => this.#state.nextCounter())
      this.#sys.watch(filter)
      this.#deliverParked(connection, filter)
    })
  }

  /** A session that comes back brings its subscriptions without subscribing. */
  #resumed(connection: Connection): void {
    for (const filter of connection.session?.subscriptions.keys() ?? []) {
      this.#sys.watch(filter)
      this.#deliverParked(connection, filter)
    }
  }

  /** By mosquitto's names. */
  #figures(): Readonly<Record<string, string | number>> {
    const { sessions, retained, router } = this.#state
    const { bytesReceived, bytesSent, publishesReceived, publishesSent } = this.#traffic
    const waiting = sessions.waiting()
    return {
      version: 'fieldgate',
      uptime: `${Math.floor((this.#dependencies.clock.monotonicMs() - this.#startedMs) / 1000)} seconds`,
      'clients/connected': this.connectedClients,
      'clients/disconnected': sessions.offline,
      'clients/total': this.connectedClients + sessions.offline,
      'clients/maximum': this.#mostClients,
      'clients/expired': this.statistics.endedSessions,
      'bytes/received': bytesReceived,
      'bytes/sent': bytesSent,
      'publish/messages/received': publishesReceived,
      'publish/messages/sent': publishesSent,
      'publish/messages/dropped': this.statistics.droppedMessages + this.statistics.overflowedMessages,
      'retained messages/count': retained.count,
      'subscriptions/count': router.subscriptions,
      'store/messages/count': retained.count + waiting.messages,
      'store/messages/bytes': retained.bytes + waiting.bytes,
    }
  }

  #deliverParked(connection: Connection, filter: string): void {
    const { session } = connection
    const granted = session?.subscriptions.get(filter) ?? 0
    for (const { topic, payload, qos } of this.#parking.take(filter)) {
      const message = Message.of({ topic, payload, qos, retain: false })
      message.counter = this.#state.nextCounter()
      if (qos === 0 || granted === 0) connection.outlet.publishOrDrop(message.encode())
      else session?.offer(message, 1)
    }
  }

  #unsubscribe(connection: Connection, filters: readonly string[], settled: () => void): void {
    const { session } = connection
    if (session === undefined) return
    for (const filter of filters) this.#state.sessions.unsubscribe(session, filter)
    if (!session.isPersistent) settled()
    else this.#whenStored(connection, (isKept) => isKept && settled())
  }

  #originOf(connection: Connection): BrokerConnection {
    let origin = this.#origins.get(connection)
    if (origin === undefined) {
      const { client } = connection
      const remoteAddress = client.conn.remoteAddress ?? '127.0.0.1'
      origin = {
        clientId: client.id,
        remoteAddress,
        isLocal: isLoopback(remoteAddress),
        username: this.#usernames.get(client),
      }
      this.#origins.set(connection, origin)
    }
    return origin
  }
}

/** What is a consumer's is never retained: a request would be executed again for each later subscriber. */
function withoutRetain(message: Message): Message {
  const { topic, payload, qos, retain } = message
  return retain ? Message.of({ topic, payload, qos, retain: false }) : message
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address)
}
