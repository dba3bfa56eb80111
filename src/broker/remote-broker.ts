/**
 * A broker that somebody else runs, used as a client like any other: the same face as the broker that runs here, over one connection that is
 * made again for ever. What can't be sent now is refused, never queued: those who send keep what must not be lost.
 */

import type { Duplex } from 'node:stream'
import mqtt from 'mqtt-packet'
import { FrameReader } from '../mqtt/frame-reader.ts'
import { encodeAcknowledgement, encodePublish, PacketType, readMessageId, readUnread } from '../mqtt/wire.ts'
import type { Clock, Timer } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import type { QoS } from './surface.ts'

export interface RemoteBrokerOptions {
  /** Without credentials: it is logged. */
  readonly name: string
  /** The same always, so that the broker keeps messages for it between two connections. */
  readonly clientId: string
  readonly username?: string
  readonly password?: string
  /** What is subscribed to, at QoS 1. */
  readonly filters: readonly string[]
  /** On this machine: its clients are trusted as those of the broker here. */
  readonly isLocal: boolean
  readonly maxPacketBytes: number
  /** Silence after which the broker is asked for a sign of life; one that stays silent as long again is left. */
  readonly keepAliveMs?: number
  readonly clock: Clock
  readonly log: Log
  /** Between 0 and 1, so that those who lost the same broker do not come back at the same moment. */
  readonly random: () => number
  /** Opens a connection: TCP, TLS, or one end of a pair. */
  open(): Duplex
  /** The broker can be used, or can't be any more. */
  changed?(isUp: boolean): void
}

interface Incoming {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly isDuplicate: boolean
  readonly connection: {
    readonly clientId: string
    readonly remoteAddress: string
    readonly isLocal: boolean
    readonly principal: undefined
  }
}

interface Consumer {
  takes(topic: string): boolean
  consume(publication: Incoming, done: () => void): void
}

const firstDelayMs = 500
const longestDelayMs = 30_000
/** From the start of a connection to the SUBACK. */
const greetingMs = 10_000
/** Unsent bytes beyond which the connection counts as stuck, and no more is sent. */
const maxUnsentBytes = 4_194_304
const subscribeId = 1

const refusals: Readonly<Record<number, string>> = {
  1: 'it does not speak MQTT 3.1.1',
  2: 'it does not take this client identifier',
  3: 'it is not available now',
  4: 'user or password are wrong',
  5: 'this user may not connect',
}

export class RemoteBroker {
  readonly #options: RemoteBrokerOptions
  readonly #consumers: Consumer[] = []
  #connection: Duplex | undefined
  #timer: Timer | undefined
  #delayMs = firstDelayMs
  #isUp = false
  #isRunning = false
  #heardMs = 0
  #messageId = subscribeId
  readonly #attempt = Promise.withResolvers<void>()
  /** Why the last connection ended: said once until one holds. */
  #complaint: string | undefined

  constructor(options: RemoteBrokerOptions) {
    this.#options = options
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** Resolves when the first attempt to connect has come to something. */
  get attempted(): Promise<void> {
    return this.#attempt.promise
  }

  start(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#connect()
  }

  stop(): void {
    if (!this.#isRunning) return
    this.#isRunning = false
    this.#timer?.cancel()
    if (this.#isUp) this.#connection?.end(mqtt.generate({ cmd: 'disconnect' }))
    else this.#connection?.destroy()
    this.#lost(undefined)
  }

  consume(consumer: Consumer): void {
    this.#consumers.push(consumer)
  }

  /** Whether somebody there subscribes can't be known: `routed` says that the broker was handed the message. */
  send({
    topic,
    payload,
    qos,
  }: {
    readonly topic: string
    readonly payload: Buffer | string
    readonly qos: 0 | 1
  }): 'routed' | 'nobody' {
    const connection = this.#connection
    if (!this.#isUp || connection === undefined || connection.writableLength > maxUnsentBytes) return 'nobody'
    this.#messageId = this.#messageId === 65_535 ? subscribeId + 1 : this.#messageId + 1
    connection.write(
      encodePublish({ topic, payload: Buffer.from(payload), qos, retain: false, messageId: this.#messageId }),
    )
    return 'routed'
  }

  #connect(): void {
    const { clock, filters, maxPacketBytes } = this.#options
    const connection = this.#options.open()
    this.#connection = connection
    const frames = new FrameReader(
      maxPacketBytes,
      (chunk, start, bodyStart, end) => {
        this.#handle(connection, chunk, start, bodyStart, end)
        return true
      },
      (...place) => this.#passOver(connection, ...place),
    )
    let reason = 'the broker closed the connection'
    const fail = (why: string) => {
      reason = why
      connection.destroy()
    }
    this.#timer = clock.after(greetingMs, () => fail(`no answer in ${greetingMs} ms`))
    connection.on('data', (chunk: Buffer) => {
      this.#heardMs = clock.monotonicMs()
      try {
        frames.push(chunk)
      } catch (error) {
        fail(error instanceof Error ? error.message : String(error))
      }
    })
    connection.on('error', (error) => {
      reason = error.message
    })
    connection.once('close', () => {
      if (this.#connection === connection) this.#lost(reason)
    })
    connection.write(this.#connectPacket())
    connection.write(
      mqtt.generate({
        cmd: 'subscribe',
        messageId: subscribeId,
        subscriptions: filters.map((topic) => ({ topic, qos: 1 })),
      }),
    )
  }

  #connectPacket(): Buffer {
    const { clientId, username, password } = this.#options
    return mqtt.generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clientId,
      // TS-0010 6.2: what arrives while this CSE is away waits for it.
      clean: false,
      keepalive: Math.ceil((2 * this.#keepAliveMs) / 1000),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password: Buffer.from(password) }),
    })
  }

  get #keepAliveMs(): number {
    return this.#options.keepAliveMs ?? 10_000
  }

  #handle(connection: Duplex, chunk: Buffer, start: number, bodyStart: number, end: number): void {
    const type = (chunk[start] as number) >> 4
    if (type === PacketType.publish) this.#publish(connection, chunk, start, bodyStart, end)
    else if (type === 2 && chunk[bodyStart + 1] !== 0) {
      const code = chunk[bodyStart + 1] as number
      connection.destroy(new Error(refusals[code] ?? `it refuses the connection with code ${code}`))
    } else if (type === 9) {
      if (chunk.subarray(bodyStart + 2, end).includes(0x80))
        connection.destroy(new Error('this user may not subscribe to the topics of this CSE'))
      else this.#ready(connection)
    }
  }

  #ready(connection: Duplex): void {
    const { log, name, changed } = this.#options
    this.#timer?.cancel()
    this.#delayMs = firstDelayMs
    this.#complaint = undefined
    this.#isUp = true
    log.info('connected to the broker', { broker: name })
    this.#attempt.resolve()
    this.#watch(connection)
    changed?.(true)
  }

  /** A broker that says nothing is asked; one that does not answer is gone, whatever the connection pretends. */
  #watch(connection: Duplex, afterMs = this.#keepAliveMs): void {
    const { clock } = this.#options
    this.#timer = clock.after(afterMs, () => {
      const silentMs = Math.round(clock.monotonicMs() - this.#heardMs)
      const leftMs = 2 * this.#keepAliveMs - silentMs
      if (leftMs <= 0) connection.destroy(new Error(`the broker was silent for ${silentMs} ms`))
      else {
        connection.write(mqtt.generate({ cmd: 'pingreq' }))
        this.#watch(connection, Math.min(this.#keepAliveMs, leftMs))
      }
    })
  }

  #publish(connection: Duplex, chunk: Buffer, start: number, bodyStart: number, end: number): void {
    const { clientId, name, isLocal } = this.#options
    const header = chunk[start] as number
    const qos = ((header >> 1) & 3) as QoS
    const topicEnd = bodyStart + 2 + chunk.readUInt16BE(bodyStart)
    const messageId = qos === 0 ? 0 : readMessageId(chunk, topicEnd, end)
    const acknowledge = () => {
      if (qos === 1 && !connection.destroyed) connection.write(encodeAcknowledgement(PacketType.puback, messageId))
    }
    const topic = chunk.toString('utf8', bodyStart + 2, topicEnd)
    const consumer = this.#consumers.find((candidate) => candidate.takes(topic))
    if (consumer === undefined) {
      acknowledge()
      return
    }
    const payload = Buffer.from(chunk.subarray(qos === 0 ? topicEnd : topicEnd + 2, end))
    const isDuplicate = (header & 8) !== 0
    const source = { clientId, remoteAddress: isLocal ? '127.0.0.1' : name, isLocal, principal: undefined }
    consumer.consume({ topic, payload, qos, isDuplicate, connection: source }, acknowledge)
  }

  /** A message that is too large is acknowledged unread: it would come again for ever, and what is behind it never. */
  #passOver(connection: Duplex, chunk: Buffer, start: number, bodyStart: number, known: number): boolean {
    const message = readUnread(chunk, start, bodyStart, known)
    if (message === undefined) return false
    const { log, name } = this.#options
    const reason = 'it is larger than mqtt.max_packet_size'
    log.warn('a message from the broker was not taken', { broker: name, topic: message.topic.toString(), reason })
    if (message.qos === 1) connection.write(encodeAcknowledgement(PacketType.puback, message.messageId))
    return true
  }

  /** `reason` is undefined when this CSE left. */
  #lost(reason: string | undefined): void {
    const { clock, log, name, random, changed } = this.#options
    const wasUp = this.#isUp
    this.#connection = undefined
    this.#isUp = false
    this.#timer?.cancel()
    this.#attempt.resolve()
    if (wasUp) changed?.(false)
    if (reason === undefined || !this.#isRunning) return
    if (wasUp || reason !== this.#complaint)
      log.warn('no connection to the broker: it is tried again and again', { broker: name, reason })
    this.#complaint = reason
    this.#timer = clock.after(this.#delayMs * (0.75 + random() / 2), () => this.#connect())
    this.#delayMs = Math.min(2 * this.#delayMs, longestDelayMs)
  }
}
