/**
 * A client's connection to a broker: made at the first use, made again for ever when it is lost, with what was subscribed to. It keeps no
 * messages: whoever publishes is told when it is up again.
 */

import { connect as connectPlainly, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  disconnection,
  encodeConnect,
  encodeSubscribe,
  isLasting,
  pingRequest,
  refusalOf,
} from '../mqtt/client-packet.ts'
import { FrameReader } from '../mqtt/frame-reader.ts'
import { encodeAcknowledgement, encodePublish, endOfTopic, PacketType, readMessageId } from '../mqtt/wire.ts'
import { type Deferred, defer } from './deferred.ts'
import type { MqttEndpoint } from './endpoint.ts'
import type { TlsOptions } from './transport.ts'

export interface MqttConnectionOptions extends TlsOptions {
  readonly endpoint: MqttEndpoint
  readonly clientId: string
  /** The broker forgets the session when the connection ends. */
  readonly isClean: boolean
  /** Silence after which the broker is asked for a sign of life; as much again, and the connection is given up. */
  readonly keepAliveMs?: number
  readonly maxPacketBytes?: number
  /** Between 0 and 1: clients that lost the same broker do not come back at the same moment. */
  readonly random?: () => number
  /** Opens a connection, where not to the endpoint itself. */
  readonly open?: () => Duplex | Promise<Duplex>
  received(topic: string, payload: Buffer): void
  /** What is subscribed to is subscribed to; also each time after a loss. */
  up(): void
  /** `isRefused`: the broker is there and does not want this client. */
  down(reason: string, isRefused: boolean): void
}

const firstDelayMs = 250
const longestDelayMs = 30_000
/** From the start of a connection until everything is subscribed to. */
const greetingMs = 10_000

export class MqttConnection {
  readonly #options: MqttConnectionOptions
  readonly #keepAliveMs: number
  /** What is to be subscribed to, whether it is now or not. */
  readonly #filters = new Map<string, Deferred<void>>()
  /** Filters that were sent over the present connection, by the packet that waits for its SUBACK. */
  readonly #asked = new Map<number, readonly string[]>()
  #told = new Set<string>()
  #socket: Duplex | undefined
  #timer: NodeJS.Timeout | undefined
  #delayMs = firstDelayMs
  #messageId = 0
  #isRunning = false
  #isAccepted = false
  #isUp = false
  #heardMs = 0

  constructor(options: MqttConnectionOptions) {
    this.#options = options
    this.#keepAliveMs = options.keepAliveMs ?? 20_000
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** Connects, and stays connected until `stop`. */
  start(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    void this.#connect()
  }

  /** Leaves the broker; resolves when what was written is on its way. */
  async stop(): Promise<void> {
    if (!this.#isRunning) return
    this.#isRunning = false
    clearTimeout(this.#timer)
    const socket = this.#socket
    this.#socket = undefined
    this.#isUp = this.#isAccepted = false
    if (socket === undefined) return
    if (socket.destroyed) return
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.end(disconnection)
    const timer = setTimeout(() => socket.destroy(), 500)
    await closed
    clearTimeout(timer)
  }

  /** Resolves when the broker has granted the filter, for the first time. Rejects when it refuses. */
  subscribe(filter: string): Promise<void> {
    let grant = this.#filters.get(filter)
    if (grant === undefined) {
      grant = defer<void>()
      // Also without somebody who waits for it, as after a loss, a refusal ends no process.
      grant.promise.catch(() => {})
      this.#filters.set(filter, grant)
      this.#subscribeMissing()
    }
    return grant.promise
  }

  /** At QoS 1. False when there is no connection now. */
  publish(topic: string, payload: Buffer | string): boolean {
    if (!this.#isUp || this.#socket === undefined) return false
    const messageId = this.#nextMessageId()
    this.#socket.write(encodePublish({ topic, payload: Buffer.from(payload), qos: 1, retain: false, messageId }))
    return true
  }

  async #connect(): Promise<void> {
    const { endpoint, clientId, isClean, open, maxPacketBytes } = this.#options
    const { username, password } = endpoint
    let socket: Duplex
    try {
      socket = await (open === undefined ? this.#open() : open())
    } catch (error) {
      // A certificate or key that can't be read.
      this.#lost(error instanceof Error ? error.message : String(error), true)
      return
    }
    if (!this.#isRunning) {
      socket.destroy()
      return
    }
    this.#socket = socket
    this.#told = new Set()
    this.#asked.clear()
    let reason = 'the broker closed the connection'
    socket.on('error', (error) => {
      reason = error.message
    })
    let isRefused = false
    const frames = new FrameReader(maxPacketBytes ?? 16 * 1024 * 1024, (chunk, start, bodyStart, end) => {
      const returnCode = chunk[bodyStart + 1] as number
      if ((chunk[start] as number) >> 4 === PacketType.connack && returnCode !== 0) {
        isRefused = isLasting(returnCode)
        socket.destroy(new Error(refusalOf(returnCode)))
      } else this.#handle(socket, chunk, start, bodyStart, end)
      return !socket.destroyed
    })
    socket.on('data', (chunk: Buffer) => {
      this.#heardMs = performance.now()
      try {
        frames.push(chunk)
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)))
      }
    })
    socket.once('close', () => {
      if (this.#socket === socket) this.#lost(reason, isRefused)
    })
    this.#timer = setTimeout(() => socket.destroy(new Error(`no answer in ${greetingMs} ms`)), greetingMs)
    const keepAliveSeconds = Math.ceil((2 * this.#keepAliveMs) / 1000)
    socket.write(
      encodeConnect({
        clientId,
        isClean,
        keepAliveSeconds,
        ...(username === undefined ? {} : { username }),
        ...(password === undefined ? {} : { password }),
      }),
    )
  }

  async #open(): Promise<Duplex> {
    const { endpoint, ca, cert, key, insecure } = this.#options
    const { host, port, isSecure } = endpoint
    // Node's own delay of small writes (Nagle) costs 40 ms for each request that follows an acknowledgement.
    if (!isSecure) return connectPlainly({ host, port, noDelay: true })
    // TLS costs 5 MiB of memory, which a client without it does not spend.
    const { connect } = await import('node:tls')
    const identity = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
    const name = isIP(host) === 0 ? { servername: host } : {}
    return connect({ host, port, ...identity, ...name, rejectUnauthorized: insecure !== true }).setNoDelay(true)
  }

  #handle(socket: Duplex, chunk: Buffer, start: number, bodyStart: number, end: number): void {
    const header = chunk[start] as number
    switch (header >> 4) {
      case PacketType.connack:
        this.#isAccepted = true
        this.#subscribeMissing()
        this.#settle()
        break
      case PacketType.suback:
        this.#granted(readMessageId(chunk, bodyStart, end), chunk.subarray(bodyStart + 2, end))
        this.#settle()
        break
      case PacketType.publish: {
        const topicEnd = endOfTopic(chunk, header, bodyStart, end)
        const isAcknowledged = ((header >> 1) & 3) > 0
        if (isAcknowledged) socket.write(encodeAcknowledgement(PacketType.puback, readMessageId(chunk, topicEnd, end)))
        const topic = chunk.toString('utf8', bodyStart + 2, topicEnd)
        this.#options.received(topic, Buffer.from(chunk.subarray(isAcknowledged ? topicEnd + 2 : topicEnd, end)))
        break
      }
    }
  }

  #subscribeMissing(): void {
    if (!this.#isAccepted || this.#socket === undefined) return
    const missing = [...this.#filters.keys()].filter((filter) => !this.#told.has(filter))
    if (missing.length === 0) return
    const messageId = this.#nextMessageId()
    for (const filter of missing) this.#told.add(filter)
    this.#asked.set(messageId, missing)
    this.#socket.write(encodeSubscribe(messageId, missing, 1))
  }

  #granted(messageId: number, codes: Buffer): void {
    const filters = this.#asked.get(messageId) ?? []
    this.#asked.delete(messageId)
    for (const [index, filter] of filters.entries()) {
      const grant = this.#filters.get(filter)
      if (codes[index] !== 0x80) grant?.resolve()
      else {
        this.#filters.delete(filter)
        grant?.reject(new Error(`the broker does not let this client subscribe to ${filter}`))
      }
    }
  }

  /** Up is when nothing is left to be granted. */
  #settle(): void {
    if (this.#isUp || this.#asked.size > 0) return
    clearTimeout(this.#timer)
    this.#isUp = true
    this.#delayMs = firstDelayMs
    this.#watch()
    this.#options.up()
  }

  #watch(afterMs = this.#keepAliveMs): void {
    this.#timer = setTimeout(() => {
      const silentMs = Math.round(performance.now() - this.#heardMs)
      const leftMs = 2 * this.#keepAliveMs - silentMs
      if (leftMs <= 0) {
        this.#socket?.destroy(new Error(`the broker was silent for ${silentMs} ms`))
        return
      }
      this.#socket?.write(pingRequest)
      this.#watch(Math.min(this.#keepAliveMs, leftMs))
    }, afterMs).unref()
  }

  #lost(reason: string, isRefused: boolean): void {
    clearTimeout(this.#timer)
    this.#socket = undefined
    this.#isUp = this.#isAccepted = false
    if (!this.#isRunning) return
    const { random = Math.random, down } = this.#options
    // Holds the process: somebody may wait for what comes over this connection.
    this.#timer = setTimeout(() => void this.#connect(), this.#delayMs * (0.5 + random() / 2))
    this.#delayMs = Math.min(2 * this.#delayMs, longestDelayMs)
    down(reason, isRefused)
  }

  #nextMessageId(): number {
    this.#messageId = this.#messageId === 65_535 ? 1 : this.#messageId + 1
    return this.#messageId
  }
}
