/**
 * Aedes with its message path replaced. Aedes keeps what it does well: the CONNECT handshake with its hooks, takeover of a client identifier,
 * keep-alive, wills, DISCONNECT. Messages, subscriptions and sessions are ours; why is told in docs/decisions.
 */

import { Readable } from 'node:stream'
import { Aedes, type AedesOptions, type Client } from 'aedes'
import mqtt from 'mqtt-packet'
import type { BrokerState } from './broker-state.ts'
import { Connection, type ConnectionHost } from './connection.ts'
import { Outlet, type OutletLimits, type Traffic, Turn } from './outlet.ts'
import type { AedesClient, AedesInternals, AedesWill } from './surface.ts'

type Done = (error?: Error | null) => void

export interface EdgeBrokerFacts {
  readonly state: BrokerState
  readonly host: ConnectionHost
  readonly traffic: Traffic
  readonly options: Omit<AedesOptions, 'mq' | 'persistence' | 'authorizeSubscribe'>
  readonly limits: OutletLimits & { readonly maxPacketBytes: number; readonly maxInflightInbound: number }
  /** A will is to be published, or a client's other message of Aedes' making. */
  published(will: AedesWill, connection: Connection | undefined, done: Done): void
  connected(connection: Connection): void
  dropped(client: AedesClient): void
  tooSlow(client: AedesClient): void
}

/** Aedes publishes its own events through an emitter; nobody listens to them. */
const silence = {
  on: (_topic: string, _listener: unknown, done?: () => void) => done?.(),
  removeListener: (_topic: string, _listener: unknown, done?: () => void) => done?.(),
  emit: (_packet: unknown, done?: () => void) => done?.(),
  close: (done?: () => void) => done?.(),
}

const { unregisterClient: unregister } = Aedes.prototype as unknown as AedesInternals

// Ten megabytes of encoded numbers, for packets of which Aedes writes one for each connection.
mqtt.writeToStream.cacheNumbers = false

export class EdgeBroker extends Aedes {
  readonly #facts: EdgeBrokerFacts
  readonly #turn = new Turn()
  readonly #connections = new Map<object, Connection>()

  constructor(facts: EdgeBrokerFacts) {
    const handshake = new Handshake(facts.state, (client) => this.#attach(client))
    super({
      ...facts.options,
      mq: silence,
      persistence: handshake,
      // A session is announced to Aedes as a subscription; it is not to make one of it.
      authorizeSubscribe: (_client, _subscription, callback) => callback(null, null),
    })
    this.#facts = facts
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

  /** Also of those that have not sent a CONNECT. */
  destroyConnections(): void {
    for (const connection of this.#connections.values()) connection.close()
  }

  #adopt(client: AedesClient): Client {
    const { limits, host, traffic } = this.#facts
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
    const connection = new Connection({ ...limits, client, host, outlet, traffic })
    this.#connections.set(client, connection)
    conn.once('close', () => {
      this.#detach(connection)
      this.#connections.delete(client)
    })
    return client
  }

  /** CONNECT has been answered: the session goes on, or begins. */
  #attach(client: AedesClient): void {
    const connection = this.#connections.get(client)
    if (connection === undefined || client.closed) return
    const session = this.#facts.state.sessions.open(client.id, client.clean === false)
    connection.begin(session)
    session.connect(connection.outlet)
    this.#facts.connected(connection)
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

/** Of Aedes' persistence interface, what the handshake asks for. */
class Handshake {
  readonly #state: BrokerState
  readonly #attach: (client: AedesClient) => void

  constructor(state: BrokerState, attach: (client: AedesClient) => void) {
    this.#state = state
    this.#attach = attach
  }

  async setup(): Promise<void> {
    await this.#state.load()
  }

  async destroy(): Promise<void> {}

  /** Aedes takes a session for present when it has a subscription. [MQTT-3.2.2-2] */
  async subscriptionsByClient({ id }: { readonly id: string }): Promise<readonly { topic: string; qos: number }[]> {
    return this.#state.sessions.get(id)?.isPersistent === true ? [{ topic: '#', qos: 0 }] : []
  }

  /** Called when CONNACK is on its way, for what waits. */
  outgoingStream(client: AedesClient): Readable {
    this.#attach(client)
    return Readable.from([])
  }

  // What is to be forgotten is when the session opens; wills are with their connections.

  async cleanSubscriptions(): Promise<void> {}

  async cleanIncoming(): Promise<void> {}

  async putWill(): Promise<void> {}

  async delWill(): Promise<void> {}
}
