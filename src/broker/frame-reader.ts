/** Where one MQTT packet ends and the next begins in a stream of chunks, and that a packet too large is refused at its header. */

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

export class FrameReader {
  readonly #maxBytes: number
  readonly #handle: FrameHandler
  /** What was not handled yet. */
  #rest: Buffer[] = []
  #restBytes = 0
  /** Bytes that the packet which `#rest` begins with has, when that is known. */
  #wantedBytes = 0

  constructor(maxBytes: number, handle: FrameHandler) {
    this.#maxBytes = maxBytes
    this.#handle = handle
  }

  /** Bytes that wait for their packet to be whole, or for `resume`. */
  get waitingBytes(): number {
    return this.#restBytes
  }

  /** Handles all packets that are whole now; false when the handler stopped. Throws ProtocolError or OversizedError. */
  push(chunk: Buffer): boolean {
    if (this.#restBytes === 0) return this.#read(chunk)
    this.#rest.push(chunk)
    this.#restBytes += chunk.length
    return this.#restBytes < this.#wantedBytes ? true : this.resume()
  }

  /** Goes on with what was left. */
  resume(): boolean {
    if (this.#restBytes === 0) return true
    const bytes = this.#rest.length === 1 ? (this.#rest[0] as Buffer) : Buffer.concat(this.#rest)
    this.#rest = []
    this.#restBytes = 0
    this.#wantedBytes = 0
    return this.#read(bytes)
  }

  #read(chunk: Buffer): boolean {
    let at = 0
    while (at < chunk.length) {
      const [bodyStart, end] = this.#bounds(chunk, at)
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
    const end = at + remaining
    if (end - start > this.#maxBytes) throw new OversizedError(end - start)
    return [at, end]
  }

  #keep(chunk: Buffer, start: number, wantedBytes: number): void {
    if (start >= chunk.length) return
    this.#rest = [start === 0 ? chunk : chunk.subarray(start)]
    this.#restBytes = chunk.length - start
    this.#wantedBytes = wantedBytes
  }
}
