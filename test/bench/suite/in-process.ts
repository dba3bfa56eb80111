/** The CSE and its store without any protocol around them. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type BenchContext, type Benchmark, serverPath } from '../benchmark.ts'
import type { InProcessFigures, Specification } from '../server/in-process.ts'
import { median } from '../table.ts'

/** Medians over the rounds of what a specification comes to, each in a new process on a new store. */
export async function measureInProcess(
  context: BenchContext,
  specification: Omit<Specification, 'directory'>,
  rounds = context.rounds,
): Promise<InProcessFigures> {
  const all: InProcessFigures[] = []
  for (let round = 0; round < rounds; round++) {
    context.progress(`${specification.operation}, ${specification.inFlight} in flight, round ${round + 1} of ${rounds}`)
    const argument = JSON.stringify({ ...specification, directory: context.directory('in-process') })
    const { stdout } = await promisify(execFile)(process.execPath, [serverPath('in-process'), argument])
    all.push(JSON.parse(stdout) as InProcessFigures)
  }
  const of = (name: keyof InProcessFigures) => median(all.map((figures) => figures[name]))
  return {
    cpuUs: of('cpuUs'),
    perSecond: of('perSecond'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    groupSize: of('groupSize'),
    readP99Ms: of('readP99Ms'),
    rssMiB: of('rssMiB'),
  }
}

export const inProcess: Benchmark = {
  name: 'in-process',
  about: 'RETRIEVE and CREATE as adapters make them, without a protocol',
  async run(context) {
    const rows = []
    for (const operation of ['retrieve', 'create'] as const)
      for (const inFlight of [1, 16, 64]) {
        const count = Math.round(context.scale * (inFlight === 1 ? 4000 : 20_000))
        const figures = await measureInProcess(context, { operation, count, inFlight, contentBytes: 64, syncMs: 0 }, 3)
        const { cpuUs, perSecond, p50Ms, p99Ms, groupSize } = figures
        rows.push({ name: `${operation}, ${inFlight} in flight`, cells: [cpuUs, perSecond, p50Ms, p99Ms, groupSize] })
      }
    return [
      {
        title: 'In process',
        columns: [
          { name: 'CPU us' },
          { name: 'per second', digits: 0 },
          { name: 'p50 ms', digits: 3 },
          { name: 'p99 ms', digits: 3 },
          { name: 'group' },
        ],
        rows,
      },
    ]
  },
}
