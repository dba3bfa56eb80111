/**
 * One connection's packets in order: they are handled here, one after the other, as they lie in what was read. Only CONNECT goes to Aedes; what
 * follows waits until it is answered.
 */

import { isUtf8 } from 'node:buffer'
import { FrameReader } from '../mqtt/frame-reader.ts'
import {
  encodeAcknowledgement,
  encodeSuback,
  encodeUnsuback,
  endOfTopic,
  type FilterRequest,
  PacketType,
  ProtocolError,
  readMessageId,
  readOnlyId,
  readSubscribe,
  readUnsubscribe,
} from '../mqtt/wire.ts'
import type { Clock } from '../onem2m/clock.ts'
import type { Principal } from '../onem2m/principal.ts'
import { isLoopback } from './allowance.ts'
import { type ConnectRequest, readConnect } from './connect-request.ts'
import { BoundError, mostUnkept } from './limits.ts'
import { Message } from './message.ts'
import type { Outlet, Traffic } from './outlet.ts'
import type { Session } from './session.ts'
import type { AedesClient, AedesParser, QoS } from './surface.ts'
import type { Route } from './topic-router.ts'
import type { Unfinished } from './unfinished.ts'

/** `done`: it is to be acknowledged. `keeping`: not before it is on the disk. `consuming`: somebody in this process is busy with it. */
export type Acceptance = 'done' | 'keeping' | 'consuming'

/** What the broker does for a connection. */
export interface ConnectionHost {
  /** Whether a CONNECT may go on. Throws ProtocolError when it may not. */
  connecting(request: ConnectRequest): void
  /** The route of a topic that may be published to. Throws ProtocolError when it may not. */
  routeOf(topic: string, isWellFormed: () => boolean): Route
  /** Takes a message; `kept` or `consumed` of the connection is called later where the answer says so, never before this returns. */
  publish(connection: Connection, message: Message, route: Route, isDuplicate: boolean, messageId: number): Acceptance
  /** `answer` brings retained messages and others, once the subscriptions have been acknowledged. */
  subscribe(
    connection: Connection,
    requests: readonly FilterRequest[],
    settled: (granted: readonly (QoS | 128)[], answer: () => void) => void,
  ): void
  unsubscribe(connection: Connection, filters: readonly string[], settled: () => void): void
  /** Calls when everything that was accepted so far is on the disk; closes the connection when it could not be stored. */
  whenKept(connection: Connection, call: () => void): void
  /** How many milliseconds nothing more is to be read after a packet, 0 as a rule; throws when that would be too long. */
  restAfter(connection: Connection, messages: number, bytes: number): number
  failed(connection: Connection, error: Error): void
}

/** Who is at the other end, as consumers are told. */
export interface BrokerConnection {
  readonly clientId: string
  readonly remoteAddress: string
  /** Over loopback. */
  readonly isLocal: boolean
  readonly principal: Principal | undefined
}

export interface ConnectionFacts {
  readonly traffic: Traffic
  readonly client: AedesClient
  readonly clock: Clock
  readonly host: ConnectionHost
  readonly outlet: Outlet
  readonly unfinished: Unfinished
  readonly maxPacketBytes: number
  /** QoS 2 messages that may wait for their PUBREL. */
  readonly maxInflightInbound: number
}

export class Connection {
  readonly client: AedesClient
  readonly outlet: Outlet
  /** Whoever has shown credentials. */
  principal: Principal | undefined
  /** The client says that it is a bridge. */
  isBridge = false
  /** Of MQTT 3.1.1; 3 of MQTT 3.1. */
  protocolLevel: 3 | 4 = 4
  #origin: BrokerConnection | undefined
  /** What it sends is counted: it has come over the network, or by name. */
  #isMetered = false
  #session: Session | undefined
  readonly #facts: ConnectionFacts
  readonly #frames: FrameReader
  /** Packets that are not done with; nothing more is read until they are. */
  #pending = 0
  /** Of a packet that has come in part. */
  #heldBytes = 0
  /** A packet has been handled since that was looked at. */
  #hasHandled = false
  /** A packet that nothing may overtake is being handled. */
  #isHeld = false
  /** As how many messages the packet that is handled counts. */
  #weight = 1
  /** It has sent more than it may. */
  #isResting = false
  #isReading = false
  /** Messages that are on their way to the disk. */
  #unkept = 0

  constructor(facts: ConnectionFacts) {
    const { client } = facts
    this.#facts = facts
    this.client = client
    this.outlet = facts.outlet
    this.#frames = new FrameReader(facts.maxPacketBytes, (chunk, start, bodyStart, end) =>
      this.#handleWithin(chunk, start, bodyStart, end),
    )
    client._nextBatch = (error) => {
      if (error) this.#fail(error)
      else this.#release()
    }
    client.pause = client.resume = ignore
    // What Aedes has for messages, of which it gets none.
    client.deliver0 = client.deliverQoS = client._inboundInflight = undefined
    client.conn.removeAllListeners('readable')
    client.conn.on('data', (chunk: Buffer) => this.#receive(chunk))
  }

  get id(): string {
    return this.client.id
  }

  get origin(): BrokerConnection {
    return this.#origin ?? this.#findOrigin()
  }

  /** Kept from when the client has been let in: until then it has neither its name nor its principal. */
  #findOrigin(): BrokerConnection {
    const remoteAddress = this.client.conn.remoteAddress ?? '127.0.0.1'
    const origin = { clientId: this.id, remoteAddress, isLocal: isLoopback(remoteAddress), principal: this.principal }
    if (this.#session !== undefined) this.#origin = origin
    return origin
  }

  /** Undefined until CONNECT has been answered, and when the connection is gone. */
  get session(): Session | undefined {
    return this.#session
  }

  /** CONNECT has been answered. What Aedes needed for that, or would need later, is memory for nothing in an idle connection. */
  begin(session: Session): void {
    const { client } = this
    this.#session = session
    this.#isMetered = !this.origin.isLocal || this.principal !== undefined
    client._parser = noParser
    client.subscriptions = client.duplicates = nothing
    client.removeAllListeners('connected')
  }

  end(): void {
    this.#session = undefined
  }

  /** The connection is closed. */
  release(): void {
    this.#facts.unfinished.hold(this, 0, false)
  }

  giveUp(): void {
    this.#fail(new BoundError('more waits for the rest of its packet than mqtt.max_unfinished_size allows'))
  }

  close(): void {
    this.client.conn.destroy()
  }

  #receive(chunk: Buffer): void {
    if (this.client.closed) return
    this.#facts.traffic.bytesReceived += chunk.length
    this.client._keepaliveTimer?.refresh()
    this.#advance(chunk)
  }

  /** Handles what was read, or goes on with what was left of it. */
  #advance(chunk?: Buffer): void {
    this.#isReading = true
    try {
      if (chunk === undefined) this.#frames.resume()
      else this.#frames.push(chunk)
    } catch (error) {
      this.#fail(error as Error)
      return
    } finally {
      this.#isReading = false
    }
    this.#count()
    if (this.#mustWait) this.client.conn.pause()
    else this.#readOn()
  }

  #count(): void {
    const { heldBytes } = this.#frames
    const isNew = this.#hasHandled
    this.#hasHandled = false
    if (heldBytes === 0 && this.#heldBytes === 0) return
    this.#heldBytes = heldBytes
    this.#facts.unfinished.hold(this, heldBytes, isNew)
  }

  /** A message that was `keeping` is on the disk; without `isKept` it could not be stored, and is not acknowledged. */
  kept(qos: QoS, messageId: number, isKept: boolean): void {
    this.#unkept--
    if (isKept) this.#acknowledge(qos, messageId)
    this.#readOn()
  }

  /** A message that was `consuming` is done with. */
  consumed(qos: QoS, messageId: number): void {
    this.#pending--
    this.#acknowledge(qos, messageId)
    this.#readOn()
  }

  #readOn(): void {
    if (!this.#mustWait && !this.client.closed && this.client.conn.isPaused()) this.client.conn.resume()
  }

  /** The client has read what was written: there is room for more, also for answers to what it sends. */
  drained(): void {
    this.#session?.pump()
    this.#readOn()
  }

  /** Consumers hold the connection back at once, the disk when it has much to do; and so does a client that reads no answers. */
  get #mustWait(): boolean {
    return this.#pending > 0 || this.#unkept >= mostUnkept || !this.outlet.hasRoom
  }

  #acknowledge(qos: QoS, messageId: number): void {
    if (qos === 0) return
    this.outlet.write(encodeAcknowledgement(qos === 1 ? PacketType.puback : PacketType.pubrec, messageId))
  }

  /** Lets later packets pass again. */
  #release(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#pending--
    this.#goOn()
  }

  #goOn(): void {
    if (!this.#isReading && !this.#isHeld && !this.#isResting && !this.client.closed) this.#advance()
  }

  #fail(error: Error): void {
    if (!this.client.closed) this.#facts.host.failed(this, error)
  }

  /** A packet of who has come over the network, or by name, within the rates. False when the next one has to wait. */
  #handleWithin(chunk: Buffer, start: number, bodyStart: number, end: number): boolean {
    this.#weight = 1
    this.#hasHandled = true
    const goesOn = this.#handle(chunk, start, bodyStart, end)
    if (!this.#isMetered || this.client.closed) return goesOn
    const type = (chunk[start] as number) >> 4
    // What answers the broker is as much as the broker sends.
    const isAnswer = type >= PacketType.puback && type <= PacketType.pubcomp
    const restMs = this.#facts.host.restAfter(this, isAnswer ? 0 : this.#weight, end - start)
    if (restMs === 0) return goesOn
    this.#isResting = true
    this.#pending++
    this.#facts.clock.after(restMs, () => {
      this.#isResting = false
      this.#pending--
      this.#goOn()
    })
    return false
  }

  #hold(): void {
    this.#isHeld = true
    this.#pending++
  }

  /** One packet; false when the next one has to wait. */
  #handle(chunk: Buffer, start: number, bodyStart: number, end: number): boolean {
    if (this.client.closed) return false
    this.#facts.traffic.packetsReceived++
    const header = chunk[start] as number
    const { session } = this
    if (session === undefined) return this.#connect(chunk, start, bodyStart, end)
    switch (header >> 4) {
      case PacketType.publish:
        this.#publish(session, header, chunk, start, bodyStart, end)
        return true
      case PacketType.puback:
        this.#expectFlags(header, 0)
        session.acknowledged(readOnlyId(chunk, bodyStart, end))
        return true
      case PacketType.pubrec:
        this.#expectFlags(header, 0)
        session.received(readOnlyId(chunk, bodyStart, end))
        return true
      case PacketType.pubcomp:
        this.#expectFlags(header, 0)
        session.completed(readOnlyId(chunk, bodyStart, end))
        return true
      case PacketType.pubrel: {
        this.#expectFlags(header, 2)
        this.#completeInbound(session, readOnlyId(chunk, bodyStart, end))
        return true
      }
      case PacketType.subscribe:
        this.#expectFlags(header, 2)
        return this.#subscribe(readMessageId(chunk, bodyStart, end), readSubscribe(chunk, bodyStart, end))
      case PacketType.unsubscribe: {
        this.#expectFlags(header, 2)
        return this.#unsubscribe(readMessageId(chunk, bodyStart, end), readUnsubscribe(chunk, bodyStart, end))
      }
      case PacketType.pingreq:
        this.#expectFlags(header, 0)
        expectNothing(bodyStart, end)
        this.outlet.write(pingResponse)
        return true
      case PacketType.disconnect:
        this.#expectFlags(header, 0)
        expectNothing(bodyStart, end)
        this.outlet.flush()
        this.client._disconnected = true
        // Aedes hears of it at once rather than of a stream that closed early, for which an error would be made.
        this.client.close()
        return false
      case PacketType.connect:
        throw new ProtocolError('a second CONNECT') // [MQTT-3.1.0-2]
      default:
        throw new ProtocolError('a packet that only a server sends')
    }
  }

  /** [MQTT-2.2.2-2]. In MQTT 3.1 these bits are not used, or say that a packet is sent again (2.1). */
  #expectFlags(header: number, flags: number): void {
    if ((header & 0x0f) !== flags && this.protocolLevel > 3) throw new ProtocolError('a fixed header has wrong flags')
  }

  /** The first packet is a CONNECT [MQTT-3.1.0-1]; Aedes handles it. */
  #connect(chunk: Buffer, start: number, bodyStart: number, end: number): boolean {
    if (chunk[start] !== PacketType.connect << 4) throw new ProtocolError('a connection does not begin with CONNECT')
    const request = readConnect(chunk, bodyStart, end)
    this.#facts.host.connecting(request)
    this.isBridge = request.isBridge
    this.protocolLevel = request.protocolLevel
    this.client._parsingBatch = 0
    this.#hold()
    this.client._parser.parse(chunk.subarray(start, end))
    return !this.#isHeld
  }

  #publish(session: Session, header: number, chunk: Buffer, start: number, bodyStart: number, end: number): void {
    this.#facts.traffic.publishesReceived++
    const qos = ((header >> 1) & 3) as QoS
    const topicStart = bodyStart + 2
    const topicEnd = endOfTopic(chunk, header, bodyStart, end)
    const payloadStart = qos === 0 ? topicEnd : topicEnd + 2
    const { host } = this.#facts
    const route = host.routeOf(chunk.toString('utf8', topicStart, topicEnd), () =>
      isWellFormed(chunk, topicStart, topicEnd),
    )
    const retain = (header & 1) === 1
    const isDuplicate = (header & 8) !== 0
    const message = Message.received({ topic: route.topic, qos, retain }, chunk, start, payloadStart, end)
    const messageId = qos === 0 ? 0 : readMessageId(chunk, topicEnd, end)
    if (qos === 2 && !this.#isNewInbound(session, messageId)) return
    const acceptance = host.publish(this, message, route, isDuplicate, messageId)
    if (acceptance === 'done') this.#acknowledge(qos, messageId)
    else if (acceptance === 'keeping') this.#unkept++
    else this.#pending++
  }

  /** [MQTT-4.3.3-2]: a QoS 2 message is published once; its duplicates are only acknowledged. */
  #isNewInbound(session: Session, messageId: number): boolean {
    if (session.inbound.has(messageId)) {
      this.#facts.host.whenKept(this, () => this.#acknowledge(2, messageId))
      return false
    }
    if (session.inbound.size >= this.#facts.maxInflightInbound)
      throw new BoundError('more QoS 2 messages wait for their PUBREL than mqtt.max_inflight_inbound allows')
    return session.beginInbound(messageId)
  }

  /** PUBREL. Its identifier is free for another message when the client hears so: it has to be on the disk as well. */
  #completeInbound(session: Session, messageId: number): void {
    const complete = () => this.outlet.write(encodeAcknowledgement(PacketType.pubcomp, messageId))
    session.endInbound(messageId)
    if (session.isPersistent) this.#facts.host.whenKept(this, complete)
    else complete()
  }

  #subscribe(messageId: number, requests: readonly FilterRequest[]): boolean {
    this.#hold()
    this.#weight = requests.length
    this.#facts.host.subscribe(this, requests, (granted, answer) => {
      this.outlet.write(encodeSuback(messageId, granted))
      answer()
      this.#release()
    })
    return !this.#isHeld
  }

  #unsubscribe(messageId: number, filters: readonly string[]): boolean {
    this.#hold()
    this.#weight = filters.length
    this.#facts.host.unsubscribe(this, filters, () => {
      this.outlet.write(encodeUnsuback(messageId))
      this.#release()
    })
    return !this.#isHeld
  }
}

function ignore(): void {}

const pingResponse = Buffer.from([0xd0, 0])

const nothing: object = Object.freeze({})

const noParser: AedesParser = { parse: () => 0, removeAllListeners() {}, _queue: null }

function expectNothing(bodyStart: number, end: number): void {
  if (bodyStart !== end) throw new ProtocolError('a packet is longer than it may be')
}

/** [MQTT-1.5.3-1] [MQTT-1.5.3-2] */
function isWellFormed(chunk: Buffer, start: number, end: number): boolean {
  return isUtf8(chunk.subarray(start, end))
}
