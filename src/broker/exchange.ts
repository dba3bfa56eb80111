/** What clients ask of the broker, and what it does about it: routes what they publish, keeps what they subscribe to, serves consumers in this process. */

import { OversizedError } from '../mqtt/frame-reader.ts'
import { type FilterRequest, ProtocolError, topicFault } from '../mqtt/wire.ts'
import type { Log } from '../onem2m/log.ts'
import type { Allowances } from './allowance.ts'
import type { BrokerAuthority } from './authority.ts'
import { bridgePrefix } from './bridge.ts'
import type { BrokerState } from './broker-state.ts'
import { ConnectRefusal, type ConnectRequest } from './connect-request.ts'
import { type Acceptance, type BrokerConnection, Connection, type ConnectionHost } from './connection.ts'
import { BoundError, type BrokerLimits, topicExcess } from './limits.ts'
import { Message } from './message.ts'
import type { Parking } from './parking.ts'
import type { Session } from './session.ts'
import type { BrokerStatistics } from './statistics.ts'
import type { AedesWill, QoS } from './surface.ts'
import type { SysTopics } from './sys-topic.ts'
import type { Route, Source } from './topic-router.ts'

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

export interface ExchangeFacts {
  readonly state: BrokerState
  readonly parking: Parking
  readonly sys: SysTopics
  readonly limits: BrokerLimits
  readonly statistics: BrokerStatistics
  readonly log: Log
  readonly allowances: Allowances
  readonly authority: BrokerAuthority
  readonly fastPath: boolean
}

/** Who owes more than this many milliseconds of its rates, by way of many connections, is closed. */
const longestRestMs = 10_000

export class Exchange implements ConnectionHost {
  readonly #facts: ExchangeFacts
  readonly #consumers: TopicConsumer[] = []

  constructor(facts: ExchangeFacts) {
    this.#facts = facts
    if (!facts.fastPath) facts.state.router.listen('#', (message, source) => this.#offerToConsumer(message, source))
  }

  consume(consumer: TopicConsumer): void {
    this.#consumers.push(consumer)
  }

  whenKept(connection: Connection, call: () => void): void {
    this.#whenStored(connection, (isKept) => isKept && call())
  }

  connecting({ clientId, willTopic }: ConnectRequest): void {
    if (Buffer.byteLength(clientId) > this.#facts.limits.maxClientIdBytes) {
      this.#facts.log.warn(
        'mqtt: connection refused: a client identifier is longer than mqtt.max_client_id_size allows',
      )
      throw new ConnectRefusal(2, 'a client identifier is too long')
    }
    if (clientId.startsWith(bridgePrefix)) throw new ProtocolError('a client identifier is that of a bridge')
    if (willTopic !== undefined) this.#checkTopic(willTopic)
  }

  failed(connection: Connection, error: Error): void {
    const { log, statistics } = this.#facts
    const { client } = connection
    if (error instanceof ConnectRefusal) {
      statistics.refusedConnections++
      log.debug('mqtt: connection refused', { reason: error.message, returnCode: error.returnCode })
      client.conn.removeAllListeners('data')
      // One end would stay open, until the connect timeout, for a client that does not close it.
      client.conn.end(Buffer.from([0x20, 2, 0, error.returnCode]), () => client.conn.destroy())
      return
    }
    if (error instanceof OversizedError) {
      statistics.closedOversized++
      log.warn('mqtt: connection closed: a packet is larger than mqtt.max_packet_size', {
        client: client.id,
        bytes: error.bytes,
      })
    } else if (error instanceof BoundError) {
      statistics.closedBeyondBound++
      log.warn('mqtt: connection closed: a client went beyond a bound', { client: client.id, reason: error.message })
    } else {
      statistics.closedMalformed++
      log.warn('mqtt: connection closed: a client broke the protocol', { client: client.id, reason: error.message })
    }
    client.conn.destroy()
  }

  restAfter({ origin: { principal, remoteAddress }, id }: Connection, messages: number, bytes: number): number {
    const { allowances, statistics, log } = this.#facts
    const restMs = allowances.take(principal?.name ?? remoteAddress, messages, bytes)
    if (restMs > longestRestMs) throw new BoundError('more than mqtt.max_message_rate or mqtt.max_byte_rate allows')
    if (restMs > 0) {
      statistics.paced++
      log.warn('mqtt: a client is read more slowly: it sends more than mqtt.max_message_rate or mqtt.max_byte_rate', {
        client: id,
        principal: principal?.name,
      })
    }
    return restMs
  }

  routeOf(topic: string, isWellFormed: () => boolean): Route {
    const { router } = this.#facts.state
    const known = router.knownRoute(topic)
    if (known !== undefined) return known
    if (!isWellFormed()) throw new ProtocolError('a topic is not UTF-8')
    this.#checkTopic(topic)
    return router.routeOf(topic)
  }

  #checkTopic(topic: string): void {
    const fault = topicFault(topic)
    if (fault !== undefined) throw new ProtocolError(fault)
    const excess = topicExcess(topic, this.#facts.limits)
    if (excess !== undefined) throw new BoundError(excess)
  }

  publish(connection: Connection, message: Message, route: Route, isDuplicate: boolean, messageId: number): Acceptance {
    const { topic, qos } = message
    // Nobody but the broker speaks of the broker; what is not allowed is acknowledged all the same. [MQTT-3.3.5-2]
    if (topic.startsWith('$SYS/')) return 'done'
    if (!this.#facts.authority.mayPublish(connection.principal, topic)) {
      this.#facts.statistics.refusedMessages++
      this.#facts.log.warn('mqtt: a message was refused: its topic is not for who published it', {
        client: connection.id,
        topic,
        principal: connection.principal?.name,
      })
      return 'done'
    }
    const consumer = this.#consumers.find((each) => each.takes(topic))
    if (consumer !== undefined && this.#facts.fastPath)
      return this.#consume(consumer, connection, message, route, isDuplicate, messageId)
    // Nothing of oneM2M is retained: a request would be executed again for each later subscriber.
    const routed = consumer === undefined && !topic.startsWith('/oneM2M/') ? message : withoutRetain(message)
    if (!this.#facts.state.route(routed, route, connection) || qos === 0) return 'done'
    this.#whenStored(connection, (isKept) => connection.kept(qos, messageId, isKept))
    return 'keeping'
  }

  /** Without PUBACK, PUBREC or SUBACK a client does it again, once it is back. */
  #whenStored(connection: Connection, call: (isKept: boolean) => void): void {
    this.#facts.state.settled((error) => {
      call(error === undefined)
      if (error === undefined) return
      this.#facts.statistics.notStored++
      this.#facts.log.error('mqtt: something could not be stored; it is not acknowledged', {
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
    this.#facts.statistics.consumed++
    if (route.filters.length > 0) this.#facts.state.route(withoutRetain(message), route, connection)
    let isDone = false
    let isLate = false
    const publication = { topic, payload: message.payload, qos, isDuplicate, connection: connection.origin }
    consumer.consume(publication, () => {
      if (isDone) return
      isDone = true
      if (isLate) connection.consumed(qos, messageId)
    })
    isLate = true
    return isDone ? 'done' : 'consuming'
  }

  #offerToConsumer(message: Message, source: Source | undefined): void {
    const { topic, payload, qos } = message
    const consumer = source instanceof Connection && this.#consumers.find((each) => each.takes(topic))
    if (!consumer || !(source instanceof Connection)) return
    this.#facts.statistics.consumed++
    const connection = source.origin
    consumer.consume({ topic, payload, qos, isDuplicate: false, connection }, () => {})
  }

  publishWill(will: AedesWill, connection: Connection | undefined, done: (error?: Error | null) => void): void {
    const { topic, payload, qos = 0, retain = false, properties } = will
    const message = Message.of({ topic, payload: Buffer.from(payload), qos, retain, properties })
    if (topic.startsWith('$SYS/') || connection === undefined) done(null)
    else if (this.publish(connection, message, this.#facts.state.router.routeOf(topic), false, 0) === 'done') done(null)
    else this.#facts.state.settled((error) => done(error ?? null))
  }

  subscribe(
    connection: Connection,
    requests: readonly FilterRequest[],
    settled: (granted: readonly (QoS | 128)[], answer: () => void) => void,
  ): void {
    const { session } = connection
    if (session === undefined) return
    const since = this.#facts.state.lastCounter
    const granted = requests.map(({ filter, qos }, index) => {
      if (!this.#mayHave(connection, filter, index)) return 128
      this.#facts.state.sessions.subscribe(session, filter, qos)
      return qos
    })
    const settle = () => settled(granted, () => this.#answer(connection, requests, granted, since))
    if (session.isPersistent) this.whenKept(connection, settle)
    else settle()
  }

  /** `index`: of how many filters before it in one packet. What is named too often is looked at no more than what is too much. */
  #mayHave(connection: Connection, filter: string, index: number): boolean {
    const { log, limits } = this.#facts
    const { session } = connection
    const most = limits.maxSubscriptionsPerClient
    const has = session?.subscriptions.has(filter)
    const hasRoom = has || ((session?.subscriptions.size ?? 0) < most && this.#facts.state.sessions.hasRoomFor(filter))
    if (index < most && hasRoom && topicExcess(filter, limits) === undefined) return true
    this.#facts.statistics.refusedSubscriptions++
    log.warn(
      'mqtt: subscription refused: there are as many as mqtt.max_subscriptions or max_subscriptions_total_size allows, or a filter is too long',
      {
        client: connection.id,
      },
    )
    return false
  }

  /** What a subscription brings: retained messages, figures of the broker, and what was parked. */
  #answer(
    connection: Connection,
    requests: readonly FilterRequest[],
    granted: readonly (QoS | 128)[],
    since: number,
  ): void {
    const { session } = connection
    if (session === undefined) return
    const { state, sys } = this.#facts
    requests.forEach(({ filter }, index) => {
      const qos = granted[index]
      if (qos === undefined || qos === 128) return
      const isSys = filter.startsWith('$SYS/')
      const messages = isSys ? sys.answer(filter) : this.#retainedFor(session, filter)
      session.feed(filter, { messages, qos: isSys ? 0 : qos, since, nextCounter: () => state.nextCounter() })
      sys.watch(filter)
      this.#deliverParked(connection, filter)
    })
  }

  /** A session that comes back brings its subscriptions without subscribing. */
  resumed(connection: Connection): void {
    for (const filter of connection.session?.subscriptions.keys() ?? []) {
      this.#facts.sys.watch(filter)
      this.#deliverParked(connection, filter)
    }
  }

  *#retainedFor({ owner }: Session, filter: string): Iterator<Message | undefined> {
    const { state, authority } = this.#facts
    for (const message of state.retained.search(filter))
      yield message !== undefined && authority.mayReceive(owner, message.topic) ? message : undefined
  }

  #deliverParked(connection: Connection, filter: string): void {
    const { session } = connection
    const granted = session?.subscriptions.get(filter) ?? 0
    const isForIt = (topic: string) => this.#facts.authority.mayReceive(session?.owner ?? '', topic)
    for (const { topic, payload, qos } of this.#facts.parking.take(filter, isForIt)) {
      const message = Message.of({ topic, payload, qos, retain: false })
      message.counter = this.#facts.state.nextCounter()
      if (qos === 0 || granted === 0) connection.outlet.publishOrDrop(message.encode())
      else session?.offer(message, 1)
    }
  }

  unsubscribe(connection: Connection, filters: readonly string[], settled: () => void): void {
    const { session } = connection
    if (session === undefined) return
    for (const filter of filters) this.#facts.state.sessions.unsubscribe(session, filter)
    if (session.isPersistent) this.whenKept(connection, settled)
    else settled()
  }
}

/** What is a consumer's is never retained: a request would be executed again for each later subscriber. */
function withoutRetain(message: Message): Message {
  const { topic, payload, qos, retain, properties } = message
  return retain ? Message.of({ topic, payload, qos, retain: false, properties }) : message
}
