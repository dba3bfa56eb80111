/** The bytes of those packets of MQTT 3.1.1 that brokers and clients exchange in numbers: section 2 (fixed header), 3.3 to 3.11. */

import { isUtf8 } from 'node:buffer'

export type QoS = 0 | 1 | 2

export const PacketType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
} as const

/** A client broke the protocol; its connection is closed. [MQTT-4.8.0-1] */
export class ProtocolError extends Error {
  constructor(text: string) {
    super(text)
    this.name = 'ProtocolError'
  }
}

export interface EncodablePublish {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain: boolean
  readonly isDuplicate?: boolean
  readonly messageId?: number
}

/** MQTT 3.1.1 section 3.3. */
export function encodePublish({ topic, payload, qos, retain, isDuplicate, messageId }: EncodablePublish): Buffer {
  const topicBytes = Buffer.byteLength(topic)
  const remaining = 2 + topicBytes + (qos > 0 ? 2 : 0) + payload.length
  const lengthBytes = remaining < 128 ? 1 : remaining < 16_384 ? 2 : remaining < 2_097_152 ? 3 : 4
  const bytes = Buffer.allocUnsafe(1 + lengthBytes + remaining)
  bytes[0] = 0x30 | (isDuplicate === true ? 8 : 0) | (qos << 1) | (retain ? 1 : 0)
  let at = 1
  for (let rest = remaining; at <= lengthBytes; at++) {
    bytes[at] = (rest & 0x7f) | (at < lengthBytes ? 0x80 : 0)
    rest >>>= 7
  }
  bytes[at++] = topicBytes >> 8
  bytes[at++] = topicBytes & 0xff
  at += bytes.write(topic, at)
  if (qos > 0) {
    const id = messageId as number
    bytes[at++] = id >> 8
    bytes[at++] = id & 0xff
  }
  bytes.set(payload, at)
  return bytes
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP. MQTT 3.1.1 sections 3.4 to 3.7. */
export function encodeAcknowledgement(type: 4 | 5 | 6 | 7, messageId: number): Buffer {
  // [MQTT-3.6.1-1]: PUBREL carries a flag that the others do not have.
  const flags = type === PacketType.pubrel ? 2 : 0
  return Buffer.from([(type << 4) | flags, 2, messageId >> 8, messageId & 0xff])
}

export function encodeSuback(messageId: number, granted: readonly (QoS | 128)[]): Buffer {
  return Buffer.from([0x90, ...lengthOf(2 + granted.length), messageId >> 8, messageId & 0xff, ...granted])
}

export function encodeUnsuback(messageId: number): Buffer {
  return Buffer.from([0xb0, 2, messageId >> 8, messageId & 0xff])
}

function lengthOf(remaining: number): number[] {
  const bytes: number[] = []
  let rest = remaining
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    rest >>>= 7
  } while (rest > 0)
  return bytes
}

/** A UTF-8 string with its length before it. [MQTT-1.5.3-1] [MQTT-1.5.3-2] */
export function readString(bytes: Buffer, at: number, end: number): readonly [text: string, next: number] {
  if (at + 2 > end) throw new ProtocolError('a string has no length')
  const next = at + 2 + bytes.readUInt16BE(at)
  if (next > end) throw new ProtocolError('a string is longer than its packet')
  const encoded = bytes.subarray(at + 2, next)
  if (!isUtf8(encoded)) throw new ProtocolError('a string is not UTF-8')
  const text = encoded.toString()
  if (text.includes('\0')) throw new ProtocolError('a string holds U+0000')
  return [text, next]
}

/**
 * Where the topic of a PUBLISH ends, which begins two bytes into its body; a message identifier follows at QoS 1 and 2, then the payload.
 * Throws ProtocolError when its flags or lengths can't be.
 */
export function endOfTopic(bytes: Buffer, header: number, bodyStart: number, end: number): number {
  const qos = (header >> 1) & 3
  // [MQTT-3.3.1-4]
  if (qos === 3) throw new ProtocolError('a PUBLISH has a QoS that there is not')
  // [MQTT-3.3.1-2]
  if (qos === 0 && (header & 8) !== 0) throw new ProtocolError('a PUBLISH at QoS 0 is a duplicate')
  const topicEnd =
    bodyStart + 2 <= end
      ? bodyStart + 2 + (((bytes[bodyStart] as number) << 8) | (bytes[bodyStart + 1] as number))
      : end + 1
  if ((qos === 0 ? topicEnd : topicEnd + 2) > end) throw new ProtocolError('a PUBLISH is shorter than its topic')
  return topicEnd
}

/**
 * What has to be known of a PUBLISH to acknowledge it unread, from the beginning of one up to `known`; undefined when that is not enough. Throws
 * ProtocolError when it can't be one.
 */
export function readUnread(
  bytes: Buffer,
  start: number,
  bodyStart: number,
  known: number,
): { readonly topic: Buffer; readonly qos: QoS; readonly messageId: number } | undefined {
  const header = bytes[start] as number
  if (header >> 4 !== PacketType.publish) throw new ProtocolError('a packet is larger than mqtt.max_packet_size')
  if (known < bodyStart + 2) return undefined
  const topicEnd = bodyStart + 2 + bytes.readUInt16BE(bodyStart)
  const qos = ((header >> 1) & 3) as QoS
  if (known < topicEnd + 2) return undefined
  const messageId = qos === 0 ? 0 : readMessageId(bytes, topicEnd, known)
  return { topic: bytes.subarray(bodyStart + 2, topicEnd), qos, messageId }
}

/** Message identifiers are not zero. [MQTT-2.3.1-1] */
export function readMessageId(bytes: Buffer, at: number, end: number): number {
  const messageId = at + 2 <= end ? bytes.readUInt16BE(at) : 0
  if (messageId === 0) throw new ProtocolError('a packet has no message identifier')
  return messageId
}

/** The message identifier that is all of an acknowledgement. */
export function readOnlyId(bytes: Buffer, at: number, end: number): number {
  if (end !== at + 2) throw new ProtocolError('an acknowledgement is not two bytes long')
  return readMessageId(bytes, at, end)
}

export interface FilterRequest {
  readonly filter: string
  readonly qos: QoS
}

/** Filters of a SUBSCRIBE, with the QoS asked for. MQTT 3.1.1 section 3.8. */
export function readSubscribe(bytes: Buffer, start: number, end: number): readonly FilterRequest[] {
  const requests: FilterRequest[] = []
  for (let at = start + 2; at < end; ) {
    const [filter, next] = readString(bytes, at, end)
    const qos = next < end ? (bytes[next] as number) : 3
    // [MQTT-3-8.3-4]
    if (qos > 2) throw new ProtocolError('a SUBSCRIBE asks for a QoS that there is not')
    requests.push({ filter: asFilter(filter), qos: qos as QoS })
    at = next + 1
  }
  // [MQTT-3.8.3-3]
  if (requests.length === 0) throw new ProtocolError('a SUBSCRIBE names no filter')
  return requests
}

/** Filters of an UNSUBSCRIBE. MQTT 3.1.1 section 3.10. */
export function readUnsubscribe(bytes: Buffer, start: number, end: number): readonly string[] {
  const filters: string[] = []
  for (let at = start + 2; at < end; ) {
    const [filter, next] = readString(bytes, at, end)
    filters.push(asFilter(filter))
    at = next
  }
  // [MQTT-3.10.3-2]
  if (filters.length === 0) throw new ProtocolError('an UNSUBSCRIBE names no filter')
  return filters
}

/** Wildcards stand for whole levels, `#` for the last one. [MQTT-4.7.1-2] [MQTT-4.7.1-3] */
function asFilter(filter: string): string {
  // [MQTT-4.7.3-1]
  if (filter === '') throw new ProtocolError('a filter is empty')
  if (/[^/][+#]|[+#][^/]|#./.test(filter)) throw new ProtocolError('a wildcard does not stand for a whole level')
  return filter
}

/** What makes a topic name unfit to be published to; undefined when nothing does. [MQTT-3.3.2-1] [MQTT-3.3.2-2] [MQTT-4.7.3-1] */
export function topicFault(topic: string): string | undefined {
  if (topic === '') return 'a topic is empty'
  if (/[+#\0]/.test(topic)) return 'a topic holds a wildcard or U+0000'
  return undefined
}

export function levelsOf(topic: string): number {
  let levels = 1
  for (let index = topic.indexOf('/'); index >= 0; index = topic.indexOf('/', index + 1)) levels++
  return levels
}
