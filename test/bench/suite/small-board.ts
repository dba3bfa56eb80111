/** The smallest board: one core, a heap that is bounded, and a memory limit that the kernel enforces. */

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { runtimeFlags } from '../../../build/runtime-flags.ts'
import { type Benchmark, createInstance, prepare, startGateway } from '../benchmark.ts'
import { HttpLoad, MqttLoad } from '../load.ts'
import type { Row } from '../table.ts'

const limitMiB = 160
/** As the service of such a board starts the gateway. */
const flags = [...runtimeFlags, '--max-old-space-size=96']

interface MemoryGroup {
  readonly path: string
  readonly peakFile: string
}

/** A control group with the limit, of either version; undefined where this process may make none. */
function makeGroup(): MemoryGroup | undefined {
  const places = [
    { root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes', peakFile: 'memory.max_usage_in_bytes' },
    { root: '/sys/fs/cgroup', limit: 'memory.max', peakFile: 'memory.peak' },
  ]
  for (const { root, limit, peakFile } of places) {
    const path = `${root}/fieldgate-bench-${process.pid}`
    if (!existsSync(root)) continue
    try {
      mkdirSync(path)
      writeFileSync(`${path}/${limit}`, String(limitMiB * 1_048_576))
      return { path, peakFile }
    } catch {
      // Not allowed, or the other version's hierarchy: the next place, or none.
      if (existsSync(path)) rmdirSync(path)
    }
  }
  return undefined
}

export const smallBoard: Benchmark = {
  name: 'small-board',
  about: `one core, a heap of 96 MiB, ${limitMiB} MiB in all by a control group`,
  async run(context) {
    const group = makeGroup()
    const join = group === undefined ? 'true' : `echo $$ > ${group.path}/cgroup.procs`
    const pin = availableParallelism() > 1 ? 'taskset -c 0' : ''
    const side = await startGateway(context.directory('small-board'), {
      flags,
      prefix: ['/bin/sh', '-c', `${join} && exec ${pin} "$@"`, 'sh'],
    })
    const rows: Row[] = []
    try {
      const mqtt = await MqttLoad.open({ port: side.mqttPort })
      const http = new HttpLoad(side.httpPort)
      await prepare(mqtt)
      rows.push({ name: 'idle', cells: [undefined, undefined, side.rssMiB] })
      const create = () => createInstance('onem2m/bench/values', 256)
      const retrieve = () => ({ op: 2, to: 'onem2m/bench/values/la' })
      for (const [name, load, inFlight, make] of [
        ['CREATE over MQTT, 64 in flight', mqtt, 64, create],
        ['RETRIEVE over MQTT, 64 in flight', mqtt, 64, retrieve],
        ['CREATE over HTTP, 16 in flight', http, 16, create],
        ['RETRIEVE over HTTP, 16 in flight', http, 16, retrieve],
      ] as const) {
        context.progress(name)
        const count = Math.round(context.scale * 40_000)
        const { wallMs, p99Ms } = await load.run(count, inFlight, make)
        rows.push({ name, cells: [(count * 1000) / wallMs, p99Ms, side.rssMiB] })
      }
      mqtt.close()
      http.close()
      if (group !== undefined) {
        const peakMiB = Number(readFileSync(`${group.path}/${group.peakFile}`, 'utf8')) / 1_048_576
        rows.push({ name: 'peak of the control group, file cache included', cells: [undefined, undefined, peakMiB] })
      }
    } finally {
      await side.stop()
      if (group !== undefined) rmdirSync(group.path)
    }
    const columns = [{ name: 'per second', digits: 0 }, { name: 'p99 ms' }, { name: 'RSS MiB' }]
    return [{ title: group === undefined ? 'Small board, without the limit' : 'Small board', columns, rows }]
  },
}
