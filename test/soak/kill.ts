/** `node test/soak/kill.ts ROUNDS`: a gateway is killed under load and started again; what it acknowledged in any round has to be there. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type GatewayProcess, startGateway } from '../integration/gateway-process.ts'
import { type Book, missing, pour, prepare } from './load.ts'

export interface RoundResult {
  readonly round: number
  /** Acknowledged in all rounds so far. */
  readonly acknowledged: number
  readonly missing: readonly string[]
  /** Warnings and errors that the restarted gateway logged. */
  readonly complaints: readonly string[]
}

/** How many acknowledgements a round waits for before it kills. */
export type Patience = (round: number) => number

/** Kills and restarts one gateway on one directory; each round checks everything that was acknowledged in that round, the last one all. */
export async function* killRounds(directory: string, rounds: number, patience: Patience): AsyncIterable<RoundResult> {
  const environment = { FIELDGATE_ADAPTERS_SYSTEM_ENABLED: 'false', FIELDGATE_ADAPTERS_NODE_ENABLED: 'false' }
  const all: Book = new Map()
  let gateway = await startGateway({ dataDirectory: directory, environment })
  try {
    await prepare(gateway)
    for (let round = 1; round <= rounds; round++) {
      const book: Book = new Map()
      await pourUntilKilled(gateway, book, `r${round}`, patience(round))
      for (const [identifier, con] of book) all.set(identifier, con)
      gateway = await startGateway({ dataDirectory: directory, environment })
      yield {
        round,
        acknowledged: all.size,
        missing: await missing(gateway, round === rounds ? all : book),
        complaints: gateway.events.filter(({ level }) => level === 'warn' || level === 'error').map((e) => e.message),
      }
    }
  } finally {
    await gateway.end('SIGKILL')
  }
}

async function pourUntilKilled(gateway: GatewayProcess, book: Book, round: string, patience: number): Promise<void> {
  let killed: Promise<unknown> | undefined
  await pour(gateway, book, round, () => {
    if (book.size >= patience) killed ??= gateway.end('SIGKILL')
  })
  await killed
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rounds = Number(process.argv[2] ?? 100)
  const directory = mkdtempSync(join(tmpdir(), 'fieldgate-kill-'))
  let acknowledged = 0
  for await (const result of killRounds(directory, rounds, () => 1 + Math.floor(Math.random() * 400))) {
    acknowledged = result.acknowledged
    if (result.missing.length === 0 && result.complaints.length === 0) continue
    console.error(JSON.stringify(result, undefined, 2))
    console.error(`the directory is kept: ${directory}`)
    process.exit(1)
  }
  rmSync(directory, { recursive: true })
  console.log(`${rounds} rounds, ${acknowledged} creates acknowledged, none missing`)
}
