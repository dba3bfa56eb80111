/** A message on its way to one client, how far it is, and how much room those that wait may take: for one client, and for all together. */

import type { Message } from './message.ts'
import type { QoS } from './surface.ts'

/** At QoS 0 it waits for what is before it, as long as the connection lasts. */
export interface QueuedMessage {
  readonly counter: number
  readonly message: Message
  readonly qos: QoS
  readonly retain: boolean
  messageId: number | undefined
  /** It was written to some connection: from now on it is a duplicate. [MQTT-3.3.1-1] */
  isSent: boolean
  /** Its PUBREC came, a PUBREL takes its place. */
  isReleased: boolean
  /** At QoS 2: the disk knows its identifier, and whether it is released; until then nothing of it is sent, nor of what follows it. */
  isKept: boolean
}

export function toQueue(message: Message, qos: QoS, retain: boolean, counter = message.counter): QueuedMessage {
  const how = { messageId: undefined, isSent: false, isReleased: false, isKept: qos < 2 }
  return { counter, message: message.keep(), qos, retain, ...how }
}

export interface QueueLimits {
  /** Messages, and bytes of payload, that may wait for a client. The newest is dropped when there is no room. */
  readonly maxQueuedMessages: number
  readonly maxQueuedBytes: number
}

/** What waits for all clients together. */
export interface QueueBudget {
  usedBytes: number
  readonly maxBytes: number
}

/** What it costs to hold a message, beside its payload. */
const holdingBytes = 300

export class QueueRoom {
  /** Of payload. */
  bytes = 0
  readonly #limits: QueueLimits
  readonly #budget: QueueBudget

  constructor(limits: QueueLimits, budget: QueueBudget) {
    this.#limits = limits
    this.#budget = budget
  }

  /** Whether there is room for one more among so many, in this part of it. */
  has({ payloadBytes }: Message, waiting: number, part = 1): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.#limits
    const { usedBytes, maxBytes } = this.#budget
    return (
      waiting < part * maxQueuedMessages &&
      this.bytes + payloadBytes <= part * maxQueuedBytes &&
      usedBytes + payloadBytes + holdingBytes <= part * maxBytes
    )
  }

  take({ message }: QueuedMessage): void {
    this.bytes += message.payloadBytes
    this.#budget.usedBytes += message.payloadBytes + holdingBytes
  }

  release({ message }: QueuedMessage): void {
    this.bytes -= message.payloadBytes
    this.#budget.usedBytes -= message.payloadBytes + holdingBytes
  }

  /** The same room with other limits. */
  within(limits: QueueLimits): QueueRoom {
    const room = new QueueRoom(limits, this.#budget)
    room.bytes = this.bytes
    return room
  }
}
