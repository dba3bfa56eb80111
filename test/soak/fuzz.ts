/** Broken bytes for as long as is asked, a stretch at a time, beside honest clients that tell what they lost by it. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { FuzzRun } from './fuzz-run.ts'

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (options.help) {
  process.stdout.write(`npm run soak:fuzz -- [--minutes 10] [--seed N]

  --minutes N  how long
  --seed N     of the bytes, which are the same for the same seed; another one each time unless it is given

Exits with 1 when the gateway ended, logged an error, grew, or lost something of an honest client.
`)
  process.exit(0)
}

const say = (line: string) => process.stdout.write(`${line}\n`)
const seed = Number(options.seed)
const stretchMs = 30_000
const stretches = Math.max(1, Math.round((Number(options.minutes) * 60_000) / stretchMs))
const dataDirectory = mkdtempSync(join(tmpdir(), 'fieldgate-fuzz-'))
say(`seed ${seed}`)
const run = await FuzzRun.start({ dataDirectory, seed })
for (let stretch = 1; stretch <= stretches && !run.isOver; stretch++) {
  await run.work(stretchMs)
  const { connections, bytesSent, answered, requests, publications, residentMiB, mostMiB } = run.figures()
  say(
    `${stretch} of ${stretches}: ${connections} attacks of ${(bytesSent / 1e6).toFixed(0)} MB, ${answered} answered; beside them ${requests} requests, ` +
      `${publications} messages; ${residentMiB.toFixed(1)} MiB resident, ${mostMiB.toFixed(1)} at most`,
  )
}
const faults = await run.stop()
rmSync(dataDirectory, { recursive: true })
say(faults.length === 0 ? 'sound' : faults.join('\n'))
process.exit(faults.length === 0 ? 0 : 1)
