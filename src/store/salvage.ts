/** What happens at start to a store that does not open: it is set aside, a copy is repaired, and the gateway starts with what was saved. */

import { access, copyFile, link, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Log } from '../onem2m/log.ts'
import { formatTimestamp } from '../onem2m/timestamp.ts'
import { type Database, isDenied, repairDatabase, storeError } from './database.ts'
import { StoreError } from './store.ts'

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

/** Damaged stores that are kept at most; the oldest go. */
const keptAside = 3

/** What LevelDB never writes to again, so that a link is as good as a copy. */
const immutable = /^\d+\.(?:ldb|sst|log)$|^MANIFEST-/

/** Throws StoreError `locked`, `full` or `io` where setting the store aside would not help. */
export async function openOrSalvage(facts: SalvageFacts): Promise<Opened> {
  try {
    await assertSound(facts.directory)
    return { database: await facts.open(), report: { state: 'opened' } }
  } catch (error) {
    const failure = storeError(error)
    // An I/O error is what a bad block of a card looks like; what has been set aside can be put back.
    if (failure.reason === 'damaged' || (failure.reason === 'io' && !isDenied(failure)))
      return salvage(facts, failure.message)
    throw failure
  }
}

/** Sets the store aside and opens what can be saved of it, or an empty one. Throws StoreError when not even that can be opened. */
export async function salvage(facts: SalvageFacts, reason: string): Promise<Opened> {
  const { directory, log, wallMs, open } = facts
  try {
    const setAside = await makeWay(directory, wallMs)
    let database = await repairCopy(facts, setAside)
    const state = database === undefined || (await isEmpty(database)) ? 'empty' : 'repaired'
    database ??= await open()
    await rm(damageMark(directory), { force: true })
    log.error('store: it was damaged and is set aside; the gateway goes on with what could be saved', {
      reason,
      state,
      setAside,
      advice: `check the disk; delete ${setAside} when nothing in it is needed any more`,
    })
    return { database, report: { state, setAside } }
  } catch (error) {
    throw storeError(error)
  }
}

/** Has the next start salvage a store that opens though something in it can not be read. */
export async function markDamaged(directory: string, reason: string): Promise<void> {
  await writeFile(damageMark(directory), `${reason}\n`, { mode: 0o600 })
}

function damageMark(directory: string): string {
  return `${directory}.damaged`
}

/** LevelDB itself would begin an empty store where CURRENT is lost, and delete all tables. */
async function assertSound(directory: string): Promise<void> {
  const names: readonly string[] = await readdir(directory).catch(() => [])
  if (!names.includes('CURRENT') && names.some((name) => /^\d+\.(?:ldb|sst|log)$/.test(name)))
    throw new StoreError('damaged', 'the store is damaged: its file CURRENT is missing')
  const isMarked = await access(damageMark(directory)).then(
    () => true,
    () => false,
  )
  if (isMarked) throw new StoreError('damaged', 'the store is damaged: the last run could not read all of it')
}

/** Renames the store to a name of its own beside it. The clock may be wrong: names can collide, and the newest need not sort last. */
async function makeWay(directory: string, wallMs: number): Promise<string> {
  const parent = dirname(directory)
  const name = `${basename(directory)}.damaged-`
  const earlier = (await readdir(parent)).filter((each) => each.startsWith(name)).sort()
  for (const each of earlier.slice(0, Math.max(0, earlier.length - keptAside + 1)))
    await rm(join(parent, each), { recursive: true, force: true })
  const stamp = name + formatTimestamp(wallMs)
  let unique = stamp
  for (let count = 2; earlier.includes(unique); count++) unique = `${stamp}-${count}`
  await rename(directory, join(parent, unique))
  return join(parent, unique)
}

/** Repairs a copy, so that the original stays for whoever wants to look at it. Undefined when that fails, and leaves nothing then. */
async function repairCopy({ directory, open }: SalvageFacts, original: string): Promise<Database | undefined> {
  try {
    await mkdir(directory, { mode: 0o700 })
    for (const name of await readdir(original)) await copy(join(original, name), join(directory, name))
    await repairDatabase(directory)
    // What the repair could not use: the originals of it have been set aside.
    await rm(join(directory, 'lost'), { recursive: true, force: true })
    return await open()
  } catch {
    await rm(directory, { recursive: true, force: true })
    return undefined
  }
}

/** Links where it can: that takes no room and no time. */
async function copy(from: string, to: string): Promise<void> {
  const name = basename(from)
  if (immutable.test(name)) await link(from, to).catch(() => copyFile(from, to))
  else if (name === 'CURRENT') await copyFile(from, to)
}

async function isEmpty(database: Database): Promise<boolean> {
  return (await database.keys({ limit: 1 }).all()).length === 0
}
