/**
 * The power goes at every moment: of the log, what was written after the last sync is there in part, in full, as garbage or not at all.
 * What was reported committed must be there, a group must be there as a whole or not at all, and the store must open.
 */

import assert from 'node:assert/strict'
import { appendFileSync, readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { all, copyStore, createLevelStore, turn } from './fixture.ts'

const schedules = process.env['FIELDGATE_LONG'] === '1' ? 3000 : 40
const everything = { from: '\u0001', to: '\u{10ffff}' }

/** Numbers below a bound, the same for the same seed. */
function random(seed: number): (bound: number) => number {
  let state = seed * 2_654_435_761
  return (bound) => {
    state = (Math.imul(state ^ (state >>> 15), state | 1) + 0x6d2b79f5) | 0
    return ((state ^ (state >>> 14)) >>> 0) % bound
  }
}

function logsOf(directory: string): Map<string, number> {
  const names = readdirSync(directory).filter((name) => name.endsWith('.log'))
  return new Map(names.map((name) => [name, statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0]))
}

for (let schedule = 0; schedule < schedules; schedule += 20) {
  it(`keeps what it acknowledged through power cuts ${schedule} to ${schedule + 19}`, async () => {
    for (let seed = schedule; seed < schedule + 20; seed++) await cutPower(seed)
  })
}

async function cutPower(seed: number): Promise<void> {
  const below = random(seed)
  const { store, directory, disk } = createLevelStore()
  let synced = new Map<string, number>()
  disk.stored = () => {
    synced = logsOf(directory)
  }
  await store.start()
  // Each write moves the counter `n` and one of twenty other keys: the state after every write is known by the counter.
  const history: ReadonlyMap<string, string>[] = [new Map()]
  let committed = 0
  const writes = 1 + below(60)
  for (let count = 1; count <= writes; count++) {
    const key = `k${below(20)}`
    const value = below(4) === 0 ? undefined : String.fromCharCode(97 + below(26)).repeat(below(3000))
    const state = new Map([...(history.at(-1) ?? []), ['n', String(count)] as const])
    if (value === undefined) state.delete(key)
    else state.set(key, value)
    history.push(state)
    const changes = [
      { key, value },
      { key: 'n', value: String(count) },
    ]
    const joined = count
    store.write(changes, {
      committed: () => {
        committed = joined
      },
      failed: assert.ifError,
    })
    for (let turns = below(4); turns > 0; turns--) await turn()
  }
  const acknowledged = committed
  const durable = new Map(synced)
  const copy = copyStore(directory)
  await store.stop()

  for (const [name, size] of logsOf(copy)) {
    const length = Math.min(size, durable.get(name) ?? 0)
    const kept = length + below(size - length + 1)
    truncateSync(join(copy, name), kept)
    if (below(3) === 0) appendFileSync(join(copy, name), Buffer.alloc(below(100), below(2) * 0xff))
  }
  const after = createLevelStore({ directory: copy })
  assert.deepEqual(await after.store.start(), { state: 'opened' })
  const found = new Map(await all(after.store.scanText(everything)))
  const reached = Number(found.get('n') ?? 0)
  assert.ok(reached >= acknowledged, `schedule ${seed}: ${acknowledged} acknowledged, ${reached} found`)
  assert.deepEqual(found, new Map(history[reached]), `schedule ${seed}`)
  await after.store.stop()
}
