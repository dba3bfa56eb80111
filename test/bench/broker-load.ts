/** The load for brokers: raw sockets, packets encoded beforehand, frames counted and not parsed, so that the generator is not what is measured. */

import { connect, type Socket } from 'node:net'
import mqtt from 'mqtt-packet'

export type QoS = 0 | 1 | 2

export interface PeerOptions {
  readonly port: number
  readonly clientId: string
  readonly clean?: boolean
  readonly noDelay?: boolean
  /** For what comes with the CONNACK. */
  readonly onPublish?: (chunk: Buffer, start: number, end: number) => void
}

/** One connection. Acknowledges what it gets, in one write for each chunk. */
export class Peer {
  readonly #socket: Socket
  #rest: Buffer | undefined
  #replies: Buffer[] = []
  /** Of PUBLISH packets; their bytes are only valid within the call. */
  onPublish: (chunk: Buffer, start: number, end: number) => void = () => {}
  /** Of PUBACK and PUBCOMP: the message identifier is free again. */
  onAcknowledged: (messageId: number) => void = () => {}
  #onControl: (type: number, chunk: Buffer, start: number) => void = () => {}
  onClose: () => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => this.#read(chunk))
    socket.on('close', () => this.onClose())
  }

  static open({ port, clientId, clean = true, noDelay = true, onPublish }: PeerOptions): Promise<Peer> {
    const socket = connect({ port, host: '127.0.0.1', noDelay })
    const peer = new Peer(socket)
    if (onPublish !== undefined) peer.onPublish = onPublish
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      peer.#onControl = (type) => {
        if (type === 2) resolve(peer)
      }
      socket.once('close', () => reject(new Error(`${clientId} was closed before CONNACK`)))
      socket.write(
        mqtt.generate({ cmd: 'connect', clientId, clean, keepalive: 0, protocolId: 'MQTT', protocolVersion: 4 }),
      )
    })
  }

  subscribe(topic: string, qos: QoS): Promise<void> {
    return new Promise((resolve) => {
      this.#onControl = (type) => {
        if (type === 9) resolve()
      }
      this.#socket.write(mqtt.generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos }] }))
    })
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  /** Ends and waits until the socket is closed. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once('close', () => resolve())
      this.#socket.end(mqtt.generate({ cmd: 'disconnect' }))
      setTimeout(() => this.#socket.destroy(), 200).unref()
    })
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = undefined
    let at = 0
    while (at < bytes.length) {
      let length = 0
      let body = at + 1
      let shift = 0
      let byte = 0x80
      while (byte >= 0x80 && body < bytes.length) {
        byte = bytes[body++] as number
        length |= (byte & 0x7f) << shift
        shift += 7
      }
      if (byte >= 0x80 || body + length > bytes.length) {
        this.#rest = bytes.subarray(at)
        break
      }
      this.#take(bytes, at, body, body + length)
      at = body + length
    }
    if (this.#replies.length === 0) return
    this.#socket.write(Buffer.concat(this.#replies))
    this.#replies = []
  }

  #take(bytes: Buffer, start: number, body: number, end: number): void {
    const header = bytes[start] as number
    const type = header >> 4
    if (type === 3) {
      const qos = (header >> 1) & 3
      if (qos > 0) {
        const at = body + 2 + bytes.readUInt16BE(body)
        this.#replies.push(Buffer.from([qos === 1 ? 0x40 : 0x50, 2, bytes[at] as number, bytes[at + 1] as number]))
      }
      this.onPublish(bytes, start, end)
    } else if (type === 4 || type === 7) this.onAcknowledged(bytes.readUInt16BE(body))
    else if (type === 5) this.#replies.push(Buffer.from([0x62, 2, bytes[body] as number, bytes[body + 1] as number]))
    else if (type === 6) this.#replies.push(Buffer.from([0x70, 2, bytes[body] as number, bytes[body + 1] as number]))
    else this.#onControl(type, bytes, body)
  }
}

/** Keeps a window of messages under way: at QoS 0 as many as were delivered, otherwise as many as were acknowledged. */
export class Publisher {
  readonly #peer: Peer
  readonly #packets: readonly Buffer[]
  readonly #qos: QoS
  #left = 0
  #next = 0
  #unsent: Buffer[] = []

  constructor(peer: Peer, topic: string, qos: QoS, window: number, payloadBytes = 100) {
    this.#peer = peer
    this.#qos = qos
    const payload = 'x'.repeat(payloadBytes)
    const rest = { cmd: 'publish', topic, payload, qos, retain: false, dup: false } as const
    this.#packets = Array.from({ length: window }, (_, n) =>
      mqtt.generate(qos === 0 ? rest : { ...rest, messageId: n + 1 }),
    )
    peer.onAcknowledged = (messageId) => {
      if (this.#left === 0) return
      this.#left--
      this.#send(this.#packets[messageId - 1] as Buffer)
    }
  }

  start(count: number): void {
    const first = Math.min(count, this.#packets.length)
    this.#left = count - first
    this.#peer.write(Buffer.concat(this.#packets.slice(0, first)))
  }

  /** One of its messages was delivered. */
  delivered(): void {
    if (this.#qos > 0 || this.#left === 0) return
    this.#left--
    this.#send(this.#packets[this.#next++ % this.#packets.length] as Buffer)
  }

  #send(packet: Buffer): void {
    if (this.#unsent.push(packet) > 1) return
    setImmediate(() => {
      this.#peer.write(Buffer.concat(this.#unsent))
      this.#unsent = []
    })
  }
}
