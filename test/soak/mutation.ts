/**
 * Bytes that no well-behaved client sends: what a client of each listener may say, bent, cut, mixed and broken to pieces, and noise. An attack
 * is known by its seed and its number, and is the same bytes each time.
 */

import mqtt from 'mqtt-packet'
import { createChance } from '../../src/adapters/virtual/waveform.ts'

export interface Attack {
  readonly port: 'mqtt' | 'websocket' | 'http'
  /** As they are written, one after the other. */
  readonly chunks: readonly Buffer[]
  /** How long an answer is waited for. */
  readonly patienceMs: number
  /** Whether the connection is reset then, or ended in good order. */
  readonly isReset: boolean
}

export interface Account {
  readonly username: string
  readonly password: string
}

/** Values at which lengths, types and identifiers change their meaning. */
const edges = [0x00, 0x01, 0x7f, 0x80, 0xc0, 0xfe, 0xff]

/** Choices that follow from two numbers. */
class Draw {
  readonly #chance: () => number

  constructor(seed: number, index: number) {
    this.#chance = createChance(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b))
  }

  /** An integer, as small as `from` and smaller than `to`. */
  between(from: number, to: number): number {
    return from + Math.floor(this.#chance() * (to - from))
  }

  pick<T>(values: readonly T[]): T {
    return values[this.between(0, values.length)] as T
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.between(0, times) === 0
  }

  times<T>(count: number, make: () => T): T[] {
    return Array.from({ length: count }, make)
  }

  bytes(length: number): Buffer {
    return Buffer.from(this.times(length, () => this.between(0, 256)))
  }
}

type Mutation = (bytes: Buffer, draw: Draw) => Buffer

/** `bytes` with `inserted` in place of what is between the two offsets. */
const spliced = (bytes: Buffer, from: number, to: number, inserted: Buffer) =>
  Buffer.concat([bytes.subarray(0, from), inserted, bytes.subarray(to)])

const mutations: readonly Mutation[] = [
  function flip(bytes, draw) {
    const flipped = Buffer.from(bytes)
    for (let count = draw.between(1, 9); count > 0; count--) {
      const at = draw.between(0, bytes.length)
      flipped[at] = (flipped[at] as number) ^ (1 << draw.between(0, 8))
    }
    return flipped
  },
  function overwrite(bytes, draw) {
    const at = draw.between(0, bytes.length)
    return spliced(bytes, at, at + 1, Buffer.from([draw.pick(edges)]))
  },
  function truncate(bytes, draw) {
    return bytes.subarray(0, draw.between(0, bytes.length))
  },
  function insert(bytes, draw) {
    const at = draw.between(0, bytes.length + 1)
    return spliced(bytes, at, at, draw.bytes(draw.between(1, 20)))
  },
  function remove(bytes, draw) {
    const at = draw.between(0, bytes.length)
    return spliced(bytes, at, at + draw.between(1, 9), Buffer.alloc(0))
  },
  function repeat(bytes, draw) {
    const at = draw.between(0, bytes.length)
    const piece = bytes.subarray(at, at + draw.between(1, 40))
    return spliced(bytes, at, at, Buffer.concat(draw.times(draw.between(1, 40), () => piece)))
  },
  /** Where MQTT and WebSockets have their lengths. */
  function lie(bytes, draw) {
    const lengths = [[draw.between(0, 128)], [0x80, 0x00], [0xff, 0xff, 0xff, 0x7f], [0xff, 0xff, 0xff, 0xff, 0xff]]
    return spliced(bytes, 1, 2, Buffer.from(draw.pick(lengths)))
  },
]

function mutated(bytes: Buffer, draw: Draw): Buffer {
  let result = bytes
  for (let count = draw.pick([0, 1, 1, 2, 3]); count > 0 && result.length > 0; count--)
    result = draw.pick(mutations)(result, draw)
  return result
}

function broken(bytes: Buffer, draw: Draw): Buffer[] {
  const cuts = draw.times(draw.between(0, 6), () => draw.between(0, bytes.length + 1))
  const places = [0, ...cuts.toSorted((left, right) => left - right), bytes.length]
  return places.slice(1).flatMap((place, index) => {
    const chunk = bytes.subarray(places[index], place)
    return chunk.length === 0 ? [] : [chunk]
  })
}

const noise = (draw: Draw) => draw.bytes(draw.pick([1, 2, 5, 30, 300, 3000]))

function login(draw: Draw, account: Account | undefined): Buffer {
  const [protocolId, protocolVersion] = draw.pick([['MQIsdp', 3] as const, ['MQTT', 4] as const, ['MQTT', 4] as const])
  return mqtt.generate({
    cmd: 'connect',
    protocolId,
    protocolVersion,
    // Few, so that they take over from each other and find what the last one left.
    clientId: `mallory${draw.between(0, 20)}`,
    clean: !draw.once(4),
    keepalive: draw.between(0, 100),
    ...(account === undefined ? {} : { username: account.username, password: Buffer.from(account.password) }),
    ...(draw.once(4) ? { will: { topic: 'mallory/will', payload: draw.bytes(10), qos: 1, retain: false } } : {}),
  })
}

/** A oneM2M request in JSON, of an application that may exist, for what it may have. */
function primitive(draw: Draw): string {
  const content = draw.pick([
    { ty: 2, to: 'onem2m', pc: { 'm2m:ae': { rn: 'mallory', api: 'N.mallory', rr: false, srv: ['3'] } } },
    { ty: 3, to: 'onem2m/mallory', pc: { 'm2m:cnt': { rn: 'box', mni: 10 } } },
    { ty: 4, to: 'onem2m/mallory/box', pc: { 'm2m:cin': { con: 'x' } } },
    {
      ty: 23,
      to: 'onem2m/mallory/box',
      pc: { 'm2m:sub': { rn: 'own', nu: ['Cmallory'], nct: 1, enc: { net: [3] } } },
    },
    { to: 'onem2m/mallory', fc: { fu: 1, lim: 5 } },
  ])
  const rqi = `r${draw.between(0, 1e9)}`
  return JSON.stringify({ op: 'ty' in content ? 1 : draw.between(2, 5), fr: 'Cmallory', rqi, rvi: '3', ...content })
}

function mqttPacket(draw: Draw): Buffer {
  const messageId = draw.between(1, 10)
  const topic = draw.pick(['mallory', 'mallory/a/b', 'mallory/+', '/oneM2M/resp/Cmallory/#', '#'])
  const publication = { cmd: 'publish', dup: draw.once(4), qos: draw.pick([0, 1, 2] as const), messageId } as const
  return mqtt.generate(
    draw.pick<mqtt.Packet>([
      { ...publication, topic: 'mallory/a', payload: draw.bytes(20), retain: draw.once(4) },
      { ...publication, topic: '/oneM2M/req/Cmallory/mn-cse-1/json', payload: primitive(draw), retain: false },
      { ...publication, topic: '/oneM2M/req/Cmallory/mn-cse-1/cbor', payload: draw.bytes(40), retain: false },
      { cmd: 'subscribe', messageId, subscriptions: [{ topic, qos: draw.pick([0, 1, 2] as const) }] },
      { cmd: 'unsubscribe', messageId, unsubscriptions: [topic] },
      { cmd: draw.pick(['puback', 'pubrec', 'pubrel', 'pubcomp']), messageId },
      { cmd: draw.pick(['pingreq', 'pingresp', 'disconnect']) },
      { cmd: 'connack', returnCode: 0, sessionPresent: false },
      { cmd: 'suback', messageId, granted: [0] },
      { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clientId: 'mallory', clean: true, keepalive: 0 },
    ]),
  )
}

/** Whoever gives the right password is let in as it is: the wrong one is refused by the first byte, and soon all of its address. */
function mqttTrain(draw: Draw, account: Account): Buffer[] {
  if (draw.once(10)) return [noise(draw)]
  const first = draw.once(4) ? mutated(login(draw, undefined), draw) : login(draw, draw.pick([account, undefined]))
  const packets = draw.times(draw.between(0, 12), () => (draw.once(15) ? noise(draw) : mutated(mqttPacket(draw), draw)))
  return [first, ...packets]
}

const handshake = (path: string, protocol: string) =>
  Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Protocol: ${protocol}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  )

/** One frame as clients send it (RFC 6455, section 5.2): masked, here with zeros, so that what it holds is what was meant. */
function frame(payload: Buffer, opcode: number): Buffer {
  const { length } = payload
  const head = length < 126 ? [0x80 | length] : [0xfe, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([0x80 | opcode, ...head, 0, 0, 0, 0]), payload.subarray(0, 0xffff)])
}

/** Frames with broken content, broken frames, or no frames at all. */
function framed(parts: readonly Buffer[], opcode: number, draw: Draw): Buffer[] {
  const howBroken = draw.between(0, 3)
  return parts.map((part) => {
    if (howBroken === 0) return noise(draw)
    const whole = frame(part.subarray(0, 0xffff), draw.once(10) ? draw.between(0, 16) : opcode)
    return howBroken === 1 ? mutated(whole, draw) : whole
  })
}

function httpRequest(draw: Draw): Buffer {
  const body = draw.pick([primitive(draw), '{"m2m:ae":{"rn":"mallory","api":"N.m","rr":false,"srv":["3"]}}', ''])
  const path = draw.pick([
    '/onem2m',
    '/onem2m/mallory?fu=1&lim=3',
    '/~/mn-cse-1/onem2m',
    '/_/x/y',
    '/onem2m/mallory/box',
  ])
  const head =
    `${draw.pick(['GET', 'POST', 'PUT', 'OPTIONS', 'TRACE'])} ${path} HTTP/1.1\r\nHost: localhost\r\nX-M2M-Origin: Cmallory\r\n` +
    `X-M2M-RI: r${draw.between(0, 1e9)}\r\nX-M2M-RVI: 3\r\nAccept: application/json\r\nContent-Type: application/json;ty=${draw.between(1, 31)}\r\n`
  const isChunked = draw.once(3)
  return Buffer.from(
    isChunked
      ? `${head}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
      : `${head}Content-Length: ${body.length}\r\n\r\n${body}`,
  )
}

const kinds: readonly ((
  draw: Draw,
  account: Account,
) => Pick<Attack, 'port'> & { readonly parts: readonly Buffer[] })[] = [
  (draw, account) => ({ port: 'mqtt', parts: mqttTrain(draw, account) }),
  (draw, account) => {
    const upgrade = handshake('/mqtt', 'mqtt')
    const parts = framed(mqttTrain(draw, account), 2, draw)
    return { port: 'websocket', parts: [draw.once(6) ? mutated(upgrade, draw) : upgrade, ...parts] }
  },
  (draw) => {
    const parts = draw.times(draw.between(1, 5), () => (draw.once(15) ? noise(draw) : mutated(httpRequest(draw), draw)))
    return { port: 'http', parts }
  },
  (draw) => {
    const [protocol, opcode] = draw.pick([['oneM2M.json', 1] as const, ['oneM2M.cbor', 2] as const])
    const messages = draw.times(draw.between(1, 8), () => mutated(Buffer.from(primitive(draw)), draw))
    return { port: 'http', parts: [handshake('/', protocol), ...framed(messages, opcode, draw)] }
  },
]

/** The attack of this number, counted from 0, by somebody who has the account and somebody who has none. */
export function attackOf(seed: number, index: number, account: Account): Attack {
  const draw = new Draw(seed, index)
  const { port, parts } = (kinds[index % kinds.length] as (typeof kinds)[number])(draw, account)
  return { port, chunks: broken(Buffer.concat(parts), draw), patienceMs: draw.pick([0, 5, 20]), isReset: draw.once(3) }
}
