/**
 * The CSE alone, asked within its process: `in-process.ts SPECIFICATION`, a JSON object as below; writes one line of figures. A sync of the
 * store can be made as slow as that of an SD card.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { Operation, type RequestPrimitive, type ResponsePrimitive } from '../../../src/onem2m/primitive.ts'
import { openDatabase } from '../../../src/store/database.ts'
import { median, quantile } from '../table.ts'
import { startBenchCse } from './bench-cse.ts'

export interface Specification {
  readonly directory: string
  readonly operation: 'create' | 'retrieve' | 'both'
  readonly count: number
  readonly inFlight: number
  readonly contentBytes: number
  /** How much longer each sync takes. */
  readonly syncMs: number
}

export interface InProcessFigures {
  readonly cpuUs: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Requests of a commit group. */
  readonly groupSize: number
  /** Of the reads that went on meanwhile, where both are asked for. */
  readonly readP99Ms: number
  readonly rssMiB: number
}

const specification = JSON.parse(process.argv[2] ?? '{}') as Specification
const { directory, operation, count, inFlight, contentBytes, syncMs } = specification
const { store, cse } = await startBenchCse(directory, async (path) => {
  const database = await openDatabase(path, 2_097_152, 1_048_576)
  if (syncMs === 0) return database
  const batch = database.batch.bind(database) as (...args: readonly unknown[]) => Promise<void>
  const slow = async (...args: readonly unknown[]) => {
    await sleep(syncMs)
    return batch(...args)
  }
  return Object.assign(database, { batch: slow })
})

let asked = 0
const ask = (request: Partial<RequestPrimitive>): Promise<ResponsePrimitive> =>
  new Promise((resolve, reject) =>
    cse.handle(
      { to: '', operation: Operation.RETRIEVE, originator: 'Cbench', requestIdentifier: `r${asked++}`, ...request },
      { source: 'local' },
      (response) =>
        response.responseStatusCode >= 3000 ? reject(new Error(JSON.stringify(response))) : resolve(response),
    ),
  )
const content = 'x'.repeat(contentBytes)
const create = () =>
  ask({
    operation: Operation.CREATE,
    to: 'onem2m/bench/values',
    resourceType: 4,
    content: { 'm2m:cin': { con: content } },
  })
const retrieve = () => ask({ to: 'onem2m/bench/values/la' })

/** `total` requests, `width` at a time; how long each took, in milliseconds, sorted. */
async function run(total: number, width: number, request: () => Promise<unknown>): Promise<Float64Array> {
  const took = new Float64Array(total)
  let next = 0
  const worker = async () => {
    for (let index = next++; index < total; index = next++) {
      const startedMs = performance.now()
      await request()
      took[index] = performance.now() - startedMs
      // Requests come in through a socket: not one after the other within a turn of the event loop.
      if (operation === 'retrieve') await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  return took.sort()
}

const ae = { rn: 'bench', api: 'Nbench', rr: false, srv: ['3'] }
await ask({ operation: Operation.CREATE, to: 'onem2m', resourceType: 2, content: { 'm2m:ae': ae } })
await ask({
  operation: Operation.CREATE,
  to: 'onem2m/bench',
  resourceType: 3,
  content: { 'm2m:cnt': { rn: 'values' } },
})
await create()
const wanted = operation === 'retrieve' ? retrieve : create
await run(Math.min(count, 2000), inFlight, wanted)

const before = { ...store.statistics }
const cpuBefore = process.cpuUsage()
const startedMs = performance.now()
let isDone = false
const reads: number[] = []
const reading = (async () => {
  while (operation === 'both' && !isDone) {
    const atMs = performance.now()
    await retrieve()
    reads.push(performance.now() - atMs)
    await sleep(1)
  }
})()
const took = await run(count, inFlight, wanted)
isDone = true
await reading
const cpu = process.cpuUsage(cpuBefore)
const groups = store.statistics.groups - before.groups
const figures: InProcessFigures = {
  cpuUs: (cpu.user + cpu.system) / count,
  perSecond: (count * 1000) / (performance.now() - startedMs),
  p50Ms: median([...took]),
  p99Ms: quantile(took, 0.99),
  groupSize: groups === 0 ? 0 : (store.statistics.participants - before.participants) / groups,
  readP99Ms: quantile(
    reads.sort((left, right) => left - right),
    0.99,
  ),
  rssMiB: process.memoryUsage.rss() / 1_048_576,
}
process.stdout.write(`${JSON.stringify(figures)}\n`)
cse.stop()
await store.stop()
