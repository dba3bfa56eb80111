/** What an SD card does: syncs that take milliseconds. The groups grow, and reads do not wait. */

import type { Benchmark } from '../benchmark.ts'
import { measureInProcess } from './in-process.ts'

export const slowDisk: Benchmark = {
  name: 'slow-disk',
  about: 'durable CREATE while each sync takes 5, 20 or 50 ms longer, and RETRIEVE meanwhile',
  async run(context) {
    const rows = []
    for (const syncMs of [0, 5, 20, 50])
      for (const inFlight of [16, 64]) {
        const count = Math.round(context.scale * (syncMs === 0 ? 10_000 : (inFlight * 2000) / syncMs))
        const specification = { operation: 'both', count, inFlight, contentBytes: 64, syncMs } as const
        const { perSecond, p50Ms, p99Ms, groupSize, readP99Ms } = await measureInProcess(context, specification, 3)
        const cells = [perSecond, p50Ms, p99Ms, groupSize, readP99Ms]
        rows.push({ name: `sync + ${syncMs} ms, ${inFlight} in flight`, cells })
      }
    return [
      {
        title: 'Slow disk',
        columns: [
          { name: 'per second', digits: 0 },
          { name: 'p50 ms' },
          { name: 'p99 ms' },
          { name: 'group' },
          { name: 'read p99 ms', digits: 3 },
        ],
        rows,
      },
    ]
  },
}
