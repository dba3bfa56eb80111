/**
 * Bytes to one connection: everything of one turn of the event loop in one write, one write at a time, and never more in memory than its
 * reader's slowness is worth. The rule for slow readers is here: QoS 0 messages are dropped first, then the connection is closed.
 */

import type { Duplex } from 'node:stream'

export interface OutletLimits {
  /** Unsent bytes beyond which QoS 0 messages are dropped and others wait in their queue. */
  readonly dropBytes: number
  /** How many bytes a connection may be behind, dropped ones included, since it last had read everything or acknowledged something. */
  readonly closeBytes: number
}

/** What went over all connections so far. */
export interface Traffic {
  sockets: number
  /** CONNECTs that were accepted. */
  connections: number
  bytesReceived: number
  bytesSent: number
  packetsReceived: number
  packetsSent: number
  publishesReceived: number
  publishesSent: number
}

export function newTraffic(): Traffic {
  return {
    sockets: 0,
    connections: 0,
    bytesReceived: 0,
    bytesSent: 0,
    packetsReceived: 0,
    packetsSent: 0,
    publishesReceived: 0,
    publishesSent: 0,
  }
}

export interface OutletFacts {
  readonly traffic: Traffic
  readonly conn: Duplex
  readonly limits: OutletLimits
  /** Flushes of all connections, together at the end of the turn. */
  readonly turn: Turn
  /** A QoS 0 message was dropped. */
  dropped(): void
  tooSlow(): void
  /** There is room again after `hasRoom` was false. */
  drained(): void
}

/** Collects what is to be flushed when the events of this turn of the event loop have all been handled. */
export class Turn {
  #outlets: Outlet[] = []
  readonly #run = () => {
    const outlets = this.#outlets
    this.#outlets = []
    for (const outlet of outlets) outlet.flush()
  }

  add(outlet: Outlet): void {
    if (this.#outlets.push(outlet) === 1) setImmediate(this.#run)
  }
}

const nothing = Buffer.alloc(0)

export class Outlet {
  readonly #facts: OutletFacts
  /** Of this turn. */
  #unsent: Buffer[] = []
  #unsentBytes = 0
  /** Of earlier turns: it waits here for the write before it, without what each small buffer in a stream's queue costs. */
  #waiting = nothing
  #waitingBytes = 0
  #isStalled = false
  #bytesBehind = 0
  readonly #written = () => this.#writeOn()

  constructor(facts: OutletFacts) {
    this.#facts = facts
  }

  /** False when what has to arrive should wait where it is; `drained` says when it need not any longer. */
  get hasRoom(): boolean {
    if (this.#isStalled) return false
    const { limits } = this.#facts
    if (this.#unread + this.#unsentBytes <= limits.dropBytes) return true
    // Much in one turn is not slowness yet: it is when the system does not take it.
    this.flush()
    this.#isStalled = this.#unread > limits.dropBytes
    return !this.#isStalled
  }

  /** Bytes of earlier turns that the system has not taken. */
  get #unread(): number {
    return this.#facts.conn.writableLength + this.#waitingBytes
  }

  /** Writes at the end of this turn, whatever waits already: acknowledgements, and messages that had room. */
  write(bytes: Buffer): void {
    if (this.#unsent.push(bytes) === 1) this.#facts.turn.add(this)
    this.#unsentBytes += bytes.length
    this.#facts.traffic.packetsSent++
  }

  /** Writes a message that had room. */
  publish(bytes: Buffer): void {
    this.#facts.traffic.publishesSent++
    this.write(bytes)
  }

  /** Writes a message, or drops what a slow reader can do without. */
  publishOrDrop(bytes: Buffer): void {
    if (this.hasRoom) this.publish(bytes)
    else {
      this.#facts.dropped()
      this.fallBehind(bytes.length)
    }
  }

  /** The system does not take what is written. */
  get isStalled(): boolean {
    return this.#isStalled
  }

  /** Something that would have been sent was dropped, or has to wait because nobody reads. */
  fallBehind(bytes: number): void {
    const { conn, limits, tooSlow } = this.#facts
    if (conn.destroyed) return
    this.#bytesBehind += bytes
    if (this.#bytesBehind + this.#unread > limits.closeBytes) tooSlow()
  }

  /** The client acknowledged something: it is slow, not gone. */
  catchUp(): void {
    if (!this.#isStalled) this.#bytesBehind = 0
  }

  /** Ends the connection: what should have been stored could not be. */
  close(): void {
    this.#facts.conn.destroy()
  }

  flush(): void {
    const chunks = this.#unsent
    if (chunks.length === 0) return
    const unsentBytes = this.#unsentBytes
    this.#unsent = []
    this.#unsentBytes = 0
    const { conn, traffic } = this.#facts
    if (conn.destroyed || !conn.writable) return
    traffic.bytesSent += unsentBytes
    if (conn.writableLength > 0) for (const chunk of chunks) this.#keep(chunk)
    else conn.write(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, unsentBytes), this.#written)
  }

  #keep(bytes: Buffer): void {
    const end = this.#waitingBytes + bytes.length
    if (end > this.#waiting.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(end, 2 * this.#waiting.length, 256))
      this.#waiting.copy(larger, 0, 0, this.#waitingBytes)
      this.#waiting = larger
    }
    bytes.copy(this.#waiting, this.#waitingBytes)
    this.#waitingBytes = end
  }

  #writeOn(): void {
    const { conn, drained } = this.#facts
    if (conn.destroyed || conn.writableLength > 0) return
    if (this.#waitingBytes > 0) {
      const bytes = this.#waiting.subarray(0, this.#waitingBytes)
      this.#waiting = nothing
      this.#waitingBytes = 0
      if (conn.writable) conn.write(bytes, this.#written)
    } else if (this.#isStalled) {
      this.#isStalled = false
      this.#bytesBehind = 0
      drained()
    }
  }
}
