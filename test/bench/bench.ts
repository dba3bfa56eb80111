/**
 * What a request costs, as a ratio to the floor in the same run: sides take turns, each figure is the median of the rounds. Absolute rates say
 * little on a shared machine; the ratios and the processor time do.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { MqttLoad, type Request, type Result } from './load.ts'
import { Side } from './side.ts'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    requests: { type: 'string', default: '6000' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (options.help) {
  process.stdout.write(`npm run bench -- [--only TEXT] [--rounds N] [--requests N] [--json]

  --only TEXT    rows whose name contains TEXT
  --rounds N     rounds of which the median is taken (5)
  --requests N   requests of each side in each round (6000)
  --json         one JSON object instead of the table
`)
  process.exit(0)
}

interface Work {
  readonly name: string
  readonly inFlight: number
  readonly qos: 0 | 1
  readonly make: (index: number) => Request
}

const retrieveLatest = (): Request => ({ op: 2, to: 'onem2m/bench/values/la' })
const createInstance = (): Request => ({
  op: 1,
  to: 'onem2m/bench/values',
  ty: 4,
  pc: { 'm2m:cin': { con: 'x'.repeat(64) } },
})

const works: readonly Work[] = ([0, 1] as const).flatMap((qos) =>
  [1, 16, 64].flatMap((inFlight) => [
    { name: `RETRIEVE la, QoS ${qos}, ${inFlight} in flight`, inFlight, qos, make: retrieveLatest },
    { name: `CREATE durable, QoS ${qos}, ${inFlight} in flight`, inFlight, qos, make: createInstance },
  ]),
)

interface Figure extends Result {
  readonly cpuUs: number
}

const root = join(import.meta.dirname, '../..')
const directory = mkdtempSync(join(tmpdir(), 'fieldgate-bench-'))
const gateway = (name: string, environment: Record<string, string> = {}) =>
  Side.start({
    name,
    command: [
      join(root, 'dist/fieldgate.cjs'),
      'gateway',
      '--data-dir',
      join(directory, name),
      '--mqtt',
      '127.0.0.1:0',
      '--http',
      '127.0.0.1:0',
    ],
    environment: { FIELDGATE_ADAPTERS_SYSTEM_ENABLED: 'false', ...environment },
  })

const floor = await Side.start({ name: 'floor', command: [join(import.meta.dirname, 'floor.ts')] })
const ours = await gateway('ours')
const sides = [floor, ours]
const idleMiB = ours.rssMiB
const figures = new Map<string, Figure[]>()
const rounds = Number(options.rounds)

try {
  await prepare(ours)
  const chosen = works.filter(({ name }) => name.includes(options.only ?? ''))
  for (let round = -1; round < rounds; round++) {
    for (const work of chosen) {
      for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
        const figure = await measure(side, work)
        // The first round only warms up.
        if (round >= 0) keep(`${work.name} ${side.name}`, figure)
      }
      if (process.stderr.isTTY)
        process.stderr.write(`\r${' '.repeat(60)}\rround ${round + 1} of ${rounds}: ${work.name}`)
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  report(chosen)
} finally {
  for (const side of sides) await side.stop()
  rmSync(directory, { recursive: true, force: true })
}

async function prepare(side: Side): Promise<void> {
  const load = await MqttLoad.open(side.mqttPort)
  await load.ask({ op: 1, to: 'onem2m', ty: 2, pc: { 'm2m:ae': { rn: 'bench', api: 'Nbench', rr: true, srv: ['3'] } } })
  await load.ask({ op: 1, to: 'onem2m/bench', ty: 3, pc: { 'm2m:cnt': { rn: 'values' } } })
  await load.ask(createInstance())
  load.close()
}

async function measure(side: Side, { inFlight, qos, make }: Work): Promise<Figure> {
  const load = await MqttLoad.open(side.mqttPort, qos)
  const count = Math.max(inFlight, Math.round(Number(options.requests) / (inFlight === 1 ? 4 : 1)))
  const before = side.cpuUs
  const result = await load.run(count, inFlight, make)
  const cpuUs = (side.cpuUs - before) / count
  load.close()
  return { ...result, cpuUs }
}

function keep(key: string, figure: Figure): void {
  const list = figures.get(key)
  if (list === undefined) figures.set(key, [figure])
  else list.push(figure)
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN
}

function report(chosen: readonly Work[]): void {
  const rows = chosen.map(({ name }) => {
    const of = (side: string, pick: (figure: Figure) => number) =>
      median((figures.get(`${name} ${side}`) ?? []).map(pick))
    const ratios = (figures.get(`${name} ours`) ?? []).map(
      ({ cpuUs }, index) => cpuUs / (figures.get(`${name} floor`)?.[index]?.cpuUs ?? Number.NaN),
    )
    return {
      name,
      cpuRatio: median(ratios),
      cpuUs: of('ours', ({ cpuUs }) => cpuUs),
      floorCpuUs: of('floor', ({ cpuUs }) => cpuUs),
      perSecond: of('ours', ({ count, wallMs }) => (count * 1000) / wallMs),
      p50Ms: of('ours', ({ p50Ms }) => p50Ms),
      p99Ms: of('ours', ({ p99Ms }) => p99Ms),
    }
  })
  const machine = { startMs: ours.startMs, idleMiB, loadedMiB: ours.rssMiB }
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ rows, ...machine })}\n`)
    return
  }
  const line = (cells: readonly string[]) =>
    `${(cells[0] ?? '').padEnd(38)}${cells
      .slice(1)
      .map((cell) => cell.padStart(11))
      .join('')}\n`
  process.stdout.write(line(['', 'CPU/floor', 'CPU us', 'floor us', 'per second', 'p50 ms', 'p99 ms']))
  for (const row of rows)
    process.stdout.write(
      line([
        row.name,
        `${row.cpuRatio.toFixed(2)}x`,
        row.cpuUs.toFixed(1),
        row.floorCpuUs.toFixed(1),
        row.perSecond.toFixed(0),
        row.p50Ms.toFixed(2),
        row.p99Ms.toFixed(2),
      ]),
    )
  process.stdout.write(
    `\nspawn to ready ${machine.startMs.toFixed(0)} ms, RSS ${machine.idleMiB.toFixed(0)} MiB idle, ${machine.loadedMiB.toFixed(0)} MiB after the load\n`,
  )
}
