/** What happens at start to a store that does not open: it is set aside, a copy is repaired, and the gateway starts with what was saved. */

import { cp, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Log } from '../onem2m/log.ts'
import { formatTimestamp } from '../onem2m/timestamp.ts'
import { type Database, repairDatabase, storeError } from './database.ts'

export interface StartReport {
  /** `opened`: all well. `repaired`: from what could be saved. `empty`: nothing could. */
  readonly state: 'opened' | 'repaired' | 'empty'
  /** Where the damaged store lies now. */
  readonly setAside?: string
}

interface SalvageFacts {
  readonly directory: string
  readonly log: Log
  readonly wallMs: number
  readonly open: () => Promise<Database>
}

interface Opened {
  readonly database: Database
  readonly report: StartReport
}

/** Damaged stores that are kept; the oldest go. */
const keptAside = 3

/** Throws StoreError `locked`, `full` or `io` where setting the store aside would not help. */
export async function openOrSalvage(facts: SalvageFacts): Promise<Opened> {
  try {
    return { database: await facts.open(), report: { state: 'opened' } }
  } catch (error) {
    const failure = storeError(error)
    if (failure.reason !== 'damaged') throw failure
    return salvage(facts, failure.message)
  }
}

export async function salvage(facts: SalvageFacts, reason = 'reading it failed'): Promise<Opened> {
  const { directory, log, wallMs } = facts
  const setAside = `${directory}.damaged-${formatTimestamp(wallMs)}`
  await rename(directory, setAside)
  await forgetOldest(directory)
  const repaired = await repairCopy(facts, setAside)
  const state = repaired === undefined ? 'empty' : 'repaired'
  log.error('store: it was damaged and is set aside; the gateway goes on with what could be saved', {
    reason,
    state,
    setAside,
    advice: 'check the card; when all is well again, the directory that was set aside can be deleted',
  })
  return { database: repaired ?? (await facts.open()), report: { state, setAside } }
}

/** Repairs a copy, so that the original stays for whoever wants to look at it. Undefined when nothing could be saved. */
async function repairCopy({ directory, open }: SalvageFacts, original: string): Promise<Database | undefined> {
  try {
    await cp(original, directory, { recursive: true })
    await repairDatabase(directory)
    return await open()
  } catch {
    // Neither room for a copy nor anything to save is a reason not to start.
    await rm(directory, { recursive: true, force: true })
    return undefined
  }
}

async function forgetOldest(directory: string): Promise<void> {
  const prefix = `${basename(directory)}.damaged-`
  const names = (await readdir(dirname(directory))).filter((name) => name.startsWith(prefix)).sort()
  for (const name of names.slice(0, -keptAside))
    await rm(join(dirname(directory), name), { recursive: true, force: true })
}
