/**
 * Bytes to one connection: everything of one turn of the event loop in one write, and never more in memory than its reader's slowness is
 * worth. The rule for slow readers is here: QoS 0 messages are dropped first, then the connection is closed.
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

export class Outlet {
  readonly #facts: OutletFacts
  #unsent: Buffer[] = []
  #unsentBytes = 0
  #isStalled = false
  #bytesBehind = 0

  constructor(facts: OutletFacts) {
    this.#facts = facts
  }

  /** False when what has to arrive should wait where it is; `drained` says when it need not any longer. */
  get hasRoom(): boolean {
    if (this.#isStalled) return false
    const { conn, limits } = this.#facts
    // Below its high-water mark a stream does not say when it has drained.
    const dropBytes = Math.max(limits.dropBytes, conn.writableHighWaterMark)
    if (conn.writableLength + this.#unsentBytes <= dropBytes) return true
    // Much in one turn is not slowness yet: it is when the system does not take it.
    this.flush()
    if (conn.writableLength <= dropBytes) return true
    this.#stall()
    return false
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
    if (this.#bytesBehind + conn.writableLength > limits.closeBytes) tooSlow()
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
    const first = chunks[0] as Buffer
    // What the stream may have to hold for a while must not keep a whole chunk of input alive.
    const bytes = chunks.length === 1 && conn.writableLength === 0 ? first : Buffer.concat(chunks)
    conn.write(bytes)
  }

  #stall(): void {
    this.#isStalled = true
    this.#facts.conn.once('drain', () => {
      this.#isStalled = false
      this.#bytesBehind = 0
      this.#facts.drained()
    })
  }
}
