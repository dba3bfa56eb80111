/**
 * What is on its way to one client, and what it has begun to send: the queue, the window of unacknowledged messages, and the two halves of
 * QoS 2 (MQTT 3.1.1 sections 4.1, 4.3 and 4.4). A session that outlives its connection is on the disk as well; another one is memory only.
 */

import { encodeAcknowledgement, encodePublish, PacketType } from '../mqtt/wire.ts'
import { type Feed, Feeds } from './feed.ts'
import { IdentifierSet } from './identifier-set.ts'
import type { Message } from './message.ts'
import type { Outlet } from './outlet.ts'
import { type QueueBudget, type QueuedMessage, type QueueLimits, QueueRoom, toQueue } from './queued-message.ts'
import { inboundKey, queueKey, type SessionRecords } from './session-record.ts'
import type { QoS } from './surface.ts'

export interface SessionLimits extends QueueLimits {
  /** Messages to a client that may be unacknowledged at a time. */
  readonly maxInflight: number
}

export interface SessionFacts {
  readonly budget: QueueBudget
  readonly clientId: string
  readonly limits: SessionLimits
  /** Where it is recorded; undefined when it ends with its connection. */
  readonly records: SessionRecords | undefined
  /** A message found no room in the queue. */
  overflowed(clientId: string): void
}

/** In the window of a session that is not recorded, nothing has to be remembered of a message but how far it is. */
type InFlight = QueuedMessage | 'once' | 'exactly-once' | 'released'

/** Stand for collections that a session does not need yet; nothing is ever put into them. */
const nothing = new Map<number, never>()

export class Session {
  readonly clientId: string
  /** Filters, with the QoS granted. */
  readonly subscriptions = new Map<string, QoS>()
  readonly #facts: SessionFacts
  readonly #records: SessionRecords | undefined
  // Most sessions are idle: what they do not use is not made.
  /** By counter, in order; none of them has been sent. */
  #waiting: Map<number, QueuedMessage> = nothing
  /** By message identifier; sent and not acknowledged. */
  #inFlight: Map<number, InFlight> = nothing
  /** In flight and not written yet, in order: the first one is on its way to the disk. */
  #unwritten: QueuedMessage[] | undefined
  /** Message identifiers of QoS 2 messages from the client that wait for its PUBREL. */
  readonly #inbound = new IdentifierSet()
  #nextId = 1
  #feeds: Feeds | undefined
  #outlet: Outlet | undefined
  /** The name of the principal whose session it is; empty for nobody's. */
  owner = ''
  /** What came from a bridge does not go back to it, and it hears which messages are to be retained. */
  isBridge = false
  /** Under which topic a message is sent: another one where this is a bridge of ours. */
  #sentAs: ((topic: string) => string) | undefined
  #room: QueueRoom
  #maxInflight: number

  constructor(facts: SessionFacts) {
    this.#facts = facts
    this.clientId = facts.clientId
    this.#records = facts.records
    this.#room = new QueueRoom(facts.limits, facts.budget)
    this.#maxInflight = facts.limits.maxInflight
  }

  /** Makes it the queue of a bridge of ours. */
  bridge(sentAs: (topic: string) => string, limits: SessionLimits): void {
    this.isBridge = true
    this.#sentAs = sentAs
    this.#room = this.#room.within(limits)
    this.#maxInflight = limits.maxInflight
  }

  get isPersistent(): boolean {
    return this.#records !== undefined
  }

  get isConnected(): boolean {
    return this.#outlet !== undefined
  }

  get outlet(): Outlet | undefined {
    return this.#outlet
  }

  get queuedMessages(): number {
    return this.#waiting.size + this.#inFlight.size
  }

  /** Of payload. */
  get queuedBytes(): number {
    return this.#room.bytes
  }

  get inFlightMessages(): number {
    return this.#inFlight.size
  }

  get inbound(): Pick<IdentifierSet, 'has' | 'size' | typeof Symbol.iterator> {
    return this.#inbound
  }

  /** Everything that is recorded of the queue, in no order. */
  *queue(): Iterable<QueuedMessage> {
    for (const each of this.#inFlight.values()) if (typeof each === 'object') yield each
    for (const each of this.#waiting.values()) if (each.qos > 0) yield each
  }

  /** The client is there: what it has not acknowledged is sent again [MQTT-4.4.0-1], then what waits. */
  connect(outlet: Outlet): void {
    this.#outlet = outlet
    const again = [...this.#inFlight.values()].filter((each) => typeof each === 'object')
    const last = again.reduce((most, { counter }) => Math.max(most, counter), 0)
    // The disk does not hear of each identifier at QoS 1: what waits before something in flight was in flight itself.
    for (const queued of this.#waiting.values())
      if (queued.counter < last) {
        queued.isSent = true
        again.push(this.#takeOff(queued))
      }
    for (const each of again.sort((one, other) => one.counter - other.counter)) this.#launch(each)
    this.pump()
  }

  disconnect(outlet: Outlet): void {
    if (this.#outlet !== outlet) return
    this.#outlet = undefined
    this.#feeds?.clear()
    this.#feeds = undefined
    this.#unwritten = undefined
    for (const each of this.#waiting.values()) if (each.qos === 0) this.forget(each)
  }

  /** Takes a message at QoS 0: now, after what waits for its turn already, or never. */
  deliverOnce(message: Message): void {
    const outlet = this.#outlet
    if (outlet === undefined) return
    if (this.#isBehind && outlet.hasRoom) this.#waitOnce(message)
    else if (!this.isBridge) outlet.publishOrDrop(message.encode())
    else {
      const { payload, retain } = message
      const topic = this.#sentAs?.(message.topic) ?? message.topic
      outlet.publishOrDrop(encodePublish({ topic, payload, qos: 0, retain }))
    }
  }

  /** Messages wait that nothing may overtake. */
  get #isBehind(): boolean {
    return this.#waiting.size > 0 || this.#unwritten !== undefined
  }

  /** Half of the queue is for messages that were promised to arrive. */
  #waitOnce(message: Message): void {
    if (!this.#room.has(message, this.#waiting.size, 0.5)) {
      this.#facts.overflowed(this.clientId)
      this.#outlet?.fallBehind(message.payloadBytes)
    } else this.restore(toQueue(message, 0, this.isBridge && message.retain))
  }

  /** Takes a message at QoS 1 or 2. True when it is on its way to the disk. */
  offer(message: Message, qos: 1 | 2, retain = false, counter = message.counter): boolean {
    const outlet = this.#outlet
    if (this.#records === undefined) {
      if (outlet === undefined) return false
      if (this.#waiting.size === 0 && this.#mayTransmit(outlet)) {
        const messageId = this.#takeId()
        this.#makeInFlight().set(messageId, qos === 1 ? 'once' : 'exactly-once')
        const { topic, payload } = message
        outlet.publish(encodePublish({ topic, payload, qos, retain, messageId }))
        return false
      }
    }
    if (!this.#room.has(message, this.#waiting.size)) {
      this.#facts.overflowed(this.clientId)
      outlet?.fallBehind(message.payloadBytes)
      return false
    }
    const queued = toQueue(message, qos, retain, counter)
    if (this.#records === undefined) queued.isKept = true
    this.restore(queued)
    this.#records?.queue(this.clientId, queued, () => this.forget(queued))
    if (outlet !== undefined) {
      this.pump()
      if (queued.messageId === undefined && outlet.isStalled) outlet.fallBehind(message.payloadBytes)
    }
    return this.#records !== undefined
  }

  /** Takes a message as the disk has it. */
  restore(queued: QueuedMessage): void {
    if (queued.messageId === undefined) {
      if (this.#waiting === nothing) this.#waiting = new Map()
      this.#waiting.set(queued.counter, queued)
    } else this.#makeInFlight().set(queued.messageId, queued)
    this.#room.take(queued)
  }

  /** Answers a subscription with retained messages, each at the lower QoS of the two, and not faster than the client reads. */
  feed(filter: string, feed: Feed): void {
    const outlet = this.#outlet
    if (outlet === undefined) return
    this.#feeds ??= new Feeds({
      maySend: () => !this.#isBehind && this.#mayTransmit(outlet),
      send: (message, { qos, nextCounter }) =>
        this.#sendFed(outlet, message, Math.min(qos, message.qos) as QoS, nextCounter),
    })
    this.#feeds.set(filter, feed)
  }

  /** The filter is not subscribed to any more: nothing is begun to be sent because of it. [MQTT-3.10.4-2] */
  endFeed(filter: string): void {
    this.#feeds?.delete(filter)
  }

  #sendFed(outlet: Outlet, message: Message, qos: QoS, nextCounter: () => number): void {
    const topic = this.#sentAs?.(message.topic) ?? message.topic
    if (qos === 0) outlet.publish(encodePublish({ topic, payload: message.payload, qos, retain: true }))
    else this.offer(message, qos, true, nextCounter())
  }

  /** Sends what waits, as far as the window and the connection allow. */
  pump(): void {
    const outlet = this.#outlet
    if (outlet === undefined) return
    this.#pumpWaiting(outlet)
    this.#feeds?.run()
  }

  #pumpWaiting(outlet: Outlet): void {
    for (const queued of this.#waiting.values()) {
      if (queued.qos > 0) {
        if (!this.#mayTransmit(outlet)) return
        this.#launch(this.#takeOff(queued))
      } else {
        if (this.#unwritten !== undefined || !outlet.hasRoom) return
        this.forget(queued)
        this.#transmit(queued)
      }
    }
  }

  /** Out of the queue, into the window. */
  #takeOff(queued: QueuedMessage): QueuedMessage {
    const messageId = this.#takeId()
    queued.messageId = messageId
    this.#waiting.delete(queued.counter)
    this.#makeInFlight().set(messageId, queued)
    return queued
  }

  /** Writes a message, or its PUBREL, when what is before it has been written. [MQTT-4.6.0-4] */
  #launch(queued: QueuedMessage): void {
    if (!queued.isKept) this.#keep(queued)
    if (this.#unwritten !== undefined) this.#unwritten.push(queued)
    else if (queued.isKept) this.#transmit(queued)
    else this.#unwritten = [queued]
  }

  /**
   * A QoS 2 message is sent when its identifier is on the disk, and released when that is: what a client has heard of a message, the broker has
   * to know after a power cut, or the client hears of it twice. At QoS 1 it may. The change is one with that of the queue more often than not.
   */
  #keep(queued: QueuedMessage): void {
    const { isReleased } = queued
    this.#records?.update(this.clientId, queued)
    this.#records?.settled((error) => {
      if (queued.isReleased !== isReleased) return
      if (error === undefined) queued.isKept = true
      // It is tried again when the client comes back; what was never queued is not.
      else if (this.#isInFlight(queued)) this.#outlet?.close()
      this.#writeKept()
    })
  }

  #writeKept(): void {
    const unwritten = this.#unwritten
    if (unwritten === undefined) return
    const end = unwritten.findIndex(({ isKept }) => !isKept)
    for (const each of end < 0 ? unwritten : unwritten.splice(0, end)) this.#transmit(each)
    if (end >= 0) return
    this.#unwritten = undefined
    this.pump()
  }

  #isInFlight(queued: QueuedMessage): boolean {
    return queued.messageId !== undefined && this.#inFlight.get(queued.messageId) === queued
  }

  #mayTransmit(outlet: Outlet): boolean {
    return this.#inFlight.size < this.#maxInflight && outlet.hasRoom
  }

  #transmit(queued: QueuedMessage): void {
    const { message, qos, retain, messageId = 0, isSent, isReleased } = queued
    const { payload } = message
    const topic = this.#sentAs?.(message.topic) ?? message.topic
    if (isReleased) this.#outlet?.write(encodeAcknowledgement(PacketType.pubrel, messageId))
    else this.#outlet?.publish(encodePublish({ topic, payload, qos, retain, isDuplicate: isSent, messageId }))
    queued.isSent = true
  }

  /** PUBACK: a QoS 1 message has arrived. */
  acknowledged(messageId: number): void {
    const each = this.#inFlight.get(messageId)
    if (each === 'once' || (typeof each === 'object' && each.qos === 1)) this.#finish(messageId, each)
  }

  /** PUBREC: a QoS 2 message has arrived; it will not be sent again. [MQTT-4.3.3-1] */
  received(messageId: number): void {
    const each = this.#inFlight.get(messageId)
    if (each === 'exactly-once') this.#inFlight.set(messageId, 'released')
    else if (typeof each === 'object' && each.qos === 2 && !each.isReleased) {
      each.isReleased = true
      each.isKept = this.#records === undefined
      this.#launch(each)
      return
    }
    // It is said again, unless it is about to be said.
    if (typeof each === 'object' && !each.isKept) return
    this.#outlet?.write(encodeAcknowledgement(PacketType.pubrel, messageId))
  }

  /** PUBCOMP: a QoS 2 message is done with. */
  completed(messageId: number): void {
    const each = this.#inFlight.get(messageId)
    if (each === 'released' || (typeof each === 'object' && each.isReleased)) this.#finish(messageId, each)
  }

  #finish(messageId: number, each: InFlight): void {
    this.#outlet?.catchUp()
    this.#inFlight.delete(messageId)
    if (typeof each === 'object') {
      this.#room.release(each)
      this.#records?.remove(queueKey(this.clientId, each.counter))
    }
    if (this.#waiting.size > 0 || this.#feeds !== undefined) this.pump()
  }

  /** Takes a message out of the queue, in memory. */
  forget(queued: QueuedMessage): void {
    const { counter, messageId = 0 } = queued
    this.#unwritten = this.#unwritten?.filter((each) => each !== queued)
    const isThere = this.#waiting.delete(counter) || (this.#isInFlight(queued) && this.#inFlight.delete(messageId))
    if (isThere) this.#room.release(queued)
  }

  /** The session has ended. */
  forgetAll(): void {
    for (const each of this.#inFlight.values()) if (typeof each === 'object') this.#room.release(each)
    for (const each of this.#waiting.values()) this.#room.release(each)
    this.#inFlight = this.#waiting = nothing
  }

  #makeInFlight(): Map<number, InFlight> {
    if (this.#inFlight === nothing) this.#inFlight = new Map()
    return this.#inFlight
  }

  /** The next identifier that no unacknowledged message has. [MQTT-2.3.1-4] */
  #takeId(): number {
    let messageId = this.#nextId
    while (this.#inFlight.has(messageId)) messageId = messageId === 65_535 ? 1 : messageId + 1
    this.#nextId = messageId === 65_535 ? 1 : messageId + 1
    return messageId
  }

  /** A QoS 2 message of the client begins: false when it is known already. [MQTT-4.3.3-2] */
  beginInbound(messageId: number): boolean {
    if (this.#inbound.has(messageId)) return false
    this.restoreInbound(messageId)
    this.#records?.onUndo(() => this.#inbound.delete(messageId))
    this.#records?.put(inboundKey(this.clientId, messageId), '')
    return true
  }

  /** PUBREL: the client will not send it again. */
  endInbound(messageId: number): void {
    if (!this.#inbound.delete(messageId)) return
    this.#records?.onUndo(() => this.restoreInbound(messageId))
    this.#records?.remove(inboundKey(this.clientId, messageId))
  }

  restoreInbound(messageId: number): void {
    this.#inbound.add(messageId)
  }
}
