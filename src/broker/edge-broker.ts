/**
 * Aedes with its publish path replaced: routing is synchronous and in order, acknowledgements wait for the disk where something must be kept,
 * and topics of an in-process consumer never enter it. Why each of these is overridden is told in docs/decisions.
 */

import { Aedes, type AedesOptions, type Client } from 'aedes'
import { Delivery, type DeliveryFacts, encodePuback } from './delivery.ts'
import type { Persistence } from './persistence.ts'
import type { AedesClient, AedesPacket } from './surface.ts'
import { TopicRouter } from './topic-router.ts'

/** A PUBLISH whose PUBACK is ours to send: Aedes is shown QoS 0 and would otherwise acknowledge before anything is kept. */
interface InboundPacket extends AedesPacket {
  acknowledge?: number
}

type Done = (error?: Error | null) => void

export interface EdgeBrokerFacts {
  readonly options: AedesOptions
  readonly persistence: Persistence
  readonly delivery: Omit<DeliveryFacts, 'brokerId' | 'persistence'>
  readonly maxPacketBytes: number
  /** Takes a publication of a client out of routing; calls done when the connection may go on. */
  readonly intercept: (packet: AedesPacket, client: AedesClient, done: () => void) => boolean
  /** What must not be kept is refused with an error. */
  readonly checkRetained: (packet: AedesPacket) => Error | undefined
  readonly oversized: (client: AedesClient, bytes: number) => void
  readonly notStored: (client: AedesClient | undefined, error: Error) => void
  readonly subscribed: (filter: string, client: AedesClient) => void
}

function ignore(): void {}

export class EdgeBroker extends Aedes {
  readonly router: TopicRouter
  readonly #facts: EdgeBrokerFacts
  readonly #deliveries = new WeakMap<object, Delivery>()
  /** The message that is being routed, and those that its listeners publish. */
  readonly #unrouted: AedesPacket[] = []
  /** Aedes numbers messages; see `surface.ts` for what the number is used for. */
  declare counter: number
  /** Connected clients by client identifier. */
  declare readonly clients: Readonly<Record<string, AedesClient | undefined>>

  constructor(facts: EdgeBrokerFacts) {
    const router = new TopicRouter()
    super({ ...facts.options, mq: router, persistence: facts.persistence })
    this.router = router
    this.#facts = facts
    const aedesHandle = this.handle
    this.handle = (stream, request) => this.#adopt(aedesHandle.call(this, stream, request) as AedesClient)
    this.on('subscribe', (subscriptions, client) => this.#subscribed(subscriptions, client as AedesClient))
    this.on('unsubscribe', (_filters, client) => this.#deliveries.get(client)?.forgetGrants())
    this.on('clientReady', (client) => this.#restored(client as AedesClient))
  }

  /** Messages get numbers above all that wait in the store. */
  async open(): Promise<void> {
    await this.listen()
    this.counter = Math.max(this.counter, this.#facts.persistence.highestCounter)
  }

  /** To be called for each PUBLISH of a client that is allowed: from then on its PUBACK is ours. */
  takeOverAcknowledgement(packet: AedesPacket): void {
    if (packet.qos !== 1 || packet.messageId === undefined) return
    ;(packet as InboundPacket).acknowledge = packet.messageId
    packet.qos = 0
  }

  /** What fits into one chunk is read before `#limitPackets` sees its header; true when it is refused here. */
  isOversized(packet: AedesPacket, client: AedesClient): boolean {
    const announced = packet.length ?? 0
    if (announced <= this.#facts.maxPacketBytes) return false
    this.#facts.oversized(client, announced)
    return true
  }

  /** Accepts connections as `handle` does, with a packet limit and our way of delivering. */
  #adopt(client: AedesClient): Client {
    const { persistence, delivery: facts } = this.#facts
    const delivery = new Delivery(client, { ...facts, persistence, brokerId: this.id })
    this.#deliveries.set(client, delivery)
    client.deliver0 = client.deliverQoS = (packet, done) => delivery.deliver(packet, done)
    this.#limitPackets(client)
    return client
  }

  /** A packet that announces more than the limit is refused at its header, before its body is collected. */
  #limitPackets(client: AedesClient): void {
    const parser = client._parser
    const parse = parser.parse.bind(parser)
    parser.parse = (chunk: Buffer) => {
      const rest = parse(chunk)
      const announced = parser.packet?.length ?? 0
      if (announced > this.#facts.maxPacketBytes) {
        this.#facts.oversized(client, announced)
        client.conn.destroy()
      }
      return rest
    }
  }

  override publish(packet: unknown, client: unknown, callback?: Done): void {
    const done = typeof client === 'function' ? (client as Done) : (callback ?? ignore)
    const source = typeof client === 'function' || !client ? undefined : (client as AedesClient)
    const inbound = packet as InboundPacket
    const messageId = inbound.acknowledge
    if (messageId !== undefined) inbound.qos = 1
    if (source !== undefined && this.#facts.intercept(inbound, source, () => done(null))) {
      if (messageId !== undefined) this.#deliveries.get(source)?.write(encodePuback(messageId))
      return
    }
    if (levelsOf(inbound.topic) > 100) {
      done(new Error('topic has too many levels'))
      return
    }
    const refusal = inbound.retain ? this.#facts.checkRetained(inbound) : undefined
    const mustKeep = this.route(refusal === undefined ? inbound : { ...inbound, retain: false }, source)
    const finish = (error?: Error) => {
      if (error !== undefined) {
        // Without PUBACK or PUBREC the client sends it again, once it is back.
        this.#facts.notStored(source, error)
        source?.conn.destroy()
      } else if (messageId !== undefined && source !== undefined)
        this.#deliveries.get(source)?.write(encodePuback(messageId))
      done(error ?? null)
    }
    if (mustKeep && inbound.qos > 0) this.#facts.persistence.settled(finish)
    else finish()
  }

  /** Routes a message to everybody, synchronously; true when it is retained or queued, that is, on its way to the disk. */
  route(message: Omit<AedesPacket, 'brokerCounter' | 'cmd' | 'dup'>, source?: AedesClient): boolean {
    const { persistence } = this.#facts
    const packet: AedesPacket = {
      cmd: 'publish',
      brokerId: this.id,
      brokerCounter: ++this.counter,
      topic: message.topic,
      payload: message.payload,
      qos: message.qos,
      retain: message.retain,
      dup: false,
    }
    if (message.properties !== undefined) packet.properties = message.properties
    if (source !== undefined) packet.clientId = source.id
    if (packet.retain) persistence.retain(packet)
    const queued = packet.qos > 0 ? persistence.enqueueForSessions(packet) : 0
    this.#emit(packet)
    return packet.retain || queued > 0
  }

  /**
   * A listener may publish in turn: that message is routed when this one has reached everybody. Otherwise a client would see the second
   * before the first, and take the first for one that it has had.
   */
  #emit(packet: AedesPacket): void {
    this.#unrouted.push(packet)
    if (this.#unrouted.length > 1) return
    for (let next = this.#unrouted[0]; next !== undefined; next = this.#unrouted[0]) {
      this.router.emit(next)
      this.#unrouted.shift()
    }
  }

  /** Delivers to one client alone, past all routing. */
  deliverTo(
    client: AedesClient,
    message: { readonly topic: string; readonly payload: Buffer; readonly qos: 0 | 1 },
  ): void {
    const packet: AedesPacket = {
      cmd: 'publish',
      brokerId: this.id,
      brokerCounter: ++this.counter,
      retain: false,
      dup: false,
      ...message,
    }
    this.#deliveries.get(client)?.deliver(packet, ignore)
  }

  #subscribed(subscriptions: readonly { readonly topic: string }[], client: AedesClient): void {
    this.#deliveries.get(client)?.forgetGrants()
    for (const { topic } of subscriptions)
      if (client.subscriptions[topic] !== undefined) this.#facts.subscribed(topic, client)
  }

  /** A resumed session brings its subscriptions without subscribing. */
  #restored(client: AedesClient): void {
    for (const filter in client.subscriptions) this.#facts.subscribed(filter, client)
  }
}

function levelsOf(topic: string): number {
  let levels = 1
  for (let index = topic.indexOf('/'); index >= 0; index = topic.indexOf('/', index + 1)) levels++
  return levels
}
