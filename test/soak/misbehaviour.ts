/** Ways in which a client makes trouble, each with parameters of its own: what comes in at a gateway that the network can reach. */

import { connect, type Socket } from 'node:net'
import mqtt from 'mqtt-packet'

export interface Target {
  readonly host: string
  /** The address to come from, where there is more than one. */
  readonly localAddress?: string
  readonly ports: Readonly<Record<'mqtt' | 'http' | 'websocket', number>>
  /** Of a client that is let in; without one, who is there is nobody. */
  readonly account: { readonly username: string; readonly password: string } | undefined
  /** Whom it pretends to be. */
  readonly victim: { readonly clientId: string; readonly originator: string }
  /** Between 0 and 1. */
  random(): number
}

/** One connection, from when it is open to when either side closes it. */
export class Visit {
  readonly target: Target
  readonly socket: Socket
  readonly #timers: NodeJS.Timeout[] = []

  constructor(target: Target, port: keyof Target['ports']) {
    const { host, ports, localAddress } = target
    this.target = target
    this.socket = connect({ host, port: ports[port], ...(localAddress === undefined ? {} : { localAddress }) })
    this.socket.on('error', () => {}).resume()
    this.socket.once('close', () => {
      for (const timer of this.#timers) clearInterval(timer)
    })
  }

  /** An integer, as small as `from` and smaller than `to`. */
  between(from: number, to: number): number {
    return from + Math.floor(this.target.random() * (to - from))
  }

  pick<T>(values: readonly T[]): T {
    return values[this.between(0, values.length)] as T
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.between(0, 256)))
  }

  write(...parts: readonly (Buffer | string)[]): void {
    // What the gateway does not read is not to pile up here.
    if (this.socket.writableLength > 1_048_576) return
    for (const part of parts) this.socket.write(part)
  }

  every(periodMs: number, act: () => void): void {
    this.#timers.push(setInterval(act, periodMs))
  }

  /** CONNECT, as whoever the account is. */
  login({ will, clientId }: { readonly will?: mqtt.IConnectPacket['will']; readonly clientId?: string } = {}): void {
    const { account } = this.target
    this.write(
      mqtt.generate({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clientId: clientId ?? `trouble${this.between(0, 1e9)}`,
        clean: true,
        keepalive: 0,
        ...(account === undefined ? {} : { username: account.username, password: Buffer.from(account.password) }),
        ...(will === undefined ? {} : { will }),
      }),
    )
  }

  publication(topic: string, payload: string | Buffer, more: Partial<mqtt.IPublishPacket> = {}): Buffer {
    return mqtt.generate({ cmd: 'publish', topic, payload, qos: 0, retain: false, dup: false, ...more })
  }
}

export interface Misbehaviour {
  readonly port: keyof Target['ports']
  act(visit: Visit): void
}

const over = (port: keyof Target['ports'], act: (visit: Visit) => void): Misbehaviour => ({ port, act })

/** Little by little, so that each byte comes in time and the whole never does. */
function drip(visit: Visit, bytes: Buffer | string): void {
  const all = Buffer.from(bytes)
  let at = 0
  visit.every(visit.between(100, 2000), () => visit.write(all.subarray(at, ++at)))
}

function request(visit: Visit, originator: string, content: string): Buffer {
  return visit.publication(`/oneM2M/req/${originator}/mn-cse-1/json`, content, { qos: 1, messageId: 1 })
}

const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

const asked = (visit: Visit) => ({
  op: visit.between(1, 6),
  to: visit.pick(['onem2m', 'onem2m/honest', '-', 'onem2m/../x', '//x/y/z', '']),
  fr: visit.target.victim.originator,
  rqi: `r${visit.between(0, 1e9)}`,
  rvi: '3',
})

function head({ target: { account, victim } }: Visit, length: number): string {
  const secret = account === undefined ? '' : Buffer.from(`${account.username}:${account.password}`).toString('base64')
  const authorization = secret === '' ? '' : `Authorization: Basic ${secret}\r\n`
  return `POST /onem2m HTTP/1.1\r\nHost: gateway\r\n${authorization}X-M2M-Origin: ${victim.originator}\r\nX-M2M-RI: r\r\nX-M2M-RVI: 3\r\nContent-Type: application/json;ty=2\r\nContent-Length: ${length}\r\n\r\n`
}

export const misbehaviours: Readonly<Record<string, Misbehaviour>> = {
  'says nothing': over('mqtt', () => {}),
  'says nothing to HTTP': over('http', () => {}),
  'asks for no WebSocket': over('websocket', () => {}),
  'sends its CONNECT byte by byte': over('mqtt', (visit) =>
    drip(visit, mqtt.generate({ cmd: 'connect', clientId: 'slow', clean: true, protocolId: 'MQTT' })),
  ),
  'sends noise': over('mqtt', (visit) => visit.write(visit.bytes(visit.between(1, 4000)))),
  'sends noise when it is in': over('mqtt', (visit) => {
    visit.login()
    visit.every(visit.between(10, 200), () => visit.write(visit.bytes(visit.between(1, 200))))
  }),
  'announces more than may come': over('mqtt', (visit) => {
    visit.login()
    visit.write(Buffer.from([0x30, 0xff, 0xff, 0xff, visit.between(1, 0x7f)]))
  }),
  'sends half of a packet': over('mqtt', (visit) => {
    visit.login()
    const packet = visit.publication('mallory/half', Buffer.alloc(visit.between(1000, 200_000)))
    visit.write(packet.subarray(0, packet.length - visit.between(1, 999)))
  }),
  'publishes without end': over('mqtt', (visit) => {
    visit.login()
    const payload = 'x'.repeat(visit.between(1, 2000))
    visit.every(visit.between(5, 50), () => visit.write(visit.publication(`mallory/${visit.between(0, 100)}`, payload)))
  }),
  'publishes at QoS 1 and reads no answers': over('mqtt', (visit) => {
    visit.socket.pause()
    visit.login()
    let messageId = 0
    visit.every(visit.between(5, 50), () => {
      messageId = (messageId % 65_535) + 1
      visit.write(visit.publication('mallory/one', 'x', { qos: 1, messageId }))
    })
  }),
  'never completes QoS 2': over('mqtt', (visit) => {
    visit.login()
    let messageId = 0
    visit.every(visit.between(2, 20), () => {
      messageId = (messageId % 65_535) + 1
      visit.write(visit.publication('mallory/two', 'x', { qos: 2, messageId }))
    })
  }),
  'acknowledges what was never sent': over('mqtt', (visit) => {
    visit.login()
    visit.every(visit.between(5, 50), () =>
      visit.write(Buffer.from([visit.pick([0x40, 0x50, 0x62, 0x70]), 2, visit.between(0, 256), visit.between(0, 256)])),
    )
  }),
  'subscribes to everything and reads nothing': over('mqtt', (visit) => {
    visit.socket.pause()
    visit.login()
    visit.write(mqtt.generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 1 }] }))
  }),
  'subscribes to ever more': over('mqtt', (visit) => {
    visit.login()
    visit.every(visit.between(5, 50), () => {
      const subscriptions = Array.from({ length: 50 }, () => ({
        topic: `mallory/${visit.between(0, 1e9)}/+/#`,
        qos: 0 as const,
      }))
      visit.write(mqtt.generate({ cmd: 'subscribe', messageId: 1, subscriptions }))
    })
  }),
  'retains on ever new topics': over('mqtt', (visit) => {
    visit.login()
    visit.every(visit.between(5, 50), () =>
      visit.write(visit.publication(`mallory/${visit.between(0, 1e9)}`, 'x'.repeat(500), { retain: true })),
    )
  }),
  'has topics too long and too deep': over('mqtt', (visit) => {
    visit.login()
    visit.write(visit.publication(visit.pick(['x'.repeat(60_000), 'a/'.repeat(2000), 'a/\u0000/b', '+/#']), 'x'))
  }),
  'pings without end': over('mqtt', (visit) => {
    visit.login()
    visit.every(visit.between(1, 5), () => visit.write(Buffer.alloc(2 * visit.between(1, 20), Buffer.from([0xc0, 0]))))
  }),
  'guesses passwords': over('mqtt', (visit) => {
    visit.write(
      mqtt.generate({
        cmd: 'connect',
        clientId: 'guess',
        clean: true,
        protocolId: 'MQTT',
        username: visit.pick(['admin', 'root', 'mallory0']),
        password: visit.bytes(12),
      }),
    )
  }),
  'takes the name of somebody else': over('mqtt', (visit) => visit.login({ clientId: visit.target.victim.clientId })),
  'leaves a will for somebody else': over('mqtt', (visit) => {
    const topic = `/oneM2M/req/${visit.target.victim.originator}/mn-cse-1/json`
    visit.login({ will: { topic, payload: Buffer.from(JSON.stringify(asked(visit))), qos: 1, retain: true } })
    visit.every(visit.between(100, 2000), () => visit.socket.destroy())
  }),
  'asks in the name of somebody else': over('mqtt', (visit) => {
    visit.login()
    visit.every(visit.between(10, 100), () =>
      visit.write(request(visit, visit.target.victim.originator, JSON.stringify(asked(visit)))),
    )
  }),
  'asks what no JSON is': over('mqtt', (visit) => {
    visit.login()
    visit.every(visit.between(10, 100), () =>
      visit.write(
        request(
          visit,
          'Cmallory',
          visit.pick(['{', '[]', '{"op":"x"}', '\ud800', 'null', visit.bytes(40).toString('latin1')]),
        ),
      ),
    )
  }),
  'asks in JSON of great depth': over('mqtt', (visit) => {
    visit.login()
    visit.every(visit.between(50, 500), () =>
      visit.write(request(visit, 'Cmallory', nested(visit.between(100, 20_000)))),
    )
  }),
  'sends the head of a request byte by byte': over('http', (visit) => drip(visit, head(visit, 10))),
  'sends the body of a request byte by byte': over('http', (visit) => {
    visit.write(head(visit, 10_000))
    drip(visit, 'x'.repeat(10_000))
  }),
  'sends a head that never ends': over('http', (visit) => {
    visit.write('GET / HTTP/1.1\r\n')
    visit.every(visit.between(5, 50), () => visit.write(`X-${visit.between(0, 1e9)}: ${'x'.repeat(500)}\r\n`))
  }),
  'sends a body too large': over('http', (visit) => visit.write(head(visit, 1e9), Buffer.alloc(1_000_000))),
  'sends noise to HTTP': over('http', (visit) => visit.write(visit.bytes(visit.between(1, 4000)))),
  'asks HTTP in the name of somebody else': over('http', (visit) => {
    const body = JSON.stringify({ 'm2m:ae': { rn: `x${visit.between(0, 1e9)}`, api: 'N', rr: false, srv: ['3'] } })
    visit.every(visit.between(50, 500), () => visit.write(head(visit, body.length), body))
  }),
  'asks HTTP in JSON of great depth': over('http', (visit) => {
    const body = nested(visit.between(100, 10_000))
    visit.every(visit.between(50, 500), () => visit.write(head(visit, body.length), body))
  }),
  'sends noise for a WebSocket': over('websocket', (visit) => {
    visit.write(
      'GET /mqtt HTTP/1.1\r\nHost: gateway\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    visit.every(visit.between(10, 200), () => visit.write(visit.bytes(visit.between(1, 200))))
  }),
}

/** Comes, makes trouble, and comes again when it was closed, until it is stopped. */
export class Troublemaker {
  readonly #target: Target
  readonly #misbehaviour: Misbehaviour
  #socket: Socket | undefined
  #again: NodeJS.Timeout | undefined
  #isStopped = false
  visits = 0

  constructor(target: Target, misbehaviour: Misbehaviour) {
    this.#target = target
    this.#misbehaviour = misbehaviour
  }

  start(): void {
    if (this.#isStopped) return
    this.visits++
    const { port, act } = this.#misbehaviour
    const visit = new Visit(this.#target, port)
    this.#socket = visit.socket
    visit.socket.once('connect', () => act(visit))
    visit.socket.once('close', () => {
      this.#again = setTimeout(() => this.start(), visit.between(100, 1000))
    })
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#again)
    this.#socket?.destroy()
  }
}
