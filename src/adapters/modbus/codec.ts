/** The words of Modbus (Application Protocol V1.1b3): requests and answers without their framing, and numbers in registers. */

export type Table = 'holding' | 'input' | 'coil' | 'discrete'

export const registerTypes = [
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'float32',
  'float64',
  'bit',
  'string',
] as const

export type RegisterType = (typeof registerTypes)[number]

/** In which order the bytes of 32 and 64 bits come: A is the highest. */
export const wordOrders = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const

export type WordOrder = (typeof wordOrders)[number]

const readFunctions: Readonly<Record<Table, number>> = { coil: 1, discrete: 2, holding: 3, input: 4 }

const exceptions: Readonly<Record<number, string>> = {
  1: 'does not know the function',
  2: 'has no such address',
  3: 'does not take that value',
  4: 'has failed',
  6: 'is busy',
  10: 'can not be reached through its gateway',
  11: 'does not answer its gateway',
}

/** The device answered that it does not do what was asked. */
export class ModbusException extends Error {
  readonly code: number

  constructor(code: number) {
    super(`the device ${exceptions[code] ?? `answers with exception ${code}`}`)
    this.code = code
  }
}

/** How many registers a value takes. */
export function registerCount(type: RegisterType, length = 1): number {
  if (type === 'string') return Math.ceil(length / 2)
  return type.endsWith('64') ? 4 : type.endsWith('32') ? 2 : 1
}

export function readRequest(table: Table, address: number, count: number): Buffer {
  const request = Buffer.alloc(5)
  request.writeUInt8(readFunctions[table], 0)
  request.writeUInt16BE(address, 1)
  request.writeUInt16BE(count, 3)
  return request
}

/** Function 5 for a coil, 6 for one register, 16 for several. */
export function writeRequest(table: 'holding' | 'coil', address: number, value: boolean | Buffer): Buffer {
  if (typeof value === 'boolean') {
    const request = Buffer.from([5, 0, 0, value ? 0xff : 0, 0])
    request.writeUInt16BE(address, 1)
    return request
  }
  if (table === 'coil') throw new Error('a coil is true or false')
  const head = Buffer.alloc(value.length === 2 ? 3 : 6)
  head.writeUInt8(value.length === 2 ? 6 : 16, 0)
  head.writeUInt16BE(address, 1)
  if (value.length === 2) return Buffer.concat([head, value])
  head.writeUInt16BE(value.length / 2, 3)
  head.writeUInt8(value.length, 5)
  return Buffer.concat([head, value])
}

/** The data of an answer to a request. Throws ModbusException for a refusal, an Error for what is no answer to it. */
export function readAnswer(request: Buffer, answer: Buffer): Buffer {
  const asked = request[0] ?? 0
  const told = answer[0] ?? 0
  if (told === (asked | 0x80)) throw new ModbusException(answer[1] ?? 0)
  if (told !== asked) throw new Error(`function ${asked} is answered by function ${told}`)
  if (asked > 4) return answer.subarray(1)
  const data = answer.subarray(2)
  const count = request.readUInt16BE(3)
  const expected = asked <= 2 ? Math.ceil(count / 8) : count * 2
  if (answer[1] !== data.length || data.length !== expected)
    throw new Error(`${data.length} bytes answer a request for ${expected}`)
  return data
}

/** A value out of the registers it takes. */
export function decodeRegisters(
  bytes: Buffer,
  type: RegisterType,
  order: WordOrder,
  bit = 0,
): number | boolean | string {
  if (type === 'string') return bytes.toString('latin1').replace(/[\0\s]+$/, '')
  if (type === 'bit') return ((bytes.readUInt16BE(0) >> bit) & 1) === 1
  const ordered = reorder(bytes, order)
  switch (type) {
    case 'int16':
      return ordered.readInt16BE(0)
    case 'uint16':
      return ordered.readUInt16BE(0)
    case 'int32':
      return ordered.readInt32BE(0)
    case 'uint32':
      return ordered.readUInt32BE(0)
    case 'int64':
      return Number(ordered.readBigInt64BE(0))
    case 'uint64':
      return Number(ordered.readBigUInt64BE(0))
    case 'float32':
      return Number(ordered.readFloatBE(0).toPrecision(7))
    case 'float64':
      return ordered.readDoubleBE(0)
  }
}

/** The registers of a number. Throws when the type can't hold it. */
export function encodeRegisters(value: number, type: RegisterType, order: WordOrder): Buffer {
  const bytes = Buffer.alloc(registerCount(type) * 2)
  switch (type) {
    case 'int16':
      bytes.writeInt16BE(value)
      break
    case 'uint16':
      bytes.writeUInt16BE(value)
      break
    case 'int32':
      bytes.writeInt32BE(value)
      break
    case 'uint32':
      bytes.writeUInt32BE(value)
      break
    case 'int64':
      bytes.writeBigInt64BE(BigInt(value))
      break
    case 'uint64':
      bytes.writeBigUInt64BE(BigInt(value))
      break
    case 'float32':
      bytes.writeFloatBE(value)
      break
    case 'float64':
      bytes.writeDoubleBE(value)
      break
    default:
      throw new Error(`a ${type} is not written`)
  }
  return reorder(bytes, order)
}

/** Its own inverse. `CDAB` has the words the other way round, `BADC` the bytes of each word, `DCBA` both. */
function reorder(bytes: Buffer, order: WordOrder): Buffer {
  const ordered = Buffer.from(bytes)
  if (order === 'BADC' || order === 'DCBA') ordered.swap16()
  if (order === 'ABCD' || order === 'BADC') return ordered
  const words: Buffer[] = []
  for (let at = ordered.length - 2; at >= 0; at -= 2) words.push(ordered.subarray(at, at + 2))
  return Buffer.concat(words)
}
