/** Faults that concern one and must not reach the others: a participant that throws, a table that was cut short, a group too large for the reserve. */

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { openDatabase } from '../../src/store/database.ts'
import { LevelStore, type LevelStoreOptions } from '../../src/store/level-store.ts'
import type { StoreChange } from '../../src/store/store.ts'
import { ManualClock, silent } from '../bindings/fixture.ts'

const root = mkdtempSync(join(tmpdir(), 'fieldgate-fault-'))
after(() => rmSync(root, { recursive: true, force: true }))

async function start(options: Partial<LevelStoreOptions> = {}) {
  const directory = options.directory ?? join(mkdtempSync(join(root, 'data-')), 'store')
  const clock = new ManualClock()
  const open = (path: string) => openDatabase(path, 1_048_576, 65_536)
  const store = new LevelStore({
    directory,
    durability: 'process',
    log: silent,
    clock,
    ballastBytes: 0,
    freeBytes: async () => 1e9,
    open,
    ...options,
  })
  await store.start()
  const write = (change: StoreChange) =>
    new Promise<string>((resolve) =>
      store.write([change], { committed: () => resolve('stored'), failed: ({ reason }) => resolve(reason) }),
    )
  return { store, directory, clock, write }
}

it('a participant that throws keeps nobody else waiting, and neither does a value that can not be had', async (t) => {
  const bugs: string[] = []
  const { store, clock, write } = await start({ bug: (error) => bugs.push((error as Error).message) })
  t.after(() => store.stop())
  const throwing = (text: string) => () => {
    throw new Error(text)
  }
  const bad = { committed: throwing('committed'), failed: throwing('failed'), undo: throwing('undo') }
  store.write([{ key: 'a', value: '1' }], bad)
  assert.equal(await write({ key: 'b', value: '1' }), 'stored')
  store.write([{ key: 'a', value: throwing('value') }], bad)
  assert.equal(await write({ key: 'b', value: '2' }), 'io')
  assert.deepEqual(bugs, ['committed', 'value', 'undo', 'failed'])
  clock.advance(1000)
  assert.equal(await write({ key: 'b', value: '3' }), 'io')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(await write({ key: 'b', value: '4' }), 'stored')
})

for (const share of [0, 0.5])
  it(`a table of which ${share * 100} % are left is damage, not a passing failure of the device`, async (t) => {
    const { store, directory, write } = await start()
    for (let count = 0; count < 200; count++) await write({ key: `k/${count}`, value: `${count}`.repeat(400) })
    await store.stop()
    const table = readdirSync(directory).find((name) => name.endsWith('.ldb'))
    assert.ok(table !== undefined)
    const path = join(directory, table)
    truncateSync(path, Math.floor(statSync(path).size * share))
    const again = await start({ directory })
    t.after(() => again.store.stop())
    const readAll = () => {
      for (let count = 0; count < 200; count++) again.store.getText(`k/${count}`)
    }
    assert.throws(readAll, { name: 'StoreError', reason: 'damaged' })
  })

it('a group that would leave less than the reserve is refused, though there is more than the reserve now', async (t) => {
  const { store, write } = await start({ reserveBytes: 1000, freeBytes: async () => 300_500 })
  t.after(() => store.stop())
  assert.equal(await write({ key: 'a', value: 'x'.repeat(300_000) }), 'full')
  assert.equal(store.getText('a'), undefined)
})
