/** Finding a few resources among many: by label, by label and type, and a thousand hits at once. */

import { type Benchmark, createAe, createContainer, startGateway } from '../benchmark.ts'
import { MqttLoad, type Request } from '../load.ts'
import { median, type Row } from '../table.ts'

const sizes = [10_000, 100_000]
const perParent = 1000

const discover = (criteria: Readonly<Record<string, unknown>>): Request => ({
  op: 2,
  to: 'onem2m',
  fc: { fu: 1, ...criteria },
})

const works: readonly (readonly [name: string, request: Request])[] = [
  ['100 by label', discover({ lbl: ['rare'] })],
  ['100 by label and type', discover({ lbl: ['rare'], ty: [3] })],
  ['1,000 by label and type', discover({ lbl: ['frequent'], ty: [3] })],
  ['100 by type', discover({ ty: [2] })],
]

export const discovery: Benchmark = {
  name: 'discovery',
  about: '100 and 1,000 hits among 10,000 and 100,000 containers',
  async run(context) {
    const rows: Row[] = []
    for (const size of sizes) {
      const side = await startGateway(context.directory(`discovery-${size}`))
      try {
        const load = await MqttLoad.open({ port: side.mqttPort })
        context.progress(`creating ${size} containers`)
        await load.ask(createAe('bench'))
        for (let index = 0; index < size / perParent; index++)
          await load.ask(createContainer('onem2m/bench', `p${index}`))
        await load.run(size, 64, (index) =>
          createContainer(`onem2m/bench/p${index % (size / perParent)}`, `c${index}`, {
            lbl: [
              ...(index % (size / 100) === 0 ? ['rare'] : []),
              ...(index % (size / 1000) === 1 ? ['frequent'] : []),
            ],
          }),
        )
        for (let index = 0; index < 99; index++)
          await load.ask({
            op: 1,
            to: 'onem2m',
            fr: 'C',
            ty: 2,
            pc: { 'm2m:ae': { api: 'Nbench', rr: false, srv: ['3'] } },
          })
        for (const [name, request] of works) {
          context.progress(`${name} of ${size}`)
          const figures: { readonly p50Ms: number; readonly p99Ms: number; readonly cpuMs: number }[] = []
          for (let round = -1; round < context.rounds; round++) {
            const count = Math.round(context.scale * 50)
            const before = side.cpuUs
            const { p50Ms, p99Ms } = await load.run(count, 1, () => request)
            if (round >= 0) figures.push({ p50Ms, p99Ms, cpuMs: (side.cpuUs - before) / count / 1000 })
          }
          const of = (pick: (figure: (typeof figures)[number]) => number) => median(figures.map(pick))
          const cells = [of(({ p50Ms }) => p50Ms), of(({ p99Ms }) => p99Ms), of(({ cpuMs }) => cpuMs), side.rssMiB]
          rows.push({ name: `${name}, of ${size}`, cells })
        }
        load.close()
      } finally {
        await side.stop()
      }
    }
    const columns = [
      { name: 'p50 ms', digits: 2 },
      { name: 'p99 ms', digits: 2 },
      { name: 'CPU ms', digits: 2 },
      { name: 'RSS MiB' },
    ]
    return [{ title: 'Discovery', columns, rows }]
  },
}
