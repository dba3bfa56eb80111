/**
 * The broker against mosquitto (with and without its set_tcp_nodelay) and stock Aedes, as ratios within one run: sides take turns, each figure
 * is the median of the rounds. Rates of a shared machine say little; ratios and the processor time of a message do.
 */

import { parseArgs } from 'node:util'
import { Peer, Publisher, type QoS } from './broker-load.ts'
import { BrokerSide, type SideName, sideNames } from './broker-side.ts'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    sides: { type: 'string', default: sideNames.join() },
    rounds: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (options.help) {
  process.stdout.write(`node test/bench/broker.ts [--only TEXT] [--sides A,B] [--rounds N] [--scale N] [--json]

  --only TEXT   rows whose name contains TEXT
  --sides A,B   of ${sideNames.join(', ')}
  --rounds N    rounds of which the median is taken (5)
  --scale N     messages of each round, as a multiple of the usual (1)
  --json        one JSON object instead of the table
`)
  process.exit(0)
}

interface Figure {
  /** Messages, or connections, a second. */
  readonly rate?: number
  readonly cpuUs?: number
  readonly p50Ms?: number
  readonly p99Ms?: number
  readonly kiB?: number
}

interface Work {
  readonly name: string
  /** Also measured when only the first and last round are. */
  readonly rounds?: number
  run(side: BrokerSide): Promise<Figure>
}

const scale = Number(options.scale)

/** Messages from some publishers to some subscribers. Windows stay within what mosquitto handles of QoS 2: 20. */
async function flow(
  side: BrokerSide,
  qos: QoS,
  shape: {
    readonly publishers: number
    readonly subscribers: number
    readonly paired?: boolean
    readonly clean?: boolean
  },
  deliveries: number,
): Promise<Figure> {
  const { publishers: publisherCount, subscribers: subscriberCount, paired = false, clean = true } = shape
  const { port } = side
  const topicOf = (index: number) => `bench/${paired ? index : 0}/value`
  const subscribers = await Promise.all(
    Array.from({ length: subscriberCount }, (_, n) => Peer.open({ port, clientId: `sub${n}`, clean })),
  )
  await Promise.all(subscribers.map((peer, n) => peer.subscribe(topicOf(n), qos)))
  const peers = await Promise.all(
    Array.from({ length: publisherCount }, (_, n) => Peer.open({ port, clientId: `pub${n}` })),
  )
  const publishers = peers.map((peer, n) => new Publisher(peer, topicOf(n), qos, qos === 0 ? 100 : 20))
  const fan = paired ? 1 : subscriberCount
  const each = Math.ceil(deliveries / fan / publisherCount)
  const total = each * publisherCount * fan
  let delivered = 0
  const startUs = side.cpuUs
  const startMs = performance.now()
  await new Promise<void>((resolve) => {
    for (const [index, subscriber] of subscribers.entries())
      subscriber.onPublish = () => {
        delivered++
        // The last of a fan tells the publisher to go on.
        if (paired) publishers[index]?.delivered()
        else if (delivered % fan === 0) publishers[(delivered / fan) % publisherCount]?.delivered()
        if (delivered === total) resolve()
      }
    for (const publisher of publishers) publisher.start(each)
  })
  const seconds = (performance.now() - startMs) / 1000
  const cpuUs = (side.cpuUs - startUs) / total
  await Promise.all([...peers, ...subscribers].map((peer) => peer.close()))
  if (!clean) await forget(side, subscriberCount)
  return { rate: total / seconds, cpuUs }
}

async function forget(side: BrokerSide, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await (await Peer.open({ port: side.port, clientId: `sub${n}` })).close()
}

/** What waited for a session that was away, from CONNECT to the last message. */
async function offline(side: BrokerSide, count: number): Promise<Figure> {
  const { port } = side
  const sleeper = await Peer.open({ port, clientId: 'sub0', clean: false })
  await sleeper.subscribe('bench/0/value', 1)
  await sleeper.close()
  const peer = await Peer.open({ port, clientId: 'pub0' })
  const publisher = new Publisher(peer, 'bench/0/value', 1, 20)
  const startUs = side.cpuUs
  const startMs = performance.now()
  let acknowledged = 0
  await new Promise<void>((resolve) => {
    const goOn = peer.onAcknowledged
    peer.onAcknowledged = (messageId) => {
      goOn(messageId)
      if (++acknowledged === count) resolve()
    }
    publisher.start(count)
  })
  let delivered = 0
  const awake = await new Promise<Peer>((resolve) => {
    void Peer.open({ port, clientId: 'sub0', clean: false, onPublish: () => delivered++ }).then(resolve)
  })
  while (delivered < count) await new Promise((resolve) => setTimeout(resolve, 1))
  const seconds = (performance.now() - startMs) / 1000
  const cpuUs = (side.cpuUs - startUs) / count
  await Promise.all([awake.close(), peer.close()])
  await forget(side, 1)
  return { rate: count / seconds, cpuUs }
}

/** A thousand messages a second, as a gateway has them. */
async function latency(side: BrokerSide, qos: QoS, seconds: number): Promise<Figure> {
  const { port } = side
  const subscriber = await Peer.open({ port, clientId: 'sub0' })
  await subscriber.subscribe('bench/latency', qos)
  const peer = await Peer.open({ port, clientId: 'pub0' })
  const sentMs: number[] = []
  const tookMs: number[] = []
  subscriber.onPublish = () => tookMs.push(performance.now() - (sentMs[tookMs.length] as number))
  const startUs = side.cpuUs
  const startMs = performance.now()
  const total = seconds * 1000
  const packet = (messageId: number) => {
    const topic = Buffer.from('\0\x0dbench/latency')
    const body = Buffer.concat([
      topic,
      qos > 0 ? Buffer.from([messageId >> 8, messageId & 0xff]) : Buffer.alloc(0),
      Buffer.alloc(80, 'x'),
    ])
    return Buffer.concat([Buffer.from([0x30 | (qos << 1), body.length]), body])
  }
  while (sentMs.length < total) {
    const due = Math.min(total, Math.floor(performance.now() - startMs))
    while (sentMs.length < due) {
      sentMs.push(performance.now())
      peer.write(packet((sentMs.length % 65_535) + 1))
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  while (tookMs.length < total) await new Promise((resolve) => setTimeout(resolve, 1))
  const cpuUs = (side.cpuUs - startUs) / total
  await Promise.all([peer.close(), subscriber.close()])
  tookMs.sort((left, right) => left - right)
  return { cpuUs, p50Ms: tookMs[Math.floor(total * 0.5)] ?? 0, p99Ms: tookMs[Math.floor(total * 0.99)] ?? 0 }
}

async function connects(side: BrokerSide, count: number): Promise<Figure> {
  const startUs = side.cpuUs
  const startMs = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      while (next < count) await (await Peer.open({ port: side.port, clientId: `c${next++}` })).close()
    }),
  )
  return { rate: count / ((performance.now() - startMs) / 1000), cpuUs: (side.cpuUs - startUs) / count }
}

/** Resident memory that a connection with one subscription costs while it is idle: from 1,000 to `count` of them. */
async function idleMemory(side: BrokerSide, count: number): Promise<Figure> {
  const peers: Peer[] = []
  const grow = async (to: number) => {
    while (peers.length < to) {
      const more = await Promise.all(
        Array.from({ length: 100 }, (_, n) => Peer.open({ port: side.port, clientId: `idle${peers.length + n}` })),
      )
      await Promise.all(more.map((peer, n) => peer.subscribe(`idle/${peers.length + n}`, 0)))
      peers.push(...more)
    }
    await side.collectGarbage()
    return side.rssKiB
  }
  const few = await grow(1000)
  const many = await grow(count)
  await Promise.all(peers.map((peer) => peer.close()))
  return { kiB: (many - few) / (count - 1000) }
}

const qualities = [0, 1, 2] as const
const works: readonly Work[] = [
  ...qualities.map((qos) => ({
    name: `fan-in 10 to 1, QoS ${qos}`,
    run: (side: BrokerSide) =>
      flow(side, qos, { publishers: 10, subscribers: 1 }, scale * (qos === 2 ? 20_000 : 60_000)),
  })),
  ...qualities.map((qos) => ({
    name: `fan-out 1 to 20, QoS ${qos}`,
    run: (side: BrokerSide) =>
      flow(side, qos, { publishers: 1, subscribers: 20 }, scale * (qos === 2 ? 40_000 : 160_000)),
  })),
  ...qualities.map((qos) => ({
    name: `8 pairs, QoS ${qos}`,
    run: (side: BrokerSide) =>
      flow(side, qos, { publishers: 8, subscribers: 8, paired: true }, scale * (qos === 2 ? 20_000 : 60_000)),
  })),
  {
    name: 'persistent session online, QoS 1',
    run: (side) => flow(side, 1, { publishers: 8, subscribers: 8, paired: true, clean: false }, scale * 8000),
  },
  { name: 'persistent session offline, QoS 1', run: (side) => offline(side, 900) },
  { name: '1,000 messages a second, QoS 0', run: (side) => latency(side, 0, 1) },
  { name: '1,000 messages a second, QoS 1', run: (side) => latency(side, 1, 1) },
  { name: 'connects', run: (side) => connects(side, 1000) },
  { name: 'idle connection', rounds: 1, run: (side) => idleMemory(side, 5000) },
]

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const names = options.sides.split(',') as SideName[]
const sides: BrokerSide[] = []
const figures = new Map<string, Figure[]>()
const chosen = works.filter(({ name }) => name.includes(options.only))
try {
  for (const name of names) sides.push(await BrokerSide.start(name))
  const idleRss = Object.fromEntries(sides.map((side) => [side.name, side.rssKiB]))
  const rounds = Number(options.rounds)
  for (const work of chosen) {
    // The first round only warms up.
    for (let round = work.rounds === 1 ? 0 : -1; round < (work.rounds ?? rounds); round++)
      for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
        const figure = await work.run(side)
        if (round >= 0)
          figures.set(`${work.name}|${side.name}`, [...(figures.get(`${work.name}|${side.name}`) ?? []), figure])
      }
    if (!options.json) report(work)
  }
  if (options.json) process.stdout.write(`${JSON.stringify({ idleRss, figures: Object.fromEntries(figures) })}\n`)
  else
    process.stdout.write(
      `RSS when started, MiB: ${names.map((name) => `${name} ${((idleRss[name] ?? 0) / 1024).toFixed(0)}`).join(', ')}\n`,
    )
} finally {
  for (const side of sides) await side.stop()
}

function report(work: Work): void {
  process.stdout.write(`${work.name}\n`)
  const of = (name: SideName, key: keyof Figure) =>
    median((figures.get(`${work.name}|${name}`) ?? []).flatMap((figure) => figure[key] ?? []))
  for (const name of names) {
    const figure = (key: keyof Figure, unit: string, digits: number) =>
      Number.isNaN(of(name, key)) ? '' : `  ${of(name, key).toFixed(digits)} ${unit}`
    const ratio = of('ours', 'rate') / of(name, 'rate')
    process.stdout.write(
      `  ${name.padEnd(18)}${figure('rate', '/s', 0)}${figure('cpuUs', 'us', 1)}${figure('p50Ms', 'ms p50', 2)}${figure('p99Ms', 'ms p99', 2)}${figure('kiB', 'KiB', 1)}${
        Number.isNaN(ratio) || name === 'ours' ? '' : `  ours is ${ratio.toFixed(2)}x`
      }\n`,
    )
  }
}
