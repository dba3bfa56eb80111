/** What a CONNECT says, read to its last byte: what is wrong with it, and which of it is answered before the connection is closed. MQTT 3.1.1 section 3.1. */

import { ProtocolError, readString } from '../mqtt/wire.ts'

/** A CONNECT that is answered with a return code other than 0. MQTT 3.1.1 section 3.2.2.3. */
export class ConnectRefusal extends ProtocolError {
  readonly returnCode: 1 | 2

  constructor(returnCode: 1 | 2, text: string) {
    super(text)
    this.name = 'ConnectRefusal'
    this.returnCode = returnCode
  }
}

export interface ConnectRequest {
  readonly clientId: string
  readonly isClean: boolean
  /** 3 for MQTT 3.1, 4 for 3.1.1. */
  readonly protocolLevel: 3 | 4
  /** A bridge calls: the highest bit of the protocol level is set. */
  readonly isBridge: boolean
  readonly willTopic: string | undefined
}

const levels: Readonly<Record<string, 3 | 4>> = { MQTT: 4, MQIsdp: 3 }

/** Bits of the connect flags. */
const reserved = 0x01
const clean = 0x02
const will = 0x04
const willQos = 0x18
const willRetain = 0x20
const password = 0x40
const username = 0x80

/** Reads a CONNECT from its variable header to its end. Throws ProtocolError, or ConnectRefusal where an answer is due. */
export function readConnect(bytes: Buffer, start: number, end: number): ConnectRequest {
  const [name, levelAt] = readString(bytes, start, end)
  const level = levels[name]
  // [MQTT-3.1.2-1]
  if (level === undefined || levelAt + 4 > end) throw new ProtocolError('a CONNECT is not one of MQTT')
  const offered = bytes[levelAt] as number
  // [MQTT-3.1.2-2]
  if ((offered & 0x7f) !== level) throw new ConnectRefusal(1, 'a CONNECT is of another version')
  const flags = bytes[levelAt + 1] as number
  if (!areSound(flags)) throw new ProtocolError('a CONNECT has flags that contradict each other')

  let [clientId, at] = readString(bytes, levelAt + 4, end)
  let willTopic: string | undefined
  if ((flags & will) !== 0) {
    ;[willTopic, at] = readString(bytes, at, end)
    at = skipBinary(bytes, at, end)
  }
  if ((flags & username) !== 0) at = readString(bytes, at, end)[1]
  if ((flags & password) !== 0) at = skipBinary(bytes, at, end)
  if (at !== end) throw new ProtocolError('a CONNECT is longer than what it says')

  const isClean = (flags & clean) !== 0
  // [MQTT-3.1.3-8]: a session that is to be kept needs a name; before 3.1.1 every one did.
  if (clientId === '' && (!isClean || level === 3)) throw new ConnectRefusal(2, 'a CONNECT has no client identifier')
  return { clientId, isClean, protocolLevel: level, isBridge: offered > 0x7f, willTopic }
}

/** [MQTT-3.1.2-3] [MQTT-3.1.2-13] [MQTT-3.1.2-14] [MQTT-3.1.2-15] [MQTT-3.1.2-22] */
function areSound(flags: number): boolean {
  if ((flags & reserved) !== 0 || (flags & willQos) === willQos) return false
  if ((flags & will) === 0 && (flags & (willQos | willRetain)) !== 0) return false
  return (flags & password) === 0 || (flags & username) !== 0
}

function skipBinary(bytes: Buffer, at: number, end: number): number {
  const next = at + 2 <= end ? at + 2 + bytes.readUInt16BE(at) : end + 1
  if (next > end) throw new ProtocolError('a CONNECT is shorter than what it says')
  return next
}
