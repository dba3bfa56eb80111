/** A store that is damaged never keeps the gateway from starting: what can be saved is, and the rest is set aside. */

import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { StoreError } from '../../src/store/store.ts'
import { all, createLevelStore, temporaryPath, until, written } from './fixture.ts'

const everything = { from: 'k/', to: 'k0' }
const count = 4000

/** A store with several tables, closed. */
async function filledStore(): Promise<string> {
  const { store, directory } = createLevelStore()
  await store.start()
  for (let index = 0; index < count; index += 500) {
    store.write(Array.from({ length: 500 }, (_, each) => ({ key: `k/${index + each}`, value: noise(index + each) })))
    await store.flush()
  }
  await store.stop()
  return directory
}

/** Text that does not compress, the same for the same seed. */
function noise(seed: number): string {
  let state = seed + 1
  return Array.from({ length: 60 }, () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9
    return String.fromCharCode(33 + ((state >>> 8) % 90))
  }).join('')
}

function filesOf(directory: string, pattern: RegExp): string[] {
  return readdirSync(directory)
    .filter((name) => pattern.test(name))
    .map((name) => join(directory, name))
}

function setAsideOf(directory: string): string[] {
  return readdirSync(dirname(directory)).filter((name) => name.startsWith(`${basename(directory)}.damaged-`))
}

interface Damage {
  readonly name: string
  readonly make: (directory: string) => unknown
  /** Keys that must be there afterwards. */
  readonly saved: number
}

const manifests = /^MANIFEST-/
const tables = /\.ldb$/

const damages: readonly Damage[] = [
  { name: 'CURRENT is missing', make: (path) => rmSync(join(path, 'CURRENT')), saved: count },
  { name: 'CURRENT is empty', make: (path) => truncateSync(join(path, 'CURRENT')), saved: count },
  { name: 'CURRENT is garbage', make: (path) => writeFileSync(join(path, 'CURRENT'), 'MANIFEST-9\n'), saved: count },
  {
    name: 'MANIFEST is missing',
    make: (path) => filesOf(path, manifests).map((file) => rmSync(file)),
    saved: count,
  },
  {
    name: 'MANIFEST is cut off',
    make: (path) => filesOf(path, manifests).map((file) => truncateSync(file, 10)),
    saved: count,
  },
  { name: 'a table is missing', make: (path) => rmSync(filesOf(path, tables)[0] ?? ''), saved: count / 4 },
  {
    name: 'everything is garbage',
    make: (path) => filesOf(path, /CURRENT|MANIFEST|ldb|log$/).map((file) => writeFileSync(file, 'garbage')),
    saved: 0,
  },
]

describe('a damaged store', () => {
  for (const { name, make, saved } of damages) {
    it(`is set aside, and what can be saved of it is: ${name}`, async () => {
      const directory = await filledStore()
      make(directory)
      const damaged = readdirSync(directory).toSorted()
      const { store, log } = createLevelStore({ directory })
      const report = await store.start()
      assert.equal(report.state, saved === 0 ? 'empty' : 'repaired')
      const found = await all(store.scanText(everything))
      assert.ok(found.length >= saved, `${found.length} keys`)
      for (const [key, value] of found) assert.equal(value, noise(Number(key.slice(2))))
      assert.equal(await written(store, 'k/new', '1'), 'committed')
      await store.stop()

      const errors = log.lines.filter(({ level }) => level === 'error')
      assert.equal(errors.length, 1)
      assert.equal(errors[0]?.fields['setAside'], report.setAside)
      const kept = readdirSync(report.setAside ?? '')
      assert.deepEqual(
        damaged.filter((file) => !/^LOG|^LOCK/.test(file) && !kept.includes(file)),
        [],
      )
      const next = createLevelStore({ directory })
      assert.deepEqual(await next.store.start(), { state: 'opened' })
      assert.equal(next.store.getText('k/new'), '1')
      await next.store.stop()
    })
  }

  it('opens when only the end of the log is garbage', async () => {
    const directory = await filledStore()
    for (const file of filesOf(directory, /\.log$/)) appendFileSync(file, Buffer.alloc(500, 0xff))
    const { store } = createLevelStore({ directory })
    assert.deepEqual(await store.start(), { state: 'opened' })
    assert.equal((await all(store.scanText(everything))).length, count)
    await store.stop()
  })

  it('is salvaged while it runs, or at the next start, when reading shows the damage', async () => {
    const directory = await filledStore()
    // Their indexes say where blocks begin, so that they open; the blocks are no blocks.
    for (const file of filesOf(directory, tables)) {
      const bytes = readFileSync(file)
      writeFileSync(file, bytes.fill(0xff, 0, Math.floor(bytes.length / 2)))
    }
    const { store } = createLevelStore({ directory })
    assert.deepEqual(await store.start(), { state: 'opened' })
    const isDamaged = (error: unknown) => error instanceof StoreError && error.reason === 'damaged'
    await assert.rejects(all(store.scanText(everything)), isDamaged)
    await until(() => existsSync(`${directory}.damaged`))
    assert.notEqual((await store.restartSalvaged()).state, 'opened')
    await all(store.scanText(everything))
    assert.equal(await written(store, 'k/new', '1'), 'committed')
    await store.stop()

    writeFileSync(`${directory}.damaged`, 'a block')
    const next = createLevelStore({ directory })
    assert.equal((await next.store.start()).state, 'repaired')
    assert.equal(next.store.getText('k/new'), '1')
    assert.equal(existsSync(`${directory}.damaged`), false)
    await next.store.stop()
  })

  it('is kept three times at most, each under a name of its own', async () => {
    const directory = temporaryPath()
    for (let round = 0; round < 5; round++) {
      const { store } = createLevelStore({ directory })
      await store.start()
      await written(store, 'round', String(round))
      await store.stop()
      rmSync(join(directory, 'CURRENT'))
    }
    const { store } = createLevelStore({ directory })
    const { setAside } = await store.start()
    assert.equal(store.getText('round'), '4')
    await store.stop()
    assert.equal(setAsideOf(directory).length, 3)
    assert.ok(setAsideOf(directory).includes(basename(setAside ?? '')))
  })

  it('stays where it is when something else keeps it from opening', async () => {
    const directory = temporaryPath()
    const { store } = createLevelStore({
      directory,
      open: () => Promise.reject(new Error(`IO error: ${directory}/LOCK: Permission denied`)),
    })
    await assert.rejects(store.start(), /Permission denied/)
    assert.deepEqual(setAsideOf(directory), [])
  })
})
