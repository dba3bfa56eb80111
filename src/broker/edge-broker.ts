/**
 * Aedes with its message path replaced. Aedes keeps what it does well: who may connect, with its hooks, takeover of a client identifier,
 * keep-alive, wills. Messages, subscriptions and sessions are ours; why is told in docs/decisions.
 */

import { Aedes, type AedesOptions, type Client } from 'aedes'
import mqtt from 'mqtt-packet'
import type { Clock } from '../onem2m/clock.ts'
import type { Principal } from '../onem2m/principal.ts'
import type { BrokerState } from './broker-state.ts'
import { Connection, type ConnectionHost } from './connection.ts'
import { Outlet, type OutletLimits, type Traffic, Turn } from './outlet.ts'
import { type AedesClient, type AedesInternals, type AedesWill, lateConnect } from './surface.ts'
import { Unfinished } from './unfinished.ts'

type Done = (error?: Error | null) => void

export interface EdgeBrokerFacts {
  readonly state: BrokerState
  readonly host: ConnectionHost
  readonly traffic: Traffic
  readonly options: Omit<AedesOptions, 'mq' | 'persistence' | 'authorizeSubscribe'>
  readonly clock: Clock
  readonly limits: OutletLimits & {
    readonly maxPacketBytes: number
    readonly maxInflightInbound: number
    readonly maxUnfinishedBytes: number
  }
  /** A will is to be published, or a client's other message of Aedes' making. */
  published(will: AedesWill, connection: Connection | undefined, done: Done): void
  connected(connection: Connection): void
  dropped(client: AedesClient): void
  tooSlow(client: AedesClient): void
  /** No CONNECT came in time. */
  late(): void
}

/** Aedes publishes its own events through an emitter; nobody listens to them. */
const silence = {
  on: (_topic: string, _listener: unknown, done?: () => void) => done?.(),
  removeListener: (_topic: string, _listener: unknown, done?: () => void) => done?.(),
  emit: (_packet: unknown, done?: () => void) => done?.(),
  close: (done?: () => void) => done?.(),
}

/** CONNACK, return code 0. */
const accepted = Buffer.from([0x20, 2, 0, 0])
const acceptedWithSession = Buffer.from([0x20, 2, 1, 0])

const { registerClient: register, unregisterClient: unregister } = Aedes.prototype as unknown as AedesInternals

// Ten megabytes of encoded numbers, for packets of which Aedes writes one for each connection.
mqtt.writeToStream.cacheNumbers = false

export class EdgeBroker extends Aedes {
  readonly #facts: EdgeBrokerFacts
  readonly #turn = new Turn()
  readonly #unfinished: Unfinished
  readonly #connections = new Map<object, Connection>()

  constructor(facts: EdgeBrokerFacts) {
    const handshake = new Handshake(
      () => facts.state.load(),
      (client) => this.#admit(client),
    )
    super({
      ...facts.options,
      mq: silence,
      persistence: handshake,
    })
    this.#facts = facts
    this.#unfinished = new Unfinished(facts.limits.maxUnfinishedBytes)
    this.on('connectionError', (_client, error) => {
      if (error.message === lateConnect) facts.late()
    })
    const aedesHandle = this.handle
    this.handle = (stream, request) => this.#adopt(aedesHandle.call(this, stream, request) as AedesClient)
  }

  async open(): Promise<void> {
    await this.listen()
    const { _heartbeatInterval, _clearWillInterval } = this as unknown as AedesInternals
    clearInterval(_heartbeatInterval)
    clearInterval(_clearWillInterval)
  }

  /** Connections, also those that have not sent a CONNECT yet. */
  get connections(): number {
    return this.#connections.size
  }

  connectionOf(client: object): Connection | undefined {
    return this.#connections.get(client)
  }

  /** Ends the connections of those who are not to be here any more. */
  closeThose(isUnwanted: (principal: Principal) => boolean): void {
    for (const connection of this.#connections.values())
      if (connection.principal !== undefined && isUnwanted(connection.principal)) connection.close()
  }

  /** Also of those that have not sent a CONNECT. */
  destroyConnections(): void {
    for (const connection of this.#connections.values()) connection.close()
  }

  #adopt(client: AedesClient): Client {
    const { clock, limits, host, traffic } = this.#facts
    const { conn } = client
    const outlet = new Outlet({
      conn,
      limits,
      traffic,
      turn: this.#turn,
      dropped: () => this.#facts.dropped(client),
      tooSlow: () => this.#facts.tooSlow(client),
      drained: () => connection.drained(),
    })
    const connection = new Connection({ ...limits, client, clock, host, outlet, traffic, unfinished: this.#unfinished })
    this.#connections.set(client, connection)
    // Nine listeners, and an error for each connection that is closed, to hear of the one event that is heard of here.
    client._eos()
    conn.on('close', () => {
      client.close()
      this.#detach(connection)
      connection.release()
      this.#connections.delete(client)
    })
    return client
  }

  /** The rest of CONNECT: another connection of this name ends [MQTT-3.1.4-2], CONNACK is sent, the session goes on or begins. */
  #admit(client: AedesClient): void {
    const connection = this.#connections.get(client)
    if (connection === undefined || client.closed) return
    register.call(this, client)
    const { sessions } = this.#facts.state
    const isPersistent = client.clean === false
    // [MQTT-3.2.2-1] [MQTT-3.2.2-2] [MQTT-3.2.2-3]; in MQTT 3.1 the byte is reserved.
    const isToldOf = isPersistent && connection.protocolLevel > 3
    const isPresent = isToldOf && sessions.get(client.id)?.isPersistent === true
    client.connecting = false
    client.connected = true
    connection.outlet.write(isPresent ? acceptedWithSession : accepted)
    const session = sessions.open(client.id, isPersistent, connection.principal?.name)
    connection.begin(session)
    session.connect(connection.outlet)
    this.#facts.connected(connection)
    client._nextBatch()
  }

  #detach(connection: Connection): void {
    const { session, outlet } = connection
    if (session === undefined) return
    connection.end()
    session.disconnect(outlet)
    this.#facts.state.sessions.leave(session)
  }

  /** What Aedes publishes: wills; its own events are not for anybody. */
  override publish(packet: unknown, client: unknown, callback?: Done): void {
    const done = (typeof client === 'function' ? client : (callback ?? (() => {}))) as Done
    const source = typeof client === 'function' || !client ? undefined : (client as AedesClient)
    const will = packet as AedesWill
    if (will.topic.startsWith('$SYS/')) done(null)
    else this.#facts.published(will, source && this.#connections.get(source), done)
  }

  /** A second connection of the same name that fails before it took over does not end the first. */
  unregisterClient(client: Client): void {
    const connection = this.#connections.get(client)
    if ((this as unknown as AedesInternals).clients[client.id] === client) unregister.call(this, client)
    if (connection !== undefined) this.#detach(connection)
  }
}

/** Never settles. */
const unsettled = { finally() {} }

/** Of Aedes' persistence interface, what it asks while a client connects and leaves. */
class Handshake {
  readonly #load: () => Promise<void>
  readonly #admit: (client: AedesClient) => void

  constructor(load: () => Promise<void>, admit: (client: AedesClient) => void) {
    this.#load = load
    this.#admit = admit
  }

  async setup(): Promise<void> {
    await this.#load()
  }

  async destroy(): Promise<void> {}

  // What is to be forgotten is when the session opens; wills are with their connections.

  async subscriptionsByClient(): Promise<readonly []> {
    return []
  }

  async cleanSubscriptions(): Promise<void> {}

  async cleanIncoming(): Promise<void> {}

  /**
   * Asked when a client has been let in and its will is known, and again when it is gone. What Aedes would do next to let it in is ours: its
   * four streams for an empty queue cost more than everything else of a CONNECT together. It waits for an answer for ever.
   */
  delWill(client: AedesClient | { readonly id: string }): Promise<void> | typeof unsettled {
    if (!('conn' in client)) return Promise.resolve()
    this.#admit(client)
    return unsettled
  }
}
