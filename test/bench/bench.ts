/**
 * What the gateway costs, in one run: sides take turns, figures are medians of the rounds. Absolute rates say little on a shared machine; the
 * ratios to the floor of the same run, and the processor time, do.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Benchmark } from './benchmark.ts'
import { account } from './suite/account.ts'
import { broker } from './suite/broker.ts'
import { discovery } from './suite/discovery.ts'
import { growth } from './suite/growth.ts'
import { inProcess } from './suite/in-process.ts'
import { notification } from './suite/notification.ts'
import { registration } from './suite/registration.ts'
import { request } from './suite/request.ts'
import { slowDisk } from './suite/slow-disk.ts'
import { smallBoard } from './suite/small-board.ts'
import { wear } from './suite/wear.ts'
import { compareTables, type Table, writeTable } from './table.ts'

const benchmarks: readonly Benchmark[] = [
  account,
  request,
  inProcess,
  notification,
  registration,
  discovery,
  growth,
  wear,
  slowDisk,
  smallBoard,
  broker,
]

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    compare: { type: 'string' },
    save: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (options.help) {
  process.stdout.write(`npm run bench -- [--only A,B] [--full] [--rounds N] [--scale N] [--json] [--compare FILE] [--save FILE]

${benchmarks.map(({ name, about }) => `  ${name.padEnd(14)}${about}`).join('\n')}

  --only A,B      these benchmarks
  --full          the long variants as well: 10^7 instances, an hour's worth of 100 instances a second
  --rounds N      rounds of which the median is taken (5)
  --scale N       how much is done in a round, as a multiple of the usual (1)
  --json          one JSON object instead of the tables
  --save FILE     keeps the figures
  --compare FILE  warns of ratios that are more than 15 % worse than those kept
`)
  process.exit(0)
}

const wanted = options.only?.split(',') ?? benchmarks.map(({ name }) => name)
const unknown = wanted.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name))
if (unknown.length > 0) {
  process.stderr.write(
    `no benchmark named ${unknown.join(', ')}: there are ${benchmarks.map(({ name }) => name).join(', ')}\n`,
  )
  process.exit(64)
}

// A side listens for the end of this process each; interrupts are ends as well.
process.setMaxListeners(0)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const parent = mkdtempSync(join(tmpdir(), 'fieldgate-bench-'))
let directories = 0
const tables: Table[] = []
const erase = process.stderr.isTTY ? '\r\x1b[K' : ''
try {
  for (const benchmark of benchmarks.filter(({ name }) => wanted.includes(name))) {
    const found = await benchmark.run({
      rounds: Number(options.rounds),
      scale: Number(options.scale),
      isFull: options.full,
      directory: (name) => join(parent, `${directories++}-${name}`),
      progress: (text) => {
        if (process.stderr.isTTY) process.stderr.write(`${erase}${benchmark.name}: ${text}`)
      },
    })
    process.stderr.write(erase)
    if (!options.json) process.stdout.write(found.map((table) => `${writeTable(table)}\n`).join(''))
    tables.push(...found)
  }
} finally {
  rmSync(parent, { recursive: true, force: true })
}
if (options.json) process.stdout.write(`${JSON.stringify(tables)}\n`)
if (options.save !== undefined) writeFileSync(options.save, `${JSON.stringify(tables, undefined, 1)}\n`)
if (options.compare !== undefined) {
  const worse = compareTables(tables, JSON.parse(readFileSync(options.compare, 'utf8')) as Table[])
  for (const line of worse) process.stderr.write(`worse: ${line}\n`)
  if (worse.length > 0) process.exitCode = 1
}
