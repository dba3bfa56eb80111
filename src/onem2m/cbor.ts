/**
 * CBOR (RFC 8949) to and from the values that JSON has, as oneM2M uses it (TS-0004 8.4.4): maps with text keys, arrays, text, numbers,
 * booleans and null. Byte strings, tags and other simple values mean nothing there and end here.
 */

import type { Json } from './content.ts'
import { MAX_DEPTH } from './json.ts'
import { OneM2MError, Status } from './status.ts'

const Major = { UNSIGNED: 0, NEGATIVE: 1, TEXT: 3, ARRAY: 4, MAP: 5, SIMPLE: 7 } as const
const INDEFINITE = 31
const BREAK = 0xff
const FALSE = 0xf4
const TRUE = 0xf5
const NULL = 0xf6
const FLOAT_16 = 0xf9
const FLOAT_32 = 0xfa
const FLOAT_64 = 0xfb

/**
 * The value of exactly one data item. Integers beyond 2^53 lose digits, as they do in JSON.
 * Throws BAD_REQUEST naming `where` and the offset; time and memory are bounded by the length of `bytes`, whatever lengths it claims.
 */
export function decodeCbor(bytes: Buffer, where: string): Json {
  const reader = new Reader(bytes, where)
  const value = reader.item(0)
  reader.end()
  return value
}

class Reader {
  readonly #bytes: Buffer
  readonly #where: string
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  #at = 0

  constructor(bytes: Buffer, where: string) {
    this.#bytes = bytes
    this.#where = where
  }

  item(depth: number): Json {
    if (depth > MAX_DEPTH) throw this.#refused(`nested too deep, expected at most ${MAX_DEPTH} levels`)
    const initial = this.#take(1)[0] as number
    const major = initial >> 5
    const info = initial & 31
    switch (major) {
      case Major.UNSIGNED:
        return this.#argument(info)
      case Major.NEGATIVE:
        return -1 - this.#argument(info)
      case Major.TEXT:
        return info === INDEFINITE ? this.#chunkedText() : this.#text(info)
      case Major.ARRAY:
        return this.#array(info, depth)
      case Major.MAP:
        return this.#map(info, depth)
      case Major.SIMPLE:
        return this.#simple(initial)
      default:
        throw this.#refused(`major type ${major}, expected a number, text, array, map, true, false or null`)
    }
  }

  end(): void {
    if (this.#at < this.#bytes.length) throw this.#refused('more data after the first item')
  }

  #array(info: number, depth: number): Json[] {
    const items: Json[] = []
    const count = this.#count(info, 1)
    while (count === undefined ? !this.#takesBreak() : items.length < count) items.push(this.item(depth + 1))
    return items
  }

  #map(info: number, depth: number): Json {
    const members: Record<string, Json> = {}
    const count = this.#count(info, 2)
    for (let read = 0; count === undefined ? !this.#takesBreak() : read < count; read++) {
      const key = this.item(depth + 1)
      if (typeof key !== 'string') throw this.#refused('a map key that is not text')
      if (Object.hasOwn(members, key)) throw this.#refused(`member ${JSON.stringify(key.slice(0, 60))} twice`)
      const value = this.item(depth + 1)
      // Assignment to this one name would change the prototype instead.
      if (key === '__proto__')
        Object.defineProperty(members, key, { value, enumerable: true, configurable: true, writable: true })
      else members[key] = value
    }
    return members
  }

  /** How many follow, undefined for "until a break"; never more than there is data for, at `leastBytes` each. */
  #count(info: number, leastBytes: number): number | undefined {
    if (info === INDEFINITE) return undefined
    const count = this.#argument(info)
    if (count > (this.#bytes.length - this.#at) / leastBytes) throw this.#truncated()
    return count
  }

  #text(info: number): string {
    const bytes = this.#take(this.#argument(info))
    try {
      return this.#utf8.decode(bytes)
    } catch {
      throw this.#refused('text that is not UTF-8')
    }
  }

  /** RFC 8949 3.2.3: each chunk is text of its own and of definite length. */
  #chunkedText(): string {
    let text = ''
    while (!this.#takesBreak()) {
      const initial = this.#take(1)[0] as number
      if (initial >> 5 !== Major.TEXT) throw this.#refused('a chunk of text that is not text')
      text += this.#text(initial & 31)
    }
    return text
  }

  #simple(initial: number): Json {
    switch (initial) {
      case FALSE:
        return false
      case TRUE:
        return true
      case NULL:
        return null
      case FLOAT_16:
        return this.#finite(halfFloat(this.#take(2).readUInt16BE()))
      case FLOAT_32:
        return this.#finite(this.#take(4).readFloatBE())
      case FLOAT_64:
        return this.#finite(this.#take(8).readDoubleBE())
      default:
        throw this.#refused(`initial byte 0x${initial.toString(16)}, expected a number, true, false or null`)
    }
  }

  #finite(value: number): number {
    if (!Number.isFinite(value)) throw this.#refused(`number ${value}, expected a finite one`)
    return value
  }

  #argument(info: number): number {
    if (info < 24) return info
    switch (info) {
      case 24:
        return this.#take(1)[0] as number
      case 25:
        return this.#take(2).readUInt16BE()
      case 26:
        return this.#take(4).readUInt32BE()
      case 27:
        return Number(this.#take(8).readBigUInt64BE())
      default:
        throw this.#refused(`additional information ${info}`)
    }
  }

  #takesBreak(): boolean {
    if (this.#bytes[this.#at] !== BREAK) return false
    this.#at++
    return true
  }

  #take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw this.#truncated()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  #truncated(): OneM2MError {
    return this.#refused('the data ends too early')
  }

  #refused(reason: string): OneM2MError {
    return new OneM2MError(
      Status.BAD_REQUEST,
      `${this.#where}: not the CBOR that was expected (at byte ${this.#at}: ${reason})`,
    )
  }
}

/** RFC 8949 appendix D. */
function halfFloat(bits: number): number {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  const magnitude =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction === 0
          ? Number.POSITIVE_INFINITY
          : Number.NaN
        : (fraction + 1024) * 2 ** (exponent - 25)
  return bits & 0x8000 ? -magnitude : magnitude
}

/** One data item of definite length: integers as such, other numbers as 32 bit floats where nothing is lost, else 64 (TS-0004 8.4.4). */
export function encodeCbor(value: Json): Buffer {
  const writer = new Writer()
  writer.item(value)
  return writer.bytes
}

class Writer {
  #buffer = Buffer.allocUnsafe(512)
  #length = 0

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  item(value: Json): void {
    if (typeof value === 'string') this.#text(value)
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'boolean' || value === null) this.#byte(value === null ? NULL : value ? TRUE : FALSE)
    else if (Array.isArray(value)) {
      this.#head(Major.ARRAY, value.length)
      for (const item of value) this.item(item)
    } else {
      const members = Object.entries(value)
      this.#head(Major.MAP, members.length)
      for (const [key, member] of members) {
        this.#text(key)
        this.item(member)
      }
    }
  }

  #text(text: string): void {
    const length = Buffer.byteLength(text)
    this.#head(Major.TEXT, length)
    this.#reserve(length)
    this.#length += this.#buffer.write(text, this.#length)
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value)) {
      if (value < 0) this.#head(Major.NEGATIVE, -1 - value)
      else this.#head(Major.UNSIGNED, value)
    } else if (Math.fround(value) === value) {
      this.#byte(FLOAT_32)
      this.#reserve(4)
      this.#length = this.#buffer.writeFloatBE(value, this.#length)
    } else {
      this.#byte(FLOAT_64)
      this.#reserve(8)
      this.#length = this.#buffer.writeDoubleBE(value, this.#length)
    }
  }

  #head(major: number, argument: number): void {
    this.#reserve(9)
    const size = argument < 24 ? 0 : argument < 0x100 ? 1 : argument < 0x1_0000 ? 2 : argument < 0x1_0000_0000 ? 4 : 8
    const info = size === 0 ? argument : 24 + Math.log2(size)
    this.#buffer[this.#length++] = (major << 5) | info
    if (size === 8) this.#length = this.#buffer.writeBigUInt64BE(BigInt(argument), this.#length)
    else if (size > 0) this.#length = this.#buffer.writeUIntBE(argument, this.#length, size)
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = byte
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#length + length))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}
