/** What it costs to know who asks: the same requests over a connection without credentials, and over one of an account, to the same gateway. */

import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { type Benchmark, createInstance, prepare, programPath, startGateway } from '../benchmark.ts'
import { MqttLoad, type Request } from '../load.ts'
import { median } from '../table.ts'

const inFlight = 64
const password = 'that of the benchmark'
const works: readonly (readonly [name: string, make: () => Request])[] = [
  ['RETRIEVE la', () => ({ op: 2, to: 'onem2m/bench/values/la' })],
  ['CREATE 64 B', () => createInstance('onem2m/bench/values')],
]

export const account: Benchmark = {
  name: 'account',
  about: `RETRIEVE and CREATE over a connection of an account, against one without credentials, ${inFlight} in flight`,
  async run(context) {
    const directory = context.directory('account')
    mkdirSync(directory, { recursive: true })
    const words = ['account', 'add', 'bench', '--originator', 'Cbench', '--stdin', '--data-dir', directory]
    const added = spawnSync(process.execPath, [programPath, ...words], { input: password, encoding: 'utf8' })
    if (added.status !== 0) throw new Error(added.stderr)
    const side = await startGateway(directory, {
      environment: {
        FIELDGATE_MQTT_MAX_MESSAGE_RATE: '1000000',
        FIELDGATE_MQTT_MAX_BYTE_RATE: '1GiB',
        FIELDGATE_ACCESS_UNPROTECTED: 'open',
      },
    })
    const rows = []
    try {
      const port = side.mqttPort
      const owner = await MqttLoad.open({ port, credentials: { username: 'bench', password } })
      await prepare(owner)
      owner.close()
      for (const [name, make] of works) {
        const figures = { nobody: [] as number[], account: [] as number[] }
        for (let round = -1; round < 2 * context.rounds; round++)
          for (const who of round % 2 === 0 ? (['nobody', 'account'] as const) : (['account', 'nobody'] as const)) {
            context.progress(`${name}, ${who}, round ${round + 1} of ${2 * context.rounds}`)
            const credentials = { username: 'bench', password }
            const load = await MqttLoad.open(
              who === 'account' ? { port, credentials } : { port, originator: 'Cneighbour' },
            )
            const count = Math.round(8000 * context.scale)
            const before = side.cpuUs
            await load.run(count, inFlight, make)
            if (round >= 0) figures[who].push((side.cpuUs - before) / count)
            load.close()
          }
        const ratio = median(figures.account.map((cpuUs, index) => cpuUs / (figures.nobody[index] ?? Number.NaN)))
        rows.push({ name, cells: [ratio, median(figures.account), median(figures.nobody)] })
      }
    } finally {
      await side.stop()
    }
    const columns = [{ name: 'CPU/nobody', isRatio: true }, { name: 'account us' }, { name: 'nobody us' }]
    return [{ title: `An account, ${inFlight} in flight`, columns, rows }]
  },
}
