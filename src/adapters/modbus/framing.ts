/** How requests and answers are framed: with a header over TCP, with a checksum on a serial line (Modbus over serial line V1.02). */

/** What of the bytes so far is an answer: its end, or nothing yet. */
export interface Framing {
  frame(unit: number, request: Buffer): Buffer
  /** The answer to the latest request, without its frame; undefined while bytes are missing. Throws when it can't become one. */
  unframe(bytes: Buffer): Buffer | undefined
}

export class TcpFraming implements Framing {
  #transaction = 0
  #unit = 0

  frame(unit: number, request: Buffer): Buffer {
    this.#transaction = (this.#transaction + 1) & 0xffff
    this.#unit = unit
    const header = Buffer.alloc(7)
    header.writeUInt16BE(this.#transaction, 0)
    header.writeUInt16BE(request.length + 1, 4)
    header.writeUInt8(unit, 6)
    return Buffer.concat([header, request])
  }

  /** Answers to requests that were given up come late: they are passed over. */
  unframe(bytes: Buffer): Buffer | undefined {
    for (let at = 0; bytes.length >= at + 8; ) {
      const length = bytes.readUInt16BE(at + 4)
      if (bytes.readUInt16BE(at + 2) !== 0 || length < 3 || length > 254)
        throw new Error('what answers does not speak Modbus')
      const end = at + 6 + length
      if (bytes.length < end) return undefined
      if (bytes.readUInt16BE(at) === this.#transaction && bytes[at + 6] === this.#unit)
        return bytes.subarray(at + 7, end)
      at = end
    }
    return undefined
  }
}

export class RtuFraming implements Framing {
  #unit = 0
  #function = 0

  frame(unit: number, request: Buffer): Buffer {
    this.#unit = unit
    this.#function = request[0] ?? 0
    const body = Buffer.concat([Buffer.from([unit]), request])
    return Buffer.concat([body, checksum(body)])
  }

  unframe(bytes: Buffer): Buffer | undefined {
    if (bytes.length < 3) return undefined
    const told = bytes[1] ?? 0
    if (bytes[0] !== this.#unit || (told & 0x7f) !== this.#function)
      throw new Error(
        `unit ${bytes[0]} answers function ${told & 0x7f} to a request for unit ${this.#unit}, function ${this.#function}`,
      )
    const length = told > 0x80 ? 5 : told <= 4 ? 5 + (bytes[2] ?? 0) : 8
    if (bytes.length < length) return undefined
    if (!checksum(bytes.subarray(0, length - 2)).equals(bytes.subarray(length - 2, length)))
      throw new Error('the checksum is wrong')
    return bytes.subarray(1, length - 2)
  }
}

/** CRC-16 with the polynomial 0xA001, the lower byte first. */
function checksum(bytes: Buffer): Buffer {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1
  }
  const sum = Buffer.alloc(2)
  sum.writeUInt16LE(crc)
  return sum
}
