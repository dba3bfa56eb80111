/** The embedded MQTT broker as the rest of the house knows it: listeners, in-process consumers and publishers, limits and their counters. */

import type { Duplex } from 'node:stream'
import type { Client } from 'aedes'
import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import type { Store } from '../store/store.ts'
import { EdgeBroker } from './edge-broker.ts'
import { type ListenAddress, Listener } from './listener.ts'
import { Parking } from './parking.ts'
import { Persistence } from './persistence.ts'
import type { AedesClient, AedesPacket, QoS, Subscription } from './surface.ts'

export type { ListenAddress } from './listener.ts'

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

/** Every bound of the broker. Defaults are the configuration's. */
export interface BrokerLimits {
  readonly maxConnections: number
  readonly maxPacketBytes: number
  readonly maxTopicLevels: number
  readonly maxTopicBytes: number
  readonly maxSubscriptionsPerClient: number
  readonly maxRetainedMessages: number
  readonly maxRetainedBytes: number
  /** Inbound QoS 2 messages that wait for PUBREL. */
  readonly maxInflightInbound: number
  readonly connectTimeoutMs: number
  /** Unsent bytes of one connection beyond which QoS 0 messages are dropped. */
  readonly slowConsumerDropBytes: number
  /** Unsent bytes beyond which the connection is closed. */
  readonly slowConsumerCloseBytes: number
  readonly maxParkedMessages: number
  readonly maxParkedBytes: number
}

export interface BrokerDependencies {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly listen: readonly ListenAddress[]
  readonly limits: BrokerLimits
  /** False: consumers are served through ordinary subscriptions and publishes, as the oracle that the fast path is compared with. */
  readonly fastPath?: boolean
}

/** Fixed: it is part of the order in which queued messages are kept. */
const brokerId = 'fieldgate'

export class Broker {
  readonly statistics = {
    published: 0,
    consumed: 0,
    parked: 0,
    droppedMessages: 0,
    closedSlow: 0,
    closedOversized: 0,
    refusedConnections: 0,
    refusedRetained: 0,
    refusedSubscriptions: 0,
    notStored: 0,
  }
  readonly #dependencies: BrokerDependencies
  readonly #persistence: Persistence
  readonly #aedes: EdgeBroker
  readonly #parking: Parking
  readonly #consumers: TopicConsumer[] = []
  /** Consumers that are served the slow way. */
  readonly #subscribers: TopicConsumer[] = []
  readonly #connections = new WeakMap<object, BrokerConnection>()
  readonly #usernames = new WeakMap<object, string>()
  #listeners: Listener[] = []
  #isStopped = false

  constructor(dependencies: BrokerDependencies) {
    const { store, clock, limits } = dependencies
    this.#dependencies = dependencies
    this.#persistence = new Persistence({ store, brokerId })
    this.#parking = new Parking({
      clock,
      limits: { maxMessages: limits.maxParkedMessages, maxBytes: limits.maxParkedBytes },
    })
    this.#aedes = this.#createAedes()
  }

  get connectedClients(): number {
    return this.#aedes.connectedClients
  }

  get retainedMessages(): number {
    return this.#persistence.retainedCount
  }

  /** Loads sessions and retained messages, then opens the listeners. Rejects with the system's error when an address can't be had. */
  async start(): Promise<readonly ListenAddress[]> {
    await this.#aedes.open()
    const { listen, limits } = this.#dependencies
    const addresses: ListenAddress[] = []
    for (const address of listen) {
      const listener = new Listener({
        address,
        maxConnections: limits.maxConnections,
        accept: (socket) => this.handle(socket),
      })
      addresses.push(await listener.start())
      this.#listeners.push(listener)
    }
    return addresses
  }

  /** Stops accepting, disconnects everybody. What was to be written is in the store's hands. May be called twice. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    for (const listener of this.#listeners) listener.close()
    this.#parking.stop()
    if (!this.#aedes.closed) await new Promise<void>((resolve) => this.#aedes.close(resolve))
    for (const listener of this.#listeners) listener.destroyConnections()
    this.#listeners = []
  }

  consume(consumer: TopicConsumer): void {
    if (this.#dependencies.fastPath === false) this.#consumeAsSubscriber(consumer)
    else this.#consumers.push(consumer)
  }

  /** The slow path: the consumer as one subscriber among others. What a client sees must be the same. */
  #consumeAsSubscriber(consumer: TopicConsumer): void {
    this.#subscribers.push(consumer)
    this.#aedes.router.on('#', (packet, done) => {
      const client = this.#aedes.clients[packet.clientId ?? '']
      if (client !== undefined && consumer.takes(packet.topic)) {
        this.statistics.consumed++
        consumer.consume(this.#publicationOf(packet, client), () => {})
      }
      done()
    })
  }

  /** Takes a connection that was accepted elsewhere: a socket, or one end of a pair in a test. */
  handle(stream: Duplex): void {
    this.#aedes.handle(stream)
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
    const isHeard =
      this.#aedes.router.hasListener(topic, addressee) ||
      (qos > 0 && this.#persistence.sessions.wanting(topic).size > 0)
    if (!isHeard && parkMs === 0) return 'nobody'
    this.#aedes.route({ topic, payload, qos, retain: false })
    if (isHeard) return 'routed'
    this.#parking.park({ topic, payload, qos }, parkMs)
    this.statistics.parked++
    return 'parked'
  }

  /** Publishes like any client would. `done` is called when the message is kept where it has to be. */
  publish(
    message: { readonly topic: string; readonly payload: Buffer; readonly qos: QoS; readonly retain: boolean },
    done: (error?: Error | null) => void = () => {},
  ): void {
    this.#aedes.publish(message, undefined, done)
  }

  /** Subscribes in process; the returned function ends it. */
  subscribe(filter: string, handler: (topic: string, payload: Buffer) => void): () => void {
    const listener = (packet: AedesPacket, done: () => void) => {
      handler(packet.topic, packet.payload)
      done()
    }
    this.#aedes.router.on(filter, listener)
    return () => this.#aedes.router.removeListener(filter, listener)
  }

  #createAedes(): EdgeBroker {
    const { limits, log } = this.#dependencies
    const aedes: EdgeBroker = new EdgeBroker({
      persistence: this.#persistence,
      maxPacketBytes: limits.maxPacketBytes,
      options: {
        id: brokerId,
        // Only the listener limit of each connection is made of this; nothing queues.
        concurrency: 100,
        connectTimeout: limits.connectTimeoutMs,
        maxTopicLevels: limits.maxTopicLevels,
        maxInflightInbound: limits.maxInflightInbound,
        drainTimeout: 0,
        preConnect: (client, packet, callback) => this.#preConnect(client as AedesClient, packet, callback),
        authenticate: (client, username, _password, done) => {
          if (username !== undefined) this.#usernames.set(client, username)
          done(null, true)
        },
        authorizePublish: (client, packet, callback) => this.#authorizePublish(client, packet as AedesPacket, callback),
        authorizeSubscribe: (client, subscription, callback) =>
          callback(null, this.#mayHave(client as AedesClient, subscription as Subscription) ? subscription : null),
      },
      delivery: {
        dropBytes: limits.slowConsumerDropBytes,
        closeBytes: limits.slowConsumerCloseBytes,
        mayReceive: () => true,
        dropped: (client) => {
          this.statistics.droppedMessages++
          log.warn('mqtt: messages dropped: a client does not read fast enough', { client: client.id })
        },
        tooSlow: (client) => {
          this.statistics.closedSlow++
          log.warn('mqtt: connection closed: a client does not read', { client: client.id })
          client.conn.destroy()
        },
      },
      intercept: (packet, client, done) => this.#intercept(packet, client, done),
      checkRetained: (packet) => this.#checkRetained(packet),
      oversized: (client, bytes) => {
        this.statistics.closedOversized++
        log.warn('mqtt: connection closed: a packet is larger than mqtt.max_packet_size', { client: client.id, bytes })
      },
      notStored: (client, error) => {
        this.statistics.notStored++
        log.error('mqtt: a message could not be stored; it is not acknowledged', {
          client: client?.id,
          reason: error.message,
        })
      },
      subscribed: (filter, client) => {
        for (const message of this.#parking.take(filter)) aedes.deliverTo(client, message)
      },
    })
    aedes.on('clientError', (client, error) =>
      log.debug('mqtt: client error', { client: client.id, reason: error.message }),
    )
    aedes.on('connectionError', (_client, error) => log.debug('mqtt: connection error', { reason: error.message }))
    return aedes
  }

  #preConnect(
    client: AedesClient,
    packet: { readonly clientId: string; readonly clean?: boolean },
    callback: (error: Error | null, success: boolean) => void,
  ): void {
    if (packet.clientId !== '' || packet.clean === true) {
      callback(null, true)
      return
    }
    // [MQTT-3.1.3-8]: a session that is to be kept needs a name.
    this.statistics.refusedConnections++
    client.conn.end(Buffer.from([0x20, 2, 0, 2]))
    callback(new Error('a client identifier is needed for a session that is kept'), false)
  }

  #authorizePublish(client: Client | null, packet: AedesPacket, callback: (error?: Error | null) => void): void {
    const { maxTopicBytes } = this.#dependencies.limits
    if (client !== null && this.#aedes.isOversized(packet, client as AedesClient))
      callback(new Error('packet too large'))
    else if (packet.topic.startsWith('$SYS/')) callback(new Error('$SYS topics belong to the broker'))
    else if (Buffer.byteLength(packet.topic) > maxTopicBytes)
      callback(new Error('topic is longer than mqtt.max_topic_size'))
    else {
      this.statistics.published++
      if (client !== null) this.#aedes.takeOverAcknowledgement(packet)
      // What is a consumer's is never kept for others, whichever way it takes.
      if (this.#subscribers.some((consumer) => consumer.takes(packet.topic))) packet.retain = false
      callback(null)
    }
  }

  #mayHave(client: AedesClient, subscription: Subscription): boolean {
    const { limits, log } = this.#dependencies
    const isKnown = client.subscriptions[subscription.topic] !== undefined
    if (isKnown || Object.keys(client.subscriptions).length < limits.maxSubscriptionsPerClient) return true
    this.statistics.refusedSubscriptions++
    log.warn('mqtt: subscription refused: a client has as many as mqtt.max_subscriptions allows', { client: client.id })
    return false
  }

  #checkRetained(packet: AedesPacket): Error | undefined {
    const { limits, log } = this.#dependencies
    const { retainedCount, retainedBytes } = this.#persistence
    if (
      packet.payload.length === 0 ||
      (retainedCount < limits.maxRetainedMessages && retainedBytes + packet.payload.length <= limits.maxRetainedBytes)
    )
      return undefined
    this.statistics.refusedRetained++
    log.warn('mqtt: message not retained: as many are as mqtt.max_retained allows', { topic: packet.topic })
    return new Error('too many retained messages')
  }

  /** The fast path: a publication on a consumer's topic goes to it alone, unless somebody watches. */
  #intercept(packet: AedesPacket, client: AedesClient, done: () => void): boolean {
    const consumer = this.#consumers.find((each) => each.takes(packet.topic))
    if (consumer === undefined) return false
    this.statistics.consumed++
    if (this.#aedes.router.hasListener(packet.topic)) this.#aedes.route({ ...packet, retain: false }, client)
    consumer.consume(this.#publicationOf(packet, client), done)
    return true
  }

  #publicationOf(packet: AedesPacket, client: AedesClient): Publication {
    return {
      topic: packet.topic,
      payload: packet.payload,
      qos: packet.qos,
      isDuplicate: packet.dup,
      connection: this.#connectionOf(client),
    }
  }

  #connectionOf(client: AedesClient): BrokerConnection {
    let connection = this.#connections.get(client)
    if (connection === undefined) {
      const remoteAddress = client.conn.remoteAddress ?? '127.0.0.1'
      connection = {
        clientId: client.id,
        remoteAddress,
        isLocal: isLoopback(remoteAddress),
        username: this.#usernames.get(client),
      }
      this.#connections.set(client, connection)
    }
    return connection
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address)
}
