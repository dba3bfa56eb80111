/**
 * The broker against mosquitto (with and without its set_tcp_nodelay) and stock Aedes. Rates of a shared machine say little; the ratio to
 * mosquitto with nodelay and the processor time of a message do.
 */

import type { BenchContext, Benchmark } from '../benchmark.ts'
import { BrokerSide, type SideName } from '../broker-side.ts'
import { connects, type Flow, flow, type Latency, latency, memory, offline } from '../broker-work.ts'
import { median, type Table } from '../table.ts'

const sideNames: readonly SideName[] = ['ours', 'mosquitto', 'mosquitto-nodelay', 'aedes']
const titles = { ours: 'ours', mosquitto: 'mosquitto', 'mosquitto-nodelay': 'nodelay', aedes: 'Aedes' }
const qualities = [0, 1, 2] as const
const connections = [0, 1000, 5000]

interface Work<Figure> {
  readonly name: string
  run(side: BrokerSide): Promise<Figure>
}

function flows(scale: number): readonly Work<Flow>[] {
  const at = (name: string, shape: Parameters<typeof flow>[2], counts: readonly [number, number]) =>
    qualities.map((qos) => ({
      name: `${name}, QoS ${qos}`,
      run: (side: BrokerSide) => flow(side, qos, shape, scale * (counts[qos === 2 ? 1 : 0] ?? 0)),
    }))
  const persistent = { publishers: 8, subscribers: 8, paired: true, clean: false }
  return [
    ...at('fan-in 10 to 1', { publishers: 10, subscribers: 1 }, [60_000, 20_000]),
    ...at('fan-out 1 to 20', { publishers: 1, subscribers: 20 }, [160_000, 40_000]),
    ...at('8 pairs', { publishers: 8, subscribers: 8, paired: true }, [60_000, 20_000]),
    { name: 'persistent online, QoS 1', run: (side) => flow(side, 1, persistent, scale * 8000) },
    { name: 'persistent offline, QoS 1', run: (side) => offline(side, 900) },
    { name: 'connects', run: (side) => connects(side, 1000) },
  ]
}

/** Figures of each side by its name; the first round only warms up. */
async function measure<Figure>(
  sides: readonly BrokerSide[],
  work: Work<Figure>,
  { rounds, progress }: BenchContext,
): Promise<(name: SideName, figure: (taken: Figure) => number) => number> {
  const taken = new Map<SideName, Figure[]>(sides.map(({ name }) => [name, []]))
  for (let round = 0; round <= rounds; round++)
    for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
      progress(`${work.name}, ${side.name}, round ${round} of ${rounds}`)
      const figure = await work.run(side)
      if (round > 0) taken.get(side.name)?.push(figure)
    }
  return (name, figure) => median((taken.get(name) ?? []).map(figure))
}

async function measureFlows(sides: readonly BrokerSide[], context: BenchContext): Promise<Table> {
  const rows = []
  for (const work of flows(context.scale)) {
    const figure = await measure(sides, work, context)
    const cells = sideNames.flatMap((name) => [
      figure(name, ({ perSecond }) => perSecond),
      figure(name, ({ cpuUs }) => cpuUs),
    ])
    const perSecond = (name: SideName) => figure(name, (taken) => taken.perSecond)
    rows.push({ name: work.name, cells: [...cells, perSecond('mosquitto-nodelay') / perSecond('ours')] })
  }
  const columns = sideNames.flatMap((name) => [{ name: `${titles[name]} /s`, digits: 0 }, { name: 'CPU us' }])
  return { title: 'Messages a second', columns: [...columns, { name: 'nodelay/ours', isRatio: true }], rows }
}

async function measureLatency(sides: readonly BrokerSide[], context: BenchContext): Promise<Table> {
  const rows = []
  for (const qos of [0, 1] as const) {
    const figure = await measure<Latency>(sides, { name: `QoS ${qos}`, run: (side) => latency(side, qos, 2) }, context)
    const cells = sideNames.flatMap((name) => [
      figure(name, ({ p50Ms }) => p50Ms),
      figure(name, ({ p99Ms }) => p99Ms),
      figure(name, ({ cpuUs }) => cpuUs),
    ])
    rows.push({ name: `QoS ${qos}`, cells })
  }
  const columns = sideNames.flatMap((name) => [
    { name: titles[name], digits: 2 },
    { name: 'p99 ms', digits: 2 },
    { name: 'CPU us' },
  ])
  return { title: '1,000 messages a second: p50 and p99 in ms', columns, rows }
}

/** Each side in a process of its own that has done nothing else. */
async function measureMemory({ progress }: BenchContext): Promise<Table> {
  const rows = []
  for (const name of sideNames) {
    progress(`${name}, ${connections.at(-1)} connections`)
    const side = await BrokerSide.start(name)
    try {
      const rssKiB = await memory(side, connections)
      const each = ((rssKiB[2] ?? 0) - (rssKiB[1] ?? 0)) / ((connections[2] ?? 0) - (connections[1] ?? 0))
      rows.push({ name: titles[name], cells: [...rssKiB.map((value) => value / 1024), each] })
    } finally {
      await side.stop()
    }
  }
  const columns = [...connections.map((count) => ({ name: `${count}, MiB` })), { name: 'KiB each' }]
  return { title: 'Resident with idle connections', columns, rows }
}

export const broker: Benchmark = {
  name: 'broker',
  about: 'the broker alone, against mosquitto and stock Aedes',
  async run(context) {
    const sides: BrokerSide[] = []
    try {
      for (const name of sideNames) sides.push(await BrokerSide.start(name))
      return [await measureFlows(sides, context), await measureLatency(sides, context), await measureMemory(context)]
    } finally {
      for (const side of sides) await side.stop()
    }
  },
}
