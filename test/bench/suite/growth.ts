/** What size costs: a CREATE into containers that hold much already, and the start of a gateway that has kept much. */

import {
  type BenchContext,
  type Benchmark,
  createAe,
  createContainer,
  createInstance,
  startGateway,
} from '../benchmark.ts'
import { MqttLoad } from '../load.ts'
import { median, type Row, type Table } from '../table.ts'

export const growth: Benchmark = {
  name: 'growth',
  about:
    'CREATE into containers of up to 10^6 instances; start and memory with up to 10^5 resources, 10^6 instances (10^7 with --full)',
  async run(context) {
    return [await growContainer(context), await growTree(context)]
  },
}

async function growContainer(context: BenchContext): Promise<Table> {
  const directory = context.directory('container')
  const rows: Row[] = []
  const sizes = [0, 10_000, 1_000_000, ...(context.isFull ? [10_000_000] : [])]
  let side = await startGateway(directory)
  let firstCpuUs = Number.NaN
  let held = 0
  try {
    const setUp = await MqttLoad.open({ port: side.mqttPort })
    await setUp.ask(createAe('bench'))
    await setUp.ask(createContainer('onem2m/bench', 'values'))
    setUp.close()
    const create = () => createInstance('onem2m/bench/values')
    for (const size of sizes) {
      context.progress(`filling a container to ${size}`)
      let load = await MqttLoad.open({ port: side.mqttPort })
      if (size > held) await load.run(size - held, 64, create)
      held = Math.max(held, size)
      load.close()
      await side.stop()
      side = await startGateway(directory)
      load = await MqttLoad.open({ port: side.mqttPort })
      const { startMs } = side
      await load.run(4000, 64, create)
      const figures = []
      for (let round = 0; round < context.rounds; round++) {
        const before = side.cpuUs
        const { p99Ms } = await load.run(4000, 64, create)
        figures.push({ cpuUs: (side.cpuUs - before) / 4000, p99Ms })
      }
      held += 4000 * (context.rounds + 1)
      const cpuUs = median(figures.map((figure) => figure.cpuUs))
      if (size === 0) firstCpuUs = cpuUs
      const retrieve = await load.run(500, 1, () => ({ op: 2, to: 'onem2m/bench/values/ol' }))
      const p99Ms = median(figures.map((figure) => figure.p99Ms))
      rows.push({
        name: `${size} instances`,
        cells: [cpuUs / firstCpuUs, cpuUs, p99Ms, retrieve.p50Ms, startMs, side.rssMiB],
      })
      load.close()
    }
  } finally {
    await side.stop()
  }
  const columns = [
    { name: 'CPU/empty', isRatio: true },
    { name: 'CPU us' },
    { name: 'p99 ms', digits: 2 },
    { name: 'oldest ms', digits: 2 },
    { name: 'start ms', digits: 0 },
    { name: 'RSS MiB' },
  ]
  return { title: 'CREATE into a container that holds', columns, rows }
}

async function growTree(context: BenchContext): Promise<Table> {
  const directory = context.directory('tree')
  const rows: Row[] = []
  let held = 0
  for (const size of [1000, 10_000, 100_000]) {
    context.progress(`growing the tree to ${size} resources`)
    const side = await startGateway(directory)
    const load = await MqttLoad.open({ port: side.mqttPort })
    if (held === 0) await load.ask(createAe('bench'))
    const first = held
    await load.run(size - held, 64, (index) =>
      createContainer('onem2m/bench', `c${first + index}`, { lbl: ['room:kitchen'], mni: 100 }),
    )
    held = size
    load.close()
    await side.stop()
    const starts = []
    const idle = []
    for (let round = 0; round < context.rounds; round++) {
      const again = await startGateway(directory)
      starts.push(again.startMs)
      await new Promise((resolve) => setTimeout(resolve, 500))
      idle.push(again.rssMiB)
      await again.stop()
    }
    rows.push({ name: `${size} resources`, cells: [median(starts), median(idle)] })
  }
  return {
    title: 'Start with',
    columns: [{ name: 'start ms', digits: 0 }, { name: 'RSS MiB' }],
    rows,
  }
}
