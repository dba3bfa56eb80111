/** What a request costs on each side, as a ratio to the floor of the same round. */

import {
  type BenchContext,
  type Benchmark,
  createContainer,
  createInstance,
  prepare,
  startBrokerAndCse,
  startFloor,
  startGateway,
  startGenericPath,
} from '../benchmark.ts'
import { HttpLoad, type Load, MqttLoad, type Request, type Result } from '../load.ts'
import type { Side } from '../side.ts'
import { median, type Table } from '../table.ts'

interface Work {
  readonly name: string
  readonly inFlight: number
  readonly over: 'mqtt-0' | 'mqtt-1' | 'http'
  /** Names of the sides beside the floor. */
  readonly sides: readonly string[]
  make(index: number): Request
}

const retrieveLatest = (): Request => ({ op: 2, to: 'onem2m/bench/values/la' })
const retrieveAe = (): Request => ({ op: 2, to: 'onem2m/bench' })
const create = () => createInstance('onem2m/bench/values')
const spreadOver = 100
/** A gateway of its own for works of many kinds: what LevelDB compacts after one would count for the next. */
const second = 'ours, second'
const everySide = ['ours', 'generic path', 'broker and CSE']
const depths = [1, 16, 64]

const works: readonly Work[] = [
  ...(['mqtt-0', 'mqtt-1'] as const).flatMap((over) =>
    depths.flatMap((inFlight): readonly Work[] => [
      { name: 'RETRIEVE la', inFlight, over, sides: everySide, make: retrieveLatest },
      { name: 'CREATE 64 B', inFlight, over, sides: everySide, make: create },
    ]),
  ),
  ...[16, 64].flatMap((inFlight): readonly Work[] => [
    { name: 'RETRIEVE AE', inFlight, over: 'mqtt-0', sides: [second], make: retrieveAe },
    {
      name: 'CREATE 1 KiB',
      inFlight,
      over: 'mqtt-0',
      sides: [second],
      make: () => createInstance('onem2m/bench/values', 1024),
    },
    {
      name: `CREATE into ${spreadOver} containers`,
      inFlight,
      over: 'mqtt-0',
      sides: [second],
      make: (index) => createInstance(`onem2m/bench/c${index % spreadOver}`),
    },
    {
      name: 'CREATE, 1 subscription',
      inFlight,
      over: 'mqtt-0',
      sides: [second],
      make: () => createInstance('onem2m/bench/watched1'),
    },
    {
      name: 'CREATE, 20 subscriptions',
      inFlight,
      over: 'mqtt-0',
      sides: [second],
      make: () => createInstance('onem2m/bench/watched20'),
    },
    {
      name: 'CREATE, mni reached',
      inFlight,
      over: 'mqtt-0',
      sides: [second],
      make: () => createInstance('onem2m/bench/full'),
    },
    { name: 'CREATE, durability process', inFlight, over: 'mqtt-0', sides: ['process'], make: create },
  ]),
  ...depths.flatMap((inFlight): readonly Work[] => [
    { name: 'RETRIEVE la', inFlight, over: 'http', sides: ['ours'], make: retrieveLatest },
    { name: 'CREATE 64 B', inFlight, over: 'http', sides: ['ours'], make: create },
  ]),
]

const protocolNames = { 'mqtt-0': 'MQTT QoS 0', 'mqtt-1': 'MQTT QoS 1', http: 'HTTP' } as const

interface Figure extends Result {
  readonly cpuUs: number
}

export const request: Benchmark = {
  name: 'request',
  about:
    'RETRIEVE and CREATE over MQTT and HTTP, with 1, 16 and 64 in flight, against a bare echo and against mosquitto with a CSE',
  async run(context) {
    const sides = await startSides(context)
    const watchers: Load[] = []
    try {
      for (const side of sides.values()) watchers.push(...(await furnish(side)))
      const figures = await measureAll(context, sides)
      return [tableOf(figures), memoryOf(sides)]
    } finally {
      for (const load of watchers) load.close()
      for (const side of sides.values()) await side.stop()
    }
  },
}

async function startSides(context: BenchContext): Promise<ReadonlyMap<string, Side>> {
  const sides = [
    await startFloor(),
    await startGateway(context.directory('ours')),
    await startGateway(context.directory('second'), { name: second }),
    await startGateway(context.directory('process'), {
      name: 'process',
      environment: { FIELDGATE_STORE_DURABILITY: 'process' },
    }),
    await startGenericPath(context.directory('generic')),
    await startBrokerAndCse(context.directory('broker-and-cse')),
  ]
  return new Map(sides.filter((side) => side !== undefined).map((side) => [side.name, side]))
}

/** Everything that the works ask for. The loads that are returned take the notifications. */
async function furnish(side: Side): Promise<readonly Load[]> {
  if (side.name === 'floor') return []
  const load = await MqttLoad.open({ port: side.mqttPort })
  await prepare(load)
  if (side.name === second) {
    for (let index = 0; index < spreadOver; index++) await load.ask(createContainer('onem2m/bench', `c${index}`))
    await load.ask(createContainer('onem2m/bench', 'full', { mni: 100 }))
    for (const subscriptions of [1, 20]) {
      const parent = `onem2m/bench/watched${subscriptions}`
      await load.ask(createContainer('onem2m/bench', `watched${subscriptions}`, { mni: 10 }))
      for (let index = 0; index < subscriptions; index++)
        await load.ask({ op: 1, to: parent, ty: 23, pc: { 'm2m:sub': { nu: ['Cbench'], enc: { net: [3] } } } })
    }
    return [load]
  }
  load.close()
  return []
}

async function measureAll(
  context: BenchContext,
  sides: ReadonlyMap<string, Side>,
): Promise<ReadonlyMap<string, Figure[]>> {
  const figures = new Map<string, Figure[]>()
  // The first round only warms up.
  for (let round = -1; round < context.rounds; round++) {
    for (const work of works) {
      context.progress(`round ${round + 1} of ${context.rounds}: ${nameOf(work)}`)
      const taking = ['floor', ...work.sides]
      for (const name of round % 2 === 0 ? taking : taking.toReversed()) {
        const side = sides.get(name)
        if (side === undefined) continue
        const figure = await measure(side, work, context.scale)
        const key = `${nameOf(work)}, ${name}`
        if (round >= 0) figures.set(key, [...(figures.get(key) ?? []), figure])
      }
    }
  }
  return figures
}

async function measure(side: Side, { inFlight, over, make }: Work, scale: number): Promise<Figure> {
  const load =
    over === 'http'
      ? new HttpLoad(side.httpPort)
      : await MqttLoad.open({ port: side.mqttPort, qos: over === 'mqtt-0' ? 0 : 1 })
  const count = Math.round(scale * (inFlight === 1 ? 500 : 4000))
  const before = side.cpuUs
  const result = await load.run(count, inFlight, make)
  const cpuUs = (side.cpuUs - before) / count
  load.close()
  return { ...result, cpuUs }
}

function nameOf({ name, over, inFlight }: Work): string {
  return `${name}, ${protocolNames[over]}, ${inFlight} in flight`
}

function tableOf(figures: ReadonlyMap<string, readonly Figure[]>): Table {
  const rows = works.flatMap((work) =>
    work.sides.flatMap((side) => {
      const name = `${nameOf(work)}, ${side}`
      const own = figures.get(name)
      const floor = figures.get(`${nameOf(work)}, floor`) ?? []
      if (own === undefined) return []
      const of = (pick: (figure: Figure) => number) => median(own.map(pick))
      const cells = [
        median(own.map(({ cpuUs }, index) => cpuUs / (floor[index]?.cpuUs ?? Number.NaN))),
        of(({ cpuUs }) => cpuUs),
        median(floor.map(({ cpuUs }) => cpuUs)),
        of(({ count, wallMs }) => (count * 1000) / wallMs),
        of(({ p50Ms }) => p50Ms),
        of(({ p99Ms }) => p99Ms),
      ]
      return [{ name, cells }]
    }),
  )
  return {
    title: 'Requests',
    columns: [
      { name: 'CPU/floor', isRatio: true },
      { name: 'CPU us' },
      { name: 'floor us' },
      { name: 'per second', digits: 0 },
      { name: 'p50 ms', digits: 2 },
      { name: 'p99 ms', digits: 2 },
    ],
    rows,
  }
}

function memoryOf(sides: ReadonlyMap<string, Side>): Table {
  return {
    title: 'Memory after all requests',
    columns: [{ name: 'RSS MiB' }],
    rows: [...sides.values()].map((side) => ({ name: side.name, cells: [side.rssMiB] })),
  }
}
