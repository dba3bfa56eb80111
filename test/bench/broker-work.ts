/** What brokers are given to do: messages in several shapes, sessions that come and go, a thousand messages a second, connections. */

import { Peer, Publisher, type QoS } from './broker-load.ts'
import type { BrokerSide } from './broker-side.ts'

export interface Flow {
  /** Messages, or connections, a second. */
  readonly perSecond: number
  /** Processor time of the broker for each. */
  readonly cpuUs: number
}

export interface Latency {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly cpuUs: number
}

/** Messages from some publishers to some subscribers. Windows stay within what mosquitto handles of QoS 2: 20. */
export async function flow(
  side: BrokerSide,
  qos: QoS,
  shape: {
    readonly publishers: number
    readonly subscribers: number
    readonly paired?: boolean
    readonly clean?: boolean
  },
  deliveries: number,
): Promise<Flow> {
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
  return { perSecond: total / seconds, cpuUs }
}

async function forget(side: BrokerSide, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await (await Peer.open({ port: side.port, clientId: `sub${n}` })).close()
}

/** What waited for a session that was away, from CONNECT to the last message. */
export async function offline(side: BrokerSide, count: number): Promise<Flow> {
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
  return { perSecond: count / seconds, cpuUs }
}

/** A thousand messages a second, as a gateway has them. */
export async function latency(side: BrokerSide, qos: QoS, seconds: number): Promise<Latency> {
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

export async function connects(side: BrokerSide, count: number): Promise<Flow> {
  const startUs = side.cpuUs
  const startMs = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      while (next < count) await (await Peer.open({ port: side.port, clientId: `c${next++}` })).close()
    }),
  )
  return { perSecond: count / ((performance.now() - startMs) / 1000), cpuUs: (side.cpuUs - startUs) / count }
}

/** Resident memory, KiB, with each of these numbers of idle connections that have one subscription. */
export async function memory(side: BrokerSide, counts: readonly number[]): Promise<readonly number[]> {
  const peers: Peer[] = []
  const rssKiB: number[] = []
  for (const count of counts) {
    while (peers.length < count) {
      const more = await Promise.all(
        Array.from({ length: 100 }, (_, n) => Peer.open({ port: side.port, clientId: `idle${peers.length + n}` })),
      )
      await Promise.all(more.map((peer, n) => peer.subscribe(`idle/${peers.length + n}`, 0)))
      peers.push(...more)
    }
    await side.collectGarbage()
    rssKiB.push(side.rssKiB)
  }
  await Promise.all(peers.map((peer) => peer.close()))
  return rssKiB
}
