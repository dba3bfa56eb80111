/**
 * Everything of Aedes 1.2.0 that is used here and is not in its types, in one place: what each is, and what it is needed for. An upgrade of
 * Aedes begins with reading this file.
 */

import type { Duplex } from 'node:stream'
import type { Client } from 'aedes'

import type { QoS } from '../mqtt/wire.ts'

export type { QoS }

/** How Aedes says that a connection was closed because it sent no CONNECT. */
export const lateConnect = 'connect did not arrive in time'

/** What Aedes keeps for each connection (lib/client.js). */
export interface AedesClient extends Client {
  readonly conn: Duplex & { remoteAddress?: string }
  readonly closed: boolean
  /** Its CONNECT is being looked at; it was let in. */
  connecting: boolean
  connected: boolean
  /** Taken as this connection's last will when it is not undefined. */
  readonly will: AedesWill | null
  /**
   * Packets whose handling has not ended. Aedes handles a packet of a connection that is not ready only when this is 1 afterwards, and
   * adds one for each packet that its parser emits.
   */
  _parsingBatch: number
  /** What Aedes calls when it has handled a packet. */
  _nextBatch: (error?: Error | null) => void
  /** Aedes' own parser: it is given the CONNECT, and not needed after it. Aedes takes its listeners off when it closes the connection. */
  _parser: AedesParser
  /** DISCONNECT came: there will be no will. [MQTT-3.14.4-3] */
  _disconnected: boolean
  /** Takes off what listens for the end of the stream. */
  _eos: () => void
  /** Filters of the client, and the last message of each broker of a cluster, in Aedes' own way of delivering. */
  subscriptions: object
  duplicates: object
  /** The keep-alive clock, restarted by each packet. [MQTT-3.1.2-24] */
  readonly _keepaliveTimer: NodeJS.Timeout | null
  /** How Aedes delivers, and the QoS 2 messages that it has begun to take; set for each connection, whether used or not. */
  deliver0: unknown
  deliverQoS: unknown
  _inboundInflight: unknown
  /** Aedes would stop and go on with reading; reading is ours. */
  pause: () => void
  resume: () => void
}

export interface AedesParser {
  parse(bytes: Buffer): number
  removeAllListeners(): void
  /** Packets that came before CONNACK was sent; none, as we do not hand over any. */
  _queue: readonly unknown[] | null
}

/** The last will of a client, as mqtt-packet decodes it. */
export interface AedesWill {
  readonly topic: string
  readonly payload: Buffer
  readonly qos?: QoS
  readonly retain?: boolean
  readonly properties?: unknown
}

/** Of Aedes itself (aedes.js). */
export interface AedesInternals {
  readonly clients: Readonly<Record<string, Client>>
  /** Closes another client of its name, and remembers it. */
  registerClient(this: unknown, client: Client): void
  /** Forgets a client, whoever has its name by now. */
  unregisterClient(this: unknown, client: Client): void
  /** Announce that this broker lives, and publish the wills of others that do not: there are no others. */
  readonly _heartbeatInterval: NodeJS.Timeout
  readonly _clearWillInterval: NodeJS.Timeout
}
