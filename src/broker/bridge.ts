/**
 * A bridge to a broker upstream. What goes there is a persistent session like that of any client, with the upstream connection as its outlet: its
 * queue is the spool, durable and bounded; what upstream has not acknowledged is sent again after a reconnect. What comes from there is
 * published here, acknowledged when it is kept, and never sent back.
 */

import type { Duplex } from 'node:stream'
import mqtt from 'mqtt-packet'
import type { Clock, Timer } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import type { BrokerState } from './broker-state.ts'
import { matchesFilter } from './filter-tree.ts'
import { FrameReader } from './frame-reader.ts'
import type { BrokerLimits } from './limits.ts'
import { Message } from './message.ts'
import { Outlet, Turn } from './outlet.ts'
import type { Session } from './session.ts'
import type { QoS } from './surface.ts'
import { encodeAcknowledgement, PacketType, readMessageId, topicFault } from './wire.ts'

/** Topics that are bridged: `localPrefix + filter` here is `remotePrefix + filter` there. Prefixes end as they are written. */
export interface BridgeRule {
  readonly direction: 'in' | 'out' | 'both'
  readonly filter: string
  /** The highest that messages of this rule have. */
  readonly qos: QoS
  readonly localPrefix?: string
  readonly remotePrefix?: string
}

export interface BridgeOptions {
  /** Of this bridge among those of this broker; its spool has this name. */
  readonly name: string
  readonly rules: readonly BridgeRule[]
  /** What this broker is called upstream: the same always, so that what upstream keeps for it is found again. */
  readonly clientId: string
  readonly username?: string
  readonly password?: string
  readonly keepAliveMs?: number
  /** Opens a connection: TCP, TLS, or one end of a pair. */
  open(): Duplex
}

export interface BridgeFacts {
  readonly state: BrokerState
  readonly limits: BrokerLimits
  readonly clock: Clock
  readonly log: Log
}

const firstDelayMs = 1000
const longestDelayMs = 60_000
/** A SUBSCRIBE is answered before messages are sent, so that this identifier is free. */
const subscribeId = 65_535

/** Client identifiers that are not for clients. */
export const bridgePrefix = '$bridge/'

export class Bridge {
  readonly #options: BridgeOptions
  readonly #facts: BridgeFacts
  readonly #turn = new Turn()
  #session: Session | undefined
  #conn: Duplex | undefined
  #timer: Timer | undefined
  #delayMs = firstDelayMs
  /** Upstream is told that a broker calls, and does not send back what came from here; not all brokers understand. */
  #saysBridge = true
  #isUp = false
  #isStopped = false
  reconnects = 0

  constructor(options: BridgeOptions, facts: BridgeFacts) {
    this.#options = options
    this.#facts = facts
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** Connects, and connects again for ever. The state must have been loaded. */
  start(): void {
    const { sessions } = this.#facts.state
    const { name, rules } = this.#options
    const session = sessions.open(bridgePrefix + name, true, (topic) => this.#toRemote(topic))
    this.#session = session
    session.isBridge = true
    const filters = new Map<string, QoS>()
    for (const { direction, filter, qos, localPrefix = '' } of rules)
      if (direction !== 'in') filters.set(localPrefix + filter, qos)
    for (const filter of [...session.subscriptions.keys()])
      if (!filters.has(filter)) sessions.unsubscribe(session, filter)
    for (const [filter, qos] of filters) sessions.subscribe(session, filter, qos)
    this.#connect()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#conn?.destroy()
  }

  #connect(): void {
    const { limits, log } = this.#facts
    const session = this.#session as Session
    const conn = this.#options.open()
    this.#conn = conn
    const outlet = new Outlet({
      conn,
      limits: { dropBytes: limits.slowConsumerDropBytes, closeBytes: limits.slowConsumerCloseBytes },
      turn: this.#turn,
      traffic: { bytesReceived: 0, bytesSent: 0, publishesReceived: 0, publishesSent: 0 },
      dropped: () => {},
      tooSlow: () => conn.destroy(),
      drained: () => session.pump(),
    })
    const frames = new FrameReader(limits.maxPacketBytes, (chunk, start, bodyStart, end) => {
      this.#handle(session, outlet, chunk, start, bodyStart, end)
      return true
    })
    conn.on('data', (chunk: Buffer) => {
      try {
        frames.push(chunk)
      } catch (error) {
        conn.destroy(error as Error)
      }
    })
    conn.on('error', (error) =>
      log.debug('mqtt: bridge: connection error', { bridge: this.#options.name, reason: error.message }),
    )
    conn.once('close', () => this.#closed(session, outlet))
    conn.write(this.#connectPacket())
  }

  #connectPacket(): Buffer {
    const { clientId, username, password, keepAliveMs = 60_000 } = this.#options
    const packet = mqtt.generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clientId,
      clean: false,
      keepalive: Math.ceil(keepAliveMs / 1000),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password: Buffer.from(password) }),
    })
    // As mosquitto says it: the highest bit of the protocol level, which follows the protocol's name.
    const level = packet.indexOf('MQTT') + 4
    if (this.#saysBridge) packet[level] = (packet[level] as number) | 0x80
    return packet
  }

  #closed(session: Session, outlet: Outlet): void {
    const { clock, log } = this.#facts
    session.disconnect(outlet)
    this.#timer?.cancel()
    if (this.#isUp) log.warn('mqtt: bridge down: messages wait in its queue', { bridge: this.#options.name })
    else this.#saysBridge = !this.#saysBridge
    this.#isUp = false
    if (this.#isStopped) return
    this.#timer = clock.after(this.#delayMs, () => {
      this.reconnects++
      this.#connect()
    })
    this.#delayMs = Math.min(this.#delayMs * 2, longestDelayMs)
  }

  #handle(session: Session, outlet: Outlet, chunk: Buffer, start: number, bodyStart: number, end: number): void {
    const type = (chunk[start] as number) >> 4
    if (type === 2) {
      if (chunk[bodyStart + 1] === 0) this.#subscribe(session, outlet)
      else this.#conn?.destroy(new Error(`upstream refuses: CONNACK ${chunk[bodyStart + 1]}`))
    } else if (type === 9) this.#ready(session, outlet)
    else if (type === PacketType.publish) this.#publish(session, outlet, chunk, start, bodyStart, end)
    else if (type === PacketType.puback) session.acknowledged(readMessageId(chunk, bodyStart, end))
    else if (type === PacketType.pubrec) session.received(readMessageId(chunk, bodyStart, end))
    else if (type === PacketType.pubcomp) session.completed(readMessageId(chunk, bodyStart, end))
    else if (type === PacketType.pubrel) {
      const messageId = readMessageId(chunk, bodyStart, end)
      session.endInbound(messageId)
      this.#facts.state.settled((error) =>
        error === undefined
          ? outlet.write(encodeAcknowledgement(PacketType.pubcomp, messageId))
          : this.#conn?.destroy(error),
      )
    }
  }

  #subscribe(session: Session, outlet: Outlet): void {
    const subscriptions = this.#options.rules
      .filter(({ direction }) => direction !== 'out')
      .map(({ filter, qos, remotePrefix = '' }) => ({ topic: remotePrefix + filter, qos }))
    if (subscriptions.length === 0) this.#ready(session, outlet)
    else outlet.write(mqtt.generate({ cmd: 'subscribe', messageId: subscribeId, subscriptions }))
  }

  #ready(session: Session, outlet: Outlet): void {
    this.#isUp = true
    this.#delayMs = firstDelayMs
    this.#facts.log.info('mqtt: bridge up', { bridge: this.#options.name })
    session.connect(outlet)
    this.#keepAlive(outlet)
  }

  #keepAlive(outlet: Outlet): void {
    this.#timer = this.#facts.clock.after((this.#options.keepAliveMs ?? 60_000) / 2, () => {
      outlet.write(mqtt.generate({ cmd: 'pingreq' }))
      this.#keepAlive(outlet)
    })
  }

  #publish(session: Session, outlet: Outlet, chunk: Buffer, start: number, bodyStart: number, end: number): void {
    const { state, limits, log } = this.#facts
    const header = chunk[start] as number
    const qos = ((header >> 1) & 3) as QoS
    const topicEnd = bodyStart + 2 + chunk.readUInt16BE(bodyStart)
    const messageId = qos === 0 ? 0 : readMessageId(chunk, topicEnd, end)
    const acknowledge = () => {
      if (qos > 0) outlet.write(encodeAcknowledgement(qos === 1 ? PacketType.puback : PacketType.pubrec, messageId))
    }
    const topic = this.#toLocal(chunk.toString('utf8', bodyStart + 2, topicEnd))
    const fault =
      topic === undefined
        ? 'no rule is for its topic'
        : topicFault(topic, { maxLevels: limits.maxTopicLevels, maxBytes: limits.maxTopicBytes })
    if (topic === undefined || fault !== undefined) {
      log.debug('mqtt: bridge: message not taken', { bridge: this.#options.name, reason: fault })
      acknowledge()
      return
    }
    if (qos === 2 && !session.beginInbound(messageId)) {
      state.settled((error) => (error === undefined ? acknowledge() : this.#conn?.destroy(error)))
      return
    }
    const payload = Buffer.from(chunk.subarray(qos === 0 ? topicEnd : topicEnd + 2, end))
    const message = Message.of({ topic, payload, qos, retain: (header & 1) === 1 })
    if (!state.route(message, state.router.routeOf(topic), { session })) acknowledge()
    else state.settled((error) => (error === undefined ? acknowledge() : this.#conn?.destroy(error)))
  }

  #toRemote(topic: string): string {
    for (const { direction, filter, localPrefix = '', remotePrefix = '' } of this.#options.rules)
      if (direction !== 'in' && topic.startsWith(localPrefix) && matchesFilter(filter, topic.slice(localPrefix.length)))
        return remotePrefix + topic.slice(localPrefix.length)
    return topic
  }

  #toLocal(topic: string): string | undefined {
    for (const { direction, filter, localPrefix = '', remotePrefix = '' } of this.#options.rules)
      if (
        direction !== 'out' &&
        topic.startsWith(remotePrefix) &&
        matchesFilter(filter, topic.slice(remotePrefix.length))
      )
        return localPrefix + topic.slice(remotePrefix.length)
    return undefined
  }
}
