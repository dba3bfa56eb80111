/** The packets of MQTT 3.1.1 that only a client sends (3.1, 3.8, 3.12, 3.14), and what a broker's refusal of a connection means (3.2.2.3). */

import { PacketType, type QoS } from './wire.ts'

export interface EncodableConnect {
  readonly clientId: string
  readonly isClean: boolean
  /** Silence after which the broker gives the client up is one and a half of it; 0 is never. */
  readonly keepAliveSeconds: number
  readonly username?: string
  readonly password?: string
}

/** MQTT 3.1.1 section 3.1. A password without a user is left out, as [MQTT-3.1.2-22] has it. */
export function encodeConnect({ clientId, isClean, keepAliveSeconds, username, password }: EncodableConnect): Buffer {
  const secret = username === undefined ? undefined : password
  const flags = (username === undefined ? 0 : 0x80) | (secret === undefined ? 0 : 0x40) | (isClean ? 2 : 0)
  return packet(PacketType.connect << 4, [
    text('MQTT'),
    Buffer.from([4, flags, keepAliveSeconds >> 8, keepAliveSeconds & 0xff]),
    text(clientId),
    ...(username === undefined ? [] : [text(username)]),
    ...(secret === undefined ? [] : [text(secret)]),
  ])
}

/** MQTT 3.1.1 section 3.8. */
export function encodeSubscribe(messageId: number, filters: readonly string[], qos: QoS): Buffer {
  return packet((PacketType.subscribe << 4) | 2, [
    Buffer.from([messageId >> 8, messageId & 0xff]),
    ...filters.flatMap((filter) => [text(filter), Buffer.from([qos])]),
  ])
}

export const pingRequest: Buffer = Buffer.from([PacketType.pingreq << 4, 0])
export const disconnection: Buffer = Buffer.from([PacketType.disconnect << 4, 0])

const refusals: ReadonlyMap<number, string> = new Map([
  [1, 'it does not speak MQTT 3.1.1'],
  [2, 'it does not take this client identifier'],
  [3, 'it is not available now'],
  [4, 'user or password are wrong'],
  [5, 'this user may not connect'],
])

/** What the return code of a CONNACK that is not 0 says. */
export function refusalOf(returnCode: number): string {
  return `the broker refuses the connection: ${refusals.get(returnCode) ?? `code ${returnCode}`}`
}

/** The codes of a CONNACK that trying again does not help against. */
export function isLasting(returnCode: number): boolean {
  return returnCode !== 3
}

function packet(header: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const length: number[] = []
  let rest = body.length
  do {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    rest >>>= 7
  } while (rest > 0)
  return Buffer.concat([Buffer.from([header, ...length]), body])
}

/** [MQTT-1.5.3-1] */
function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
}
