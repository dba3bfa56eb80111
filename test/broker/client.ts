/** An MQTT client for tests, at the other end of a pair of streams: it says what it is told, and keeps what it hears. */

import { type Duplex, duplexPair } from 'node:stream'
import { after } from 'node:test'
import mqtt from 'mqtt-packet'
import { Broker, type BrokerLimits } from '../../src/broker/broker.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { ManualClock, silent } from '../bindings/fixture.ts'

export const limits: Partial<BrokerLimits> = {
  maxConnections: 100,
  maxPacketBytes: 262_144,
  maxTopicLevels: 50,
  maxTopicBytes: 1024,
  maxSubscriptionsPerClient: 100,
  maxRetainedMessages: 1000,
  maxRetainedBytes: 1_000_000,
  maxInflightInbound: 100,
  connectTimeoutMs: 10_000,
  slowConsumerDropBytes: 65_536,
  slowConsumerCloseBytes: 262_144,
  maxParkedMessages: 100,
  maxParkedBytes: 1_000_000,
}

export interface BrokerSetup {
  readonly broker: Broker
  readonly store: MemoryStore
  readonly clock: ManualClock
}

const started: Broker[] = []
after(async () => {
  for (const broker of started) await broker.stop()
})

export async function startBroker(
  options: { readonly limits?: Partial<BrokerLimits>; readonly store?: MemoryStore; readonly fastPath?: boolean } = {},
): Promise<BrokerSetup> {
  const clock = new ManualClock()
  const store = options.store ?? new MemoryStore({ clock })
  const broker = new Broker({
    store: store as Store,
    clock,
    log: silent,
    listen: [],
    limits: { ...limits, ...options.limits },
    fastPath: options.fastPath ?? true,
  })
  await broker.start()
  started.push(broker)
  return { broker, store, clock }
}

export type Heard = mqtt.Packet

/** Whatever takes connections. */
export interface Accepting {
  handle(stream: Duplex): unknown
}

interface ConnectOptions {
  readonly clean?: boolean
  readonly will?: mqtt.IConnectPacket['will']
  readonly username?: string
  readonly password?: string
}

/** What a socket knows of its other end. */
export interface Remote {
  readonly remoteAddress?: string
  readonly certificateUris?: readonly string[]
}

export class TestClient {
  readonly heard: Heard[] = []
  readonly #stream
  #isOpen = true
  #messageId = 0
  /** Sends PUBACK, PUBREC, PUBREL and PUBCOMP by itself. */
  acknowledges = true
  #waiting: (() => void)[] = []

  constructor(broker: Accepting, remote: Remote = {}) {
    const [near, far] = duplexPair()
    Object.assign(far, remote)
    this.#stream = near
    const parser = mqtt.parser()
    parser.on('packet', (packet) => this.#take(packet))
    near.on('data', (chunk) => parser.parse(chunk))
    near.on('error', () => {})
    near.on('close', () => {
      this.#isOpen = false
      this.#wake()
    })
    // A pair does not tell one end that the other is destroyed; a socket does.
    far.once('close', () => near.destroy())
    near.once('close', () => far.destroy())
    broker.handle(far)
  }

  static async connect(
    broker: Accepting,
    clientId: string,
    options: ConnectOptions & { readonly acknowledges?: boolean; readonly remote?: Remote } = {},
  ): Promise<TestClient> {
    const client = new TestClient(broker, options.remote)
    client.acknowledges = options.acknowledges ?? true
    client.send(TestClient.connectPacket(clientId, options))
    await client.until((packet) => packet.cmd === 'connack')
    return client
  }

  static connectPacket(clientId: string, { clean = true, will, username, password }: ConnectOptions): mqtt.Packet {
    return {
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clientId,
      clean,
      keepalive: 0,
      ...(will === undefined ? {} : { will }),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password: Buffer.from(password) }),
    }
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get sessionPresent(): boolean {
    return this.heard.some((packet) => packet.cmd === 'connack' && packet.sessionPresent)
  }

  /** `topic payload` of all messages heard. */
  get messages(): readonly string[] {
    return this.heard.flatMap((packet) => (packet.cmd === 'publish' ? [`${packet.topic} ${packet.payload}`] : []))
  }

  send(...packets: mqtt.Packet[]): void {
    // One chunk, as a socket would bring them.
    this.#stream.write(Buffer.concat(packets.map((packet) => mqtt.generate(packet))))
  }

  async subscribe(topic: string, qos: 0 | 1 | 2 = 0): Promise<number> {
    const messageId = ++this.#messageId
    this.send({ cmd: 'subscribe', messageId, subscriptions: [{ topic, qos }] })
    const suback = await this.until((packet) => packet.cmd === 'suback' && packet.messageId === messageId)
    return Number((suback as mqtt.ISubackPacket).granted[0])
  }

  publication(
    topic: string,
    payload: string,
    qos: 0 | 1 | 2 = 0,
    more: Partial<mqtt.IPublishPacket> = {},
  ): mqtt.Packet {
    const identity = qos > 0 ? { messageId: ++this.#messageId } : {}
    return { cmd: 'publish', topic, payload, qos, retain: false, dup: false, ...identity, ...more }
  }

  /** Publishes and, at QoS 1 and 2, waits until the broker has taken it over. */
  async publish(
    topic: string,
    payload: string,
    qos: 0 | 1 | 2 = 0,
    more: Partial<mqtt.IPublishPacket> = {},
  ): Promise<void> {
    const packet = this.publication(topic, payload, qos, more)
    this.send(packet)
    const acknowledgement = qos === 1 ? 'puback' : 'pubcomp'
    if (qos > 0) await this.until((heard) => heard.cmd === acknowledgement && heard.messageId === packet.messageId)
  }

  /** Bytes as they are, for what no well-behaved client sends. */
  sendRaw(bytes: Buffer): void {
    this.#stream.write(bytes)
  }

  disconnect(): void {
    this.send({ cmd: 'disconnect' })
  }

  drop(): void {
    this.#stream.destroy()
  }

  /** Stops reading, as a client does that hangs. */
  freeze(): void {
    this.#stream.pause()
  }

  /** The first packet heard that is meant; rejects when the connection closes without one. */
  async until(isMeant: (packet: Heard) => boolean): Promise<Heard> {
    for (;;) {
      const found = this.heard.find(isMeant)
      if (found !== undefined) return found
      if (!this.#isOpen) throw new Error(`closed; heard ${this.heard.map(({ cmd }) => cmd).join(' ')}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async closed(): Promise<void> {
    while (this.#isOpen) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #take(packet: Heard): void {
    this.heard.push(packet)
    if (this.acknowledges) {
      const messageId = packet.messageId ?? 0
      if (packet.cmd === 'publish' && packet.qos === 1) this.send({ cmd: 'puback', messageId })
      if (packet.cmd === 'publish' && packet.qos === 2) this.send({ cmd: 'pubrec', messageId })
      if (packet.cmd === 'pubrec') this.send({ cmd: 'pubrel', messageId })
      if (packet.cmd === 'pubrel') this.send({ cmd: 'pubcomp', messageId })
    }
    this.#wake()
  }
}

/** Lets everything that is under way arrive. */
export async function settle(turns = 12): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
}
