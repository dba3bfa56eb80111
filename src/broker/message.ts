/**
 * A message on its way through the broker, and how its bytes are shared: a QoS 0 message leaves as the very bytes it came in, is encoded at
 * most once for all who get it, unless it is retained, and is copied only when somebody has to keep it.
 */

import { ownCopy } from '../mqtt/own-copy.ts'
import { encodePublish } from '../mqtt/wire.ts'
import type { QoS } from './surface.ts'

export interface MessageParts {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain: boolean
  /** Those of MQTT 5, carried along untouched. */
  readonly properties?: unknown
}

export class Message implements MessageParts {
  readonly topic: string
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: unknown
  /** The place in the order in which the broker took its messages; 0 until it has. */
  counter = 0
  #payload: Buffer | undefined
  /** The bytes of the packet it came in, and of the chunk that was read with it. */
  #chunk: Buffer | undefined
  readonly #start: number
  readonly #payloadStart: number
  readonly #end: number
  #encoded: Buffer | undefined
  #isKept: boolean

  private constructor(
    parts: Omit<MessageParts, 'payload'>,
    payload: Buffer | undefined,
    chunk?: Buffer,
    start = 0,
    payloadStart = 0,
    end = 0,
  ) {
    this.topic = parts.topic
    this.qos = parts.qos
    this.retain = parts.retain
    this.properties = parts.properties
    this.#payload = payload
    this.#chunk = chunk
    this.#start = start
    this.#payloadStart = payloadStart
    this.#end = end
    // What was made here may lie among other bytes as well.
    this.#isKept = payload !== undefined && payload.buffer.byteLength === payload.length
  }

  /** The payload belongs to the message from now on. */
  static of(parts: MessageParts): Message {
    return new Message(parts, parts.payload)
  }

  /** A message as it lies in a chunk of bytes, from its fixed header to its end. */
  static received(
    parts: Omit<MessageParts, 'payload'>,
    chunk: Buffer,
    start: number,
    payloadStart: number,
    end: number,
  ): Message {
    return new Message(parts, undefined, chunk, start, payloadStart, end)
  }

  /** May be a view of more bytes; `keep` first what stays. */
  get payload(): Buffer {
    this.#payload ??= (this.#chunk as Buffer).subarray(this.#payloadStart, this.#end)
    return this.#payload
  }

  get payloadBytes(): number {
    return this.#payload?.length ?? this.#end - this.#payloadStart
  }

  /** Makes the payload a copy of its own, once. */
  keep(): this {
    if (this.#isKept) return this
    this.#payload = ownCopy(this.payload)
    this.#chunk = undefined
    this.#encoded = undefined
    this.#isKept = true
    return this
  }

  /** The bytes of a PUBLISH at QoS 0 without RETAIN; the same for everybody. */
  encode(): Buffer {
    if (this.#encoded !== undefined) return this.#encoded
    const isAsReceived = this.#chunk !== undefined && this.qos === 0 && !this.retain
    const encoded = isAsReceived
      ? (this.#chunk as Buffer).subarray(this.#start, this.#end)
      : encodePublish({ topic: this.topic, payload: this.payload, qos: 0, retain: false })
    // What stays does not stay twice.
    if (!this.#isKept) this.#encoded = encoded
    return encoded
  }
}
