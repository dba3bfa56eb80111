/**
 * Everything of Aedes 1.2.0 that is used here and is not in its types, in one place: what each is, and what it is needed for. An upgrade of
 * Aedes begins with reading this file.
 */

import type { Duplex } from 'node:stream'
import type { Client } from 'aedes'

export type QoS = 0 | 1 | 2

/** A PUBLISH or PUBREL as Aedes passes it around (aedes-packet); `properties` are those of MQTT 5, carried along untouched. */
export interface AedesPacket {
  cmd: 'publish' | 'pubrel'
  brokerId?: string | null
  brokerCounter: number
  topic: string
  payload: Buffer
  qos: QoS
  retain: boolean
  dup: boolean
  messageId?: number | undefined
  clientId?: string
  nl?: boolean
  properties?: unknown
  /** Remaining length of the packet as it was read from the wire. */
  length?: number
}

export interface Subscription {
  topic: string
  qos: QoS
  rh?: number
  rap?: boolean
  nl?: boolean
}

/** What Aedes keeps for each connection (lib/client.js). */
export interface AedesClient extends Client {
  readonly conn: Duplex & { remoteAddress?: string; writableLength: number }
  /** Filters subscribed to, with the QoS that was granted: which QoS a delivery may have. */
  readonly subscriptions: Record<string, { readonly qos: QoS }>
  /** The last broker counter delivered, by broker: one message is delivered once, however many subscriptions match. */
  readonly duplicates: Record<string, number>
  /** The next message identifier for a QoS 1 or 2 delivery. */
  _nextId: number
  /** The parser of mqtt-packet, with the packet that it is reading: its length is known before its body arrives. */
  readonly _parser: { parse(chunk: Buffer): number; readonly packet?: { readonly length?: number } }
  /** What a subscription of this client calls with each message; set in the constructor and replaced by ours. */
  deliver0(packet: AedesPacket, done: () => void): void
  deliverQoS(packet: AedesPacket, done: () => void): void
  /** The keep-alive clock, restarted by each packet. */
  readonly _keepaliveTimer: NodeJS.Timeout | null
}

/** What Aedes' persistence interface calls a client: its identifier is all that is needed. */
export interface ClientReference {
  readonly id: string
}

/** The next free message identifier of a connection. [MQTT-2.3.1-1] */
export function nextMessageId(client: AedesClient): number {
  const messageId = client._nextId
  client._nextId = messageId >= 65_535 ? 1 : messageId + 1
  return messageId
}
