/** `npm run chaos`: a minute of kills, or as many seconds as are named, and what came of it. Exits with 1 when something is missing or there twice. */

import { explain } from '../../build/script.ts'
import { runChaos } from './chaos.ts'

explain(`npm run chaos [-- SECONDS [SEED]]

Kills and restarts a gateway, a backend and a broker while two applications run, for 60 s unless told otherwise. Exits with 1 when something that was
acknowledged is missing, or there twice.`)

const [seconds = '60', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2)
const report = (line: string) => process.stdout.write(`${line}\n`)
report(`${seconds} s of kills, seed ${seed}`)
const result = await runChaos({ durationMs: Number(seconds) * 1000, seed: Number(seed), everyMs: 1500, report })
report(JSON.stringify(result))
const faults = [...Object.values(result.missing), ...Object.values(result.repeated)].flat().length
process.exit(faults === 0 ? 0 : 1)
