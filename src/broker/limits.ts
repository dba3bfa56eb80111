/** Every bound of the broker, and what each is on a board with 512 MB. What happens at a bound is said with it. */

import { levelsOf, ProtocolError } from '../mqtt/wire.ts'
import type { AllowanceLimits } from './allowance.ts'
import type { RetainedLimits } from './retained.ts'
import type { SessionTableLimits } from './session-table.ts'

export interface BrokerLimits extends SessionTableLimits, RetainedLimits, AllowanceLimits {
  /** A larger packet closes its connection at its header. */
  readonly maxPacketBytes: number
  /** A PUBLISH beyond these closes its connection, a SUBSCRIBE is answered with 0x80. */
  readonly maxTopicLevels: number
  readonly maxTopicBytes: number
  /** A longer one is refused. */
  readonly maxClientIdBytes: number
  /** Packets that have come in part; with more, the one that takes longest closes its connection. */
  readonly maxUnfinishedBytes: number
  /** One more is answered with 0x80. */
  readonly maxSubscriptionsPerClient: number
  /** Inbound QoS 2 messages that wait for PUBREL; one more closes the connection. */
  readonly maxInflightInbound: number
  /** How long a connection may take to send its CONNECT. */
  readonly connectTimeoutMs: number
  /** Unsent bytes of one connection beyond which QoS 0 messages are dropped and others wait in their queue. */
  readonly slowConsumerDropBytes: number
  /** How many bytes a connection may be behind, dropped ones included, before it is closed. */
  readonly slowConsumerCloseBytes: number
  /** Responses to clients that have not subscribed yet; the oldest goes first. */
  readonly maxParkedMessages: number
  readonly maxParkedBytes: number
}

/** Messages of one sender that are on their way to the disk beyond which no more is read from it. */
export const mostUnkept = 256

/** A client went beyond a bound; the text names its key. */
export class BoundError extends ProtocolError {
  override readonly name = 'BoundError'
}

/** Which bound a topic or filter goes beyond; undefined when none. */
export function topicExcess(
  topic: string,
  { maxTopicBytes, maxTopicLevels }: Pick<BrokerLimits, 'maxTopicBytes' | 'maxTopicLevels'>,
): string | undefined {
  if (Buffer.byteLength(topic) > maxTopicBytes) return 'a topic is longer than mqtt.max_topic_size'
  if (levelsOf(topic) > maxTopicLevels) return 'a topic has more levels than mqtt.max_topic_levels'
  return undefined
}

const day = 86_400_000

export const defaultBrokerLimits: BrokerLimits = {
  maxConnections: 1000,
  maxConnecting: 100,
  maxConnectionsPerAddress: 100,
  maxConnectRate: 10,
  maxMessageRate: 1000,
  maxByteRate: 1_048_576,
  maxPacketBytes: 262_144,
  maxTopicLevels: 100,
  maxTopicBytes: 1024,
  maxClientIdBytes: 256,
  maxUnfinishedBytes: 16 * 1_048_576,
  maxSubscriptionsPerClient: 1000,
  maxSubscriptionsTotalBytes: 32 * 1_048_576,
  maxRetainedMessages: 10_000,
  maxRetainedBytes: 16 * 1_048_576,
  maxInflight: 1000,
  maxInflightInbound: 10_000,
  maxQueuedMessages: 1000,
  maxQueuedBytes: 4 * 1_048_576,
  maxQueuedTotalBytes: 64 * 1_048_576,
  maxSessions: 1000,
  sessionExpiryMs: 7 * day,
  connectTimeoutMs: 10_000,
  slowConsumerDropBytes: 262_144,
  slowConsumerCloseBytes: 4 * 1_048_576,
  maxParkedMessages: 1000,
  maxParkedBytes: 4 * 1_048_576,
}
