/**
 * Messages to one connection: at which QoS, once however many subscriptions match, encoded once for all connections, in one write per turn of
 * the event loop, and never without a bound. It takes the place of the two delivery functions of an Aedes client.
 */

import { matchesFilter } from './filter-tree.ts'
import type { Persistence } from './persistence.ts'
import { type AedesClient, type AedesPacket, nextMessageId, type QoS } from './surface.ts'

export interface DeliveryFacts {
  readonly persistence: Persistence
  readonly brokerId: string
  /** Unsent bytes of a connection beyond which QoS 0 messages to it are dropped. */
  readonly dropBytes: number
  /** Unsent bytes beyond which the connection is closed. */
  readonly closeBytes: number
  /** False when the client may not have this message. */
  mayReceive(client: AedesClient, packet: AedesPacket): boolean
  dropped(client: AedesClient): void
  tooSlow(client: AedesClient): void
}

const rememberedGrants = 200

export class Delivery {
  readonly #facts: DeliveryFacts
  readonly #client: AedesClient
  #grants = new Map<string, QoS>()
  #unsent: Buffer[] = []
  #unsentBytes = 0

  constructor(client: AedesClient, facts: DeliveryFacts) {
    this.#client = client
    this.#facts = facts
  }

  /** Subscriptions changed: the QoS granted for a topic may be another one now. */
  forgetGrants(): void {
    this.#grants = new Map()
  }

  /** Delivers a message unless it was delivered for another subscription; `done` is called before this returns. */
  deliver(packet: AedesPacket, done: () => void): void {
    if (this.#isFirst(packet) && this.#facts.mayReceive(this.#client, packet)) this.#send(packet)
    done()
  }

  /** Writes with everything else that this turn of the event loop has for the connection. */
  write(bytes: Buffer): void {
    if (this.#unsent.length === 0) setImmediate(() => this.#flush())
    this.#unsent.push(bytes)
    this.#unsentBytes += bytes.length
  }

  #flush(): void {
    const chunks = this.#unsent
    this.#unsent = []
    this.#unsentBytes = 0
    const { conn } = this.#client
    if (conn.destroyed || !conn.writable) return
    conn.write(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))
  }

  /** One message carries one counter. [MQTT-3.3.5-1] allows a copy for each subscription; one is what people expect. */
  #isFirst(packet: AedesPacket): boolean {
    const { brokerId, brokerCounter } = packet
    if (!brokerId) return true
    const { duplicates } = this.#client
    if ((duplicates[brokerId] ?? 0) >= brokerCounter) return false
    duplicates[brokerId] = brokerCounter
    return true
  }

  #send(packet: AedesPacket): void {
    const client = this.#client
    const backlog = client.conn.writableLength + this.#unsentBytes
    const qos = Math.min(packet.qos, this.#granted(packet.topic)) as QoS
    if (backlog > this.#facts.closeBytes) {
      this.#facts.tooSlow(client)
      return
    }
    if (qos === 0) {
      if (backlog > this.#facts.dropBytes) this.#facts.dropped(client)
      else this.write(encodePublish(packet, 0, undefined))
      return
    }
    const messageId = nextMessageId(client)
    if (!client.clean) this.#noteSent(packet, qos, messageId)
    this.write(encodePublish(packet, qos, messageId))
  }

  /** What a persistent session was sent stays queued until it is acknowledged. */
  #noteSent(packet: AedesPacket, qos: QoS, messageId: number): void {
    const { persistence } = this.#facts
    const session = persistence.sessions.obtain(this.#client.id)
    const { brokerCounter } = packet
    if (!session.queue.has(brokerCounter))
      persistence.enqueueFor(session, { ...packet, brokerId: this.#facts.brokerId, qos, messageId: undefined })
    persistence.markSent(session, brokerCounter, messageId)
  }

  /** The highest QoS of the subscriptions that match. MQTT 3.1.1 section 3.3.5. */
  #granted(topic: string): QoS {
    let granted = this.#grants.get(topic)
    if (granted === undefined) {
      granted = 0
      const { subscriptions } = this.#client
      for (const filter in subscriptions) {
        const qos = subscriptions[filter]?.qos ?? 0
        if (qos > granted && matchesFilter(filter, topic)) granted = qos
      }
      if (this.#grants.size >= rememberedGrants) this.#grants.clear()
      this.#grants.set(topic, granted)
    }
    return granted
  }
}

/** The bytes of a PUBLISH. MQTT 3.1.1 section 3.3. */
export function encodePublish(packet: AedesPacket, qos: QoS, messageId: number | undefined): Buffer {
  const { topic, payload } = packet
  const topicLength = Buffer.byteLength(topic)
  const remaining = 2 + topicLength + (qos > 0 ? 2 : 0) + payload.length
  const lengthBytes = remaining < 128 ? 1 : remaining < 16_384 ? 2 : remaining < 2_097_152 ? 3 : 4
  const bytes = Buffer.allocUnsafe(1 + lengthBytes + remaining)
  bytes[0] = 0x30 | (qos << 1) | (packet.retain ? 1 : 0)
  let at = 1
  for (let rest = remaining; at <= lengthBytes; at++) {
    bytes[at] = (rest & 0x7f) | (at < lengthBytes ? 0x80 : 0)
    rest >>>= 7
  }
  at = bytes.writeUInt16BE(topicLength, at)
  at += bytes.write(topic, at)
  if (messageId !== undefined) at = bytes.writeUInt16BE(messageId, at)
  payload.copy(bytes, at)
  return bytes
}

/** The bytes of a PUBACK. MQTT 3.1.1 section 3.4. */
export function encodePuback(messageId: number): Buffer {
  return Buffer.from([0x40, 2, messageId >> 8, messageId & 0xff])
}
