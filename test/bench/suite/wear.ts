/** What of a card's life an acknowledged instance takes: bytes written to the disk, against the bytes of its content. */

import {
  type BenchContext,
  type Benchmark,
  createAe,
  createContainer,
  createInstance,
  startGateway,
} from '../benchmark.ts'
import { MqttLoad } from '../load.ts'
import type { Row } from '../table.ts'

interface Work {
  readonly name: string
  readonly count: number
  readonly bytes: number
  /** How long a commit waits for company; requests come at this rate then. */
  readonly delay?: string
  readonly perSecond?: number
}

/** Below some hundred instances a second each is a group of its own: an hour of them need not take an hour. */
const works = (isFull: boolean): readonly Work[] => [
  { name: 'an hour at 1 a second, 64 B', count: 3600, bytes: 64 },
  { name: 'an hour at 1 a second, 1 KiB', count: 3600, bytes: 1024 },
  { name: 'an hour at 10 a second, 64 B', count: 36_000, bytes: 64 },
  { name: 'an hour at 10 a second, 1 KiB', count: 36_000, bytes: 1024 },
  ...(isFull ? [{ name: 'an hour at 100 a second, 1 KiB', count: 360_000, bytes: 1024 }] : []),
  { name: '20 s at 100 a second, 1 KiB', count: 2000, bytes: 1024, perSecond: 100 },
  { name: '20 s at 100 a second, 1 KiB, commit_delay 50 ms', count: 2000, bytes: 1024, delay: '50ms', perSecond: 100 },
  {
    name: '20 s at 100 a second, 1 KiB, commit_delay 200 ms',
    count: 2000,
    bytes: 1024,
    delay: '200ms',
    perSecond: 100,
  },
]

async function measure(
  context: BenchContext,
  { count, bytes, delay = '0s', perSecond }: Work,
): Promise<readonly number[]> {
  const side = await startGateway(context.directory('wear'), { environment: { FIELDGATE_STORE_COMMIT_DELAY: delay } })
  try {
    const load = await MqttLoad.open({ port: side.mqttPort })
    await load.ask(createAe('bench'))
    await load.ask(createContainer('onem2m/bench', 'values', { mni: 10_000 }))
    const create = () => createInstance('onem2m/bench/values', bytes)
    const before = side.writtenBytes
    const total = Math.round(count * context.scale)
    if (perSecond === undefined) await load.run(total, 1, create)
    else {
      const asked: Promise<void>[] = []
      for (let index = 0; index < total; index++) {
        asked.push(load.ask(create()))
        await new Promise((resolve) => setTimeout(resolve, 1000 / perSecond))
      }
      await Promise.all(asked)
    }
    const written = (side.writtenBytes - before) / total
    load.close()
    return [written, written / bytes]
  } finally {
    await side.stop()
  }
}

export const wear: Benchmark = {
  name: 'wear',
  about: 'bytes written to the disk for each acknowledged instance',
  async run(context) {
    const rows: Row[] = []
    for (const work of works(context.isFull)) {
      context.progress(work.name)
      rows.push({ name: work.name, cells: await measure(context, work) })
    }
    return [
      {
        title: 'Wear',
        columns: [
          { name: 'bytes', digits: 0 },
          { name: 'of content', isRatio: true },
        ],
        rows,
      },
    ]
  },
}
