/** Where one MQTT packet ends and the next begins in a stream of chunks, and that a packet too large is refused at its header. */

import { ownCopy } from './own-copy.ts'
import { ProtocolError } from './wire.ts'

/** A packet larger than the limit; nothing of it is kept. */
export class OversizedError extends Error {
  readonly bytes: number

  constructor(bytes: number) {
    super('a packet is larger than mqtt.max_packet_size')
    this.name = 'OversizedError'
    this.bytes = bytes
  }
}

/** Handles one packet, from its fixed header to its end; false stops reading until `resume`. */
export type FrameHandler = (chunk: Buffer, start: number, bodyStart: number, end: number) => boolean

/**
 * Hears of a packet that is too large, from its fixed header to what has come of it; true when no more of it is wanted, so that the rest is passed over
 * as it comes.
 */
export type OversizeHandler = (chunk: Buffer, start: number, bodyStart: number, known: number) => boolean

export class FrameReader {
  readonly #maxBytes: number
  readonly #handle: FrameHandler
  readonly #handleOversized: OversizeHandler | undefined
  /** What is still to come of a packet that is passed over. */
  #skippedBytes = 0
  /** What was not handled yet: the first `#restBytes` of a buffer that may be longer. */
  #rest: Buffer = nothing
  #restBytes = 0
  /** Bytes that the packet which `#rest` begins with has, when that is known. */
  #wantedBytes = 0

  /** Without `handleOversized` a packet that is too large is an error. */
  constructor(maxBytes: number, handle: FrameHandler, handleOversized?: OversizeHandler) {
    this.#maxBytes = maxBytes
    this.#handle = handle
    this.#handleOversized = handleOversized
  }

  /** What is held of a packet that is not whole, or not handled yet. */
  get heldBytes(): number {
    return this.#rest.length
  }

  /** Handles all packets that are whole now; false when the handler stopped. Throws ProtocolError or OversizedError. */
  push(chunk: Buffer): boolean {
    if (this.#restBytes === 0) return this.#read(chunk, this.#skip(chunk))
    this.#append(chunk)
    return this.#restBytes < this.#wantedBytes ? true : this.resume()
  }

  /** Goes on with what was left. */
  resume(): boolean {
    if (this.#restBytes === 0) return true
    const bytes = this.#rest.subarray(0, this.#restBytes)
    this.#rest = nothing
    this.#restBytes = 0
    this.#wantedBytes = 0
    return this.#read(bytes)
  }

  #read(chunk: Buffer, start = 0): boolean {
    let at = start
    while (at < chunk.length) {
      const [bodyStart, end] = this.#bounds(chunk, at)
      if (end - at > this.#maxBytes) {
        if (!this.#isPassedOver(chunk, at, bodyStart, end)) {
          this.#keep(chunk, at, 0)
          return true
        }
        this.#skippedBytes = Math.max(0, end - chunk.length)
        at = end
        continue
      }
      if (bodyStart === 0 || end > chunk.length) {
        this.#keep(chunk, at, bodyStart === 0 ? 0 : end - at)
        return true
      }
      if (!this.#handle(chunk, at, bodyStart, end)) {
        this.#keep(chunk, end, 0)
        return false
      }
      at = end
    }
    return true
  }

  /** How much of a chunk is of a packet that is passed over. */
  #skip(chunk: Buffer): number {
    const skipped = Math.min(this.#skippedBytes, chunk.length)
    this.#skippedBytes -= skipped
    return skipped
  }

  /** Of a packet that is too large; false when more of its beginning is wanted. */
  #isPassedOver(chunk: Buffer, start: number, bodyStart: number, end: number): boolean {
    const known = Math.min(end, chunk.length)
    if (this.#handleOversized?.(chunk, start, bodyStart, known) === true) return true
    if (this.#handleOversized === undefined || known - start > this.#maxBytes) throw new OversizedError(end - start)
    return false
  }

  #bounds(chunk: Buffer, start: number): readonly [bodyStart: number, end: number] {
    let remaining = 0
    let at = start + 1
    for (let shift = 0; ; shift += 7) {
      if (at >= chunk.length) return [0, 0]
      const byte = chunk[at++] as number
      remaining |= (byte & 0x7f) << shift
      if (byte < 0x80) break
      if (shift === 21) throw new ProtocolError('a packet has a length of more than four bytes')
    }
    return [at, at + remaining]
  }

  #keep(chunk: Buffer, start: number, wantedBytes: number): void {
    if (start >= chunk.length) return
    // The end of a chunk does not keep the rest of it in memory.
    this.#rest = start === 0 ? chunk : ownCopy(chunk.subarray(start))
    this.#restBytes = this.#rest.length
    this.#wantedBytes = wantedBytes
  }

  /** Bytes take the room of bytes, however few come at a time; and no room is made for what has only been announced. */
  #append(chunk: Buffer): void {
    const length = this.#restBytes + chunk.length
    if (length > this.#rest.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, Math.min(this.#wantedBytes, 2 * length)))
      this.#rest.copy(larger, 0, 0, this.#restBytes)
      this.#rest = larger
    }
    chunk.copy(this.#rest, this.#restBytes)
    this.#restBytes = length
  }
}

const nothing = Buffer.alloc(0)
