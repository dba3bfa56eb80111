/**
 * A bridge to a broker upstream. What goes there is a persistent session like that of any client, with the upstream connection as its outlet: its
 * queue is the spool, durable and bounded; what upstream has not acknowledged is sent again after a reconnect. What comes from there is
 * published here, acknowledged when it is kept, and never sent back.
 */

import { isUtf8 } from 'node:buffer'
import type { Duplex } from 'node:stream'
import mqtt from 'mqtt-packet'
import { FrameReader } from '../mqtt/frame-reader.ts'
import {
  encodeAcknowledgement,
  endOfTopic,
  PacketType,
  ProtocolError,
  readMessageId,
  readUnread,
  topicFault,
} from '../mqtt/wire.ts'
import type { Clock, Timer } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import { type BridgeRule, localFilters, remoteFilters, toLocal, toRemote } from './bridge-rule.ts'
import type { BrokerState } from './broker-state.ts'
import { type BrokerLimits, mostUnkept, topicExcess } from './limits.ts'
import { Message } from './message.ts'
import { Outlet, type Traffic, Turn } from './outlet.ts'
import type { Session } from './session.ts'
import type { BrokerStatistics } from './statistics.ts'
import type { QoS } from './surface.ts'

export interface BridgeOptions {
  /** Of this bridge among those of this broker; its spool has this name. */
  readonly name: string
  readonly rules: readonly BridgeRule[]
  /** What this broker is called upstream: the same always, so that what upstream keeps for it is found again. */
  readonly clientId: string
  readonly username?: string
  readonly password?: string
  /** Silence after which upstream is asked for a sign of life; one that stays silent as long again is left. */
  readonly keepAliveMs?: number
  /** Messages that upstream may have unacknowledged: mosquitto loses those at QoS 2 that are more than it has room for, which are 20. */
  readonly maxInflight?: number
  /** Of the spool; without, those of any session. */
  readonly maxQueuedMessages?: number
  readonly maxQueuedBytes?: number
  /** Between 0 and 1, so that those who lost the same broker do not come back at the same moment. */
  readonly random?: () => number
  /** Opens a connection: TCP, TLS, or one end of a pair. */
  open(): Duplex
}

export interface BridgeFacts {
  readonly state: BrokerState
  readonly limits: BrokerLimits
  readonly statistics: BrokerStatistics
  readonly traffic: Traffic
  readonly clock: Clock
  readonly log: Log
}

const firstDelayMs = 1000
const longestDelayMs = 60_000
/** From the opening of a connection to the SUBACK. */
const greetingMs = 15_000
/** A SUBSCRIBE is answered before messages are sent, so that this identifier is free. */
const subscribeId = 65_535

/** The owner of a bridge's session is its operator, who says in the configuration what goes out. */
export const bridgeOwner = '$bridge'

/** Client identifiers that are not for clients. */
export const bridgePrefix = '$bridge/'

const refusals: Readonly<Record<number, string>> = {
  1: 'it does not speak MQTT 3.1.1',
  2: 'it does not take this client identifier',
  3: 'it is not available now',
  4: 'user or password are wrong',
  5: 'this user may not connect',
}

export class Bridge {
  readonly #options: BridgeOptions
  readonly #facts: BridgeFacts
  readonly #turn = new Turn()
  #conn: Duplex | undefined
  #timer: Timer | undefined
  #delayMs = firstDelayMs
  /** Upstream is told that a broker calls, and does not send back what came from here; not all brokers understand. */
  #saysBridge = true
  /** Upstream was understood to understand, or not to: it is not asked again. */
  #isSettled = false
  #isUp = false
  #isStopped = false
  /** Upstream closed the connection by itself before it answered CONNECT. */
  #wasTurnedAway = false
  #hasHeard = false
  /** Filters that are new, whose retained messages upstream has not had, and the last message before each. */
  readonly #unseen = new Map<string, number>()
  /** Messages from upstream that are on their way to the disk. */
  #unkept = 0
  /** Why there is no connection: said once until there is one. */
  #complaint: string | undefined

  constructor(options: BridgeOptions, facts: BridgeFacts) {
    this.#options = options
    this.#facts = facts
  }

  get name(): string {
    return this.#options.name
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** Connects, and connects again for ever. The state must have been loaded. */
  start(): void {
    const { state, limits } = this.#facts
    const { sessions } = state
    const { name, rules, maxInflight = 20, maxQueuedMessages, maxQueuedBytes } = this.#options
    const session = sessions.open(bridgePrefix + name, true, bridgeOwner)
    session.bridge((topic) => toRemote(rules, topic) ?? topic, {
      maxInflight,
      maxQueuedMessages: maxQueuedMessages ?? limits.maxQueuedMessages,
      maxQueuedBytes: maxQueuedBytes ?? limits.maxQueuedBytes,
    })
    const filters = localFilters(rules)
    for (const filter of [...session.subscriptions.keys()])
      if (!filters.has(filter)) sessions.unsubscribe(session, filter)
    // What upstream may have changed meanwhile is not overwritten with what is retained here.
    const both = localFilters(rules.filter(({ direction }) => direction === 'both'))
    for (const [filter, qos] of filters) {
      if (!session.subscriptions.has(filter) && !both.has(filter)) this.#unseen.set(filter, state.lastCounter)
      sessions.subscribe(session, filter, qos)
    }
    this.#connect(session)
  }

  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#timer?.cancel()
    if (this.#isUp) this.#conn?.end(mqtt.generate({ cmd: 'disconnect' }), () => this.#conn?.destroy())
    else this.#conn?.destroy()
  }

  #connect(session: Session): void {
    const { limits, clock, log, statistics, traffic } = this.#facts
    const conn = this.#options.open()
    this.#conn = conn
    this.#hasHeard = this.#wasTurnedAway = false
    this.#unkept = 0
    const outlet = new Outlet({
      conn,
      limits: { dropBytes: limits.slowConsumerDropBytes, closeBytes: limits.slowConsumerCloseBytes },
      turn: this.#turn,
      traffic,
      dropped: () => {
        statistics.droppedMessages++
        log.warn('mqtt: bridge: messages dropped: upstream does not read fast enough', { bridge: this.name })
      },
      tooSlow: () => conn.destroy(new Error('it does not read, or acknowledge')),
      drained: () => session.pump(),
    })
    const frames = new FrameReader(
      limits.maxPacketBytes,
      (chunk, start, bodyStart, end) => {
        this.#handle(session, outlet, chunk, start, bodyStart, end)
        return true
      },
      (...place) => this.#passOver(outlet, ...place),
    )
    conn.on('data', (chunk: Buffer) => {
      this.#hasHeard = true
      traffic.bytesReceived += chunk.length
      try {
        frames.push(chunk)
      } catch (error) {
        conn.destroy(error as Error)
      }
    })
    conn.on('end', () => {
      this.#wasTurnedAway = !this.#hasHeard
    })
    let reason = 'it closed the connection'
    conn.on('error', (error) => {
      reason = error.message || (error as NodeJS.ErrnoException).code || reason
    })
    conn.on('close', () => this.#closed(session, outlet, reason))
    this.#timer = clock.after(greetingMs, () => conn.destroy(new Error('it did not answer')))
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

  #closed(session: Session, outlet: Outlet, reason: string): void {
    const { clock, statistics } = this.#facts
    session.disconnect(outlet)
    this.#timer?.cancel()
    this.#isUp = false
    if (this.#isStopped) return
    if (this.#wasTurnedAway && !this.#isSettled) this.#saysBridge = !this.#saysBridge
    this.#complain(reason)
    const { random } = this.#options
    this.#timer = clock.after(random === undefined ? this.#delayMs : this.#delayMs * (0.5 + random() / 2), () => {
      statistics.bridgeReconnects++
      this.#connect(session)
    })
    this.#delayMs = Math.min(this.#delayMs * 2, longestDelayMs)
  }

  #complain(reason: string): void {
    if (reason === this.#complaint) return
    this.#complaint = reason
    this.#facts.log.warn('mqtt: bridge down: messages wait in its queue until upstream is back', {
      bridge: this.name,
      reason,
    })
  }

  #handle(session: Session, outlet: Outlet, chunk: Buffer, start: number, bodyStart: number, end: number): void {
    const type = (chunk[start] as number) >> 4
    if (type === 2) this.#greeted(session, outlet, chunk[bodyStart + 1])
    else if (type === 9) this.#ready(session, outlet)
    else if (type === PacketType.publish) this.#publish(session, outlet, chunk, start, bodyStart, end)
    else if (type === PacketType.puback) session.acknowledged(readMessageId(chunk, bodyStart, end))
    else if (type === PacketType.pubrec) session.received(readMessageId(chunk, bodyStart, end))
    else if (type === PacketType.pubcomp) session.completed(readMessageId(chunk, bodyStart, end))
    else if (type === PacketType.pubrel) {
      const messageId = readMessageId(chunk, bodyStart, end)
      session.endInbound(messageId)
      this.#whenKept(() => outlet.write(encodeAcknowledgement(PacketType.pubcomp, messageId)))
    }
  }

  /** CONNACK. */
  #greeted(session: Session, outlet: Outlet, returnCode: number | undefined): void {
    if (returnCode === 1 && this.#saysBridge && !this.#isSettled) this.#saysBridge = false
    if (returnCode !== 0)
      throw new ProtocolError(refusals[returnCode ?? -1] ?? `it refuses the connection with code ${returnCode}`)
    this.#isSettled = true
    const subscriptions = [...remoteFilters(this.#options.rules)]
    if (subscriptions.length === 0) this.#ready(session, outlet)
    else outlet.write(mqtt.generate({ cmd: 'subscribe', messageId: subscribeId, subscriptions }))
  }

  #ready(session: Session, outlet: Outlet): void {
    if (this.#isUp) return
    this.#isUp = true
    this.#delayMs = firstDelayMs
    this.#complaint = undefined
    this.#facts.log.info('mqtt: bridge up', { bridge: this.name })
    session.connect(outlet)
    const { retained } = this.#facts.state
    for (const [filter, since] of this.#unseen) {
      const qos = session.subscriptions.get(filter) ?? 0
      session.feed(filter, {
        messages: retained.search(filter),
        qos,
        since,
        nextCounter: () => this.#facts.state.nextCounter(),
      })
    }
    this.#unseen.clear()
    this.#timer?.cancel()
    this.#watch(outlet, false)
  }

  /** A connection whose other end is gone, and nobody said so, is found out by its silence. */
  #watch(outlet: Outlet, wasAsked: boolean): void {
    this.#timer = this.#facts.clock.after((this.#options.keepAliveMs ?? 60_000) / 2, () => {
      if (wasAsked && !this.#hasHeard) {
        this.#conn?.destroy(new Error('it is silent'))
        return
      }
      this.#hasHeard = false
      outlet.write(pingRequest)
      this.#watch(outlet, true)
    })
  }

  #publish(session: Session, outlet: Outlet, chunk: Buffer, start: number, bodyStart: number, end: number): void {
    const { state, statistics, traffic } = this.#facts
    const header = chunk[start] as number
    const qos = ((header >> 1) & 3) as QoS
    const topicEnd = endOfTopic(chunk, header, bodyStart, end)
    const messageId = qos === 0 ? 0 : readMessageId(chunk, topicEnd, end)
    const accept = () => acknowledge(outlet, qos, messageId)
    traffic.publishesReceived++
    const topic = this.#topicHere(chunk.subarray(bodyStart + 2, topicEnd))
    if (topic === undefined) accept()
    else if (qos === 2 && !session.beginInbound(messageId)) this.#whenKept(accept)
    else {
      statistics.bridgeReceived++
      const payload = Buffer.from(chunk.subarray(qos === 0 ? topicEnd : topicEnd + 2, end))
      const message = Message.of({ topic, payload, qos, retain: (header & 1) === 1 })
      const mustKeep = state.route(message, state.router.routeOf(topic), { session })
      // What was begun at QoS 2 is on its way to the disk as well.
      if (mustKeep || qos === 2) this.#whenKept(accept)
      else accept()
    }
  }

  /** A message that is too large is acknowledged unread: it would come again for ever, and what is behind it never. */
  #passOver(outlet: Outlet, chunk: Buffer, start: number, bodyStart: number, known: number): boolean {
    const message = readUnread(chunk, start, bodyStart, known)
    if (message === undefined) return false
    this.#refuse('it is larger than mqtt.max_packet_size')
    acknowledge(outlet, message.qos, message.messageId)
    return true
  }

  #refuse(reason: string): void {
    const { statistics, log } = this.#facts
    statistics.bridgeRefused++
    log.warn('mqtt: bridge: a message from upstream was not taken', { bridge: this.name, reason })
  }

  /** Undefined for a message that is not taken; it is acknowledged, or it would come again for ever. */
  #topicHere(bytes: Buffer): string | undefined {
    const { limits } = this.#facts
    const topic = isUtf8(bytes) ? toLocal(this.#options.rules, bytes.toString()) : undefined
    const fault =
      topic === undefined || topic.startsWith('$SYS/')
        ? 'no rule is for its topic'
        : (topicFault(topic) ?? topicExcess(topic, limits))
    if (fault === undefined) return topic
    this.#refuse(fault)
    return undefined
  }

  /** Upstream may send as long as the disk keeps up. */
  #whenKept(call: () => void): void {
    const conn = this.#conn
    if (++this.#unkept >= mostUnkept) conn?.pause()
    this.#facts.state.settled((error) => {
      if (conn !== this.#conn) return
      if (--this.#unkept < mostUnkept && conn?.isPaused()) conn.resume()
      if (error === undefined) call()
      else conn?.destroy(error)
    })
  }
}

function acknowledge(outlet: Outlet, qos: QoS, messageId: number): void {
  if (qos > 0) outlet.write(encodeAcknowledgement(qos === 1 ? PacketType.puback : PacketType.pubrec, messageId))
}

const pingRequest = Buffer.from([0xc0, 0])
