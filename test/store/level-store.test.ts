/** What becomes of a store whose disk is full or fails, and that memory and disk agree through all of it. */

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmdirSync, statSync } from 'node:fs'
import { describe, it } from 'node:test'
import { StoreError } from '../../src/store/store.ts'
import {
  all,
  createLevelStore,
  discarded,
  diskFull,
  FaultyDisk,
  recover,
  temporaryPath,
  turn,
  until,
  written,
} from './fixture.ts'

const everything = { from: '\u0001', to: '\u{10ffff}' }

async function reasonOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => (error as StoreError).reason,
  )
}

describe('a store whose disk fails', () => {
  for (const isFound of [true, false]) {
    const where = isFound ? 'is found' : 'is not found'
    it(`has what it had before, when the lost group ${where} after reopening`, async () => {
      const { store, clock, disk } = createLevelStore()
      await store.start()
      await written(store, 'kept', '1')
      await written(store, 'deleted', '1')
      disk.fault = { error: diskFull(), isFound }
      store.write([
        { key: 'kept', value: '2' },
        { key: 'deleted', value: undefined },
      ])
      const failure = await written(store, 'new', '1')
      assert.equal((failure as StoreError).reason, 'full')
      const expected: [string, string][] = [
        ['deleted', '1'],
        ['kept', '1'],
      ]
      assert.deepEqual(await all(store.scanText(everything)), expected)
      await recover(store, clock)
      assert.equal(disk.opens, 2)
      assert.deepEqual(await all(store.scanText(everything)), [...expected, ['recover', '1']])
      await store.stop()
    })
  }

  it('hides what was lost also while the database is open again but what was there before could not be written', async () => {
    const { store, clock, disk } = createLevelStore()
    await store.start()
    await written(store, 'kept', '1')
    disk.fault = { error: diskFull(), isFound: true }
    store.write([{ key: 'lost', value: '2' }])
    await written(store, 'kept', '2')
    disk.fault = { error: diskFull(), isFound: false }
    clock.advance(1000)
    await written(store, 'a', '1')
    await until(() => disk.opens === 2 && disk.fault === undefined)
    await until(() => {
      try {
        return store.getText('kept') === '1'
      } catch {
        return false
      }
    })
    assert.deepEqual(await all(store.scanText(everything)), [['kept', '1']])
    await recover(store, clock)
    assert.equal(store.getText('kept'), '1')
    assert.equal(store.getText('lost'), undefined)
    await store.stop()
  })

  it('refuses at once and tries to recover once a second at most, when somebody writes', async () => {
    const { store, clock, disk, log } = createLevelStore()
    await store.start()
    disk.fault = { error: new Error('IO error: /store/000003.log: Input/output error'), isFound: false }
    assert.equal(((await written(store, 'a', '1')) as StoreError).reason, 'io')
    disk.openFault = diskFull()
    for (let round = 0; round < 3; round++) {
      clock.advance(1000)
      for (let count = 0; count < 10; count++) {
        assert.ok((await written(store, 'a', '1')) instanceof StoreError)
        await turn()
      }
      await until(() => disk.opens === 2 + round)
    }
    clock.advance(60_000)
    for (let count = 0; count < 10; count++) await turn()
    assert.equal(disk.opens, 4)
    disk.openFault = undefined
    await recover(store, clock)
    assert.equal(disk.opens, 5)
    assert.deepEqual(
      log.lines.map(({ level }) => level),
      ['error', 'info'],
    )
    await store.stop()
  })

  it('keeps the handle that can be read from, until a file can be written', async () => {
    const { store, clock, disk, directory } = createLevelStore()
    await store.start()
    await written(store, 'kept', '1')
    mkdirSync(`${directory}.probe`)
    disk.fault = { error: new Error('IO error: /store/000003.log: Read-only file system'), isFound: false }
    await written(store, 'a', '1')
    for (let round = 0; round < 3; round++) {
      clock.advance(1000)
      for (let count = 0; count < 50; count++) {
        assert.ok((await written(store, 'a', '1')) instanceof StoreError)
        assert.equal(store.getText('kept'), '1')
        await turn()
      }
    }
    assert.equal(disk.opens, 1)
    rmdirSync(`${directory}.probe`)
    await recover(store, clock)
    assert.equal(disk.opens, 2)
    await store.stop()
  })

  it('goes on by itself with what it was deleting in the background', async () => {
    const { store, clock, disk } = createLevelStore()
    await store.start()
    store.write(Array.from({ length: 1200 }, (_, index) => ({ key: `i/${index}`, value: 'x' })))
    store.discardRange('i/', 'i0')
    await until(() => store.statistics.groups > 0)
    disk.fault = { error: diskFull(), isFound: false }
    await until(() => store.statistics.failures > 0)
    clock.advance(60_000)
    for (let count = 0; count < 5; count++) await turn()
    assert.notDeepEqual(await all(store.scanText({ from: 'i/', to: 'i0' })), [])
    await recover(store, clock)
    await discarded(store)
    assert.deepEqual(await all(store.scanText({ from: 'i/', to: 'i0' })), [])
    await store.stop()
  })

  it('has taken back what was lost also when it is stopped before it has recovered', async () => {
    const { store, disk, directory } = createLevelStore()
    await store.start()
    await written(store, 'kept', '1')
    disk.fault = { error: diskFull(), isFound: true }
    await written(store, 'kept', '2')
    await store.stop()
    const next = createLevelStore({ directory })
    await next.store.start()
    assert.equal(next.store.getText('kept'), '1')
    await next.store.stop()
  })
})

describe('a store on a disk that fills', () => {
  it('refuses before LevelDB meets the end, says what to do, reads on, and recovers without reopening', async () => {
    let free = 1e9
    const { store, clock, disk } = createLevelStore({ reserveBytes: 1_048_576, freeBytes: async () => free })
    await store.start()
    await written(store, 'kept', '1')
    free = 1_000_000
    let failure: StoreError | 'committed' = 'committed'
    for (let count = 0; failure === 'committed' && count < 100; count++)
      failure = await written(store, `filling/${count}`, 'x'.repeat(10_000))
    assert.ok(failure instanceof StoreError)
    assert.equal(failure.reason, 'full')
    assert.match(failure.message, /976 KiB are free for .*, 1024 KiB are needed; make room/)
    assert.equal(store.getText('kept'), '1')
    for (free of [1_000_000, 1_048_576]) {
      clock.advance(1000)
      for (let count = 0; count < 5; count++) {
        assert.ok((await written(store, 'a', '1')) instanceof StoreError)
        await turn()
      }
    }
    free = 1e9
    await recover(store, clock)
    assert.equal(disk.opens, 1)
    await store.stop()
  })

  it('takes what makes room, out of the reserve but for its last quarter', async () => {
    let free = 1e9
    const { store, clock } = createLevelStore({ reserveBytes: 1_048_576, freeBytes: async () => free })
    await store.start()
    for (let count = 0; count < 30; count++) await written(store, `data/${count}`, 'x'.repeat(10_000))
    free = 1_000_000
    for (
      let count = 0;
      !((await written(store, `filling/${count}`, 'x'.repeat(10_000))) instanceof StoreError);
      count++
    )
      assert.ok(count < 100)
    const remove = (key: string) =>
      new Promise<string>((resolve) => {
        store.write(
          [{ key, value: undefined }],
          { committed: () => resolve('committed'), failed: ({ reason }) => resolve(reason) },
          { makesRoom: true },
        )
      })
    assert.equal(await remove('data/1'), 'committed')
    assert.equal(store.getText('data/1'), undefined)
    assert.ok((await written(store, 'a', '1')) instanceof StoreError, 'anything else is refused as before')
    store.discardRange('data/', 'data0')
    await until(() => store.getText('data/2') === undefined)
    await discarded(store)
    free = 200_000
    await until(() => store.getText('data/29') === undefined)
    let refusal = ''
    for (let count = 0; refusal !== 'full' && count < 100; count++)
      refusal = await remove(`filling/${'x'.repeat(9000)}`)
    assert.equal(refusal, 'full')
    free = 1e9
    await recover(store, clock)
    await store.stop()
  })

  it('starts on a full disk with the ballast that it kept, and keeps a new one when there is room', async () => {
    const ballastBytes = 100_000
    const first = createLevelStore({ ballastBytes })
    const ballast = `${first.directory}.ballast`
    await first.store.start()
    await written(first.store, 'kept', '1')
    await first.store.stop()
    assert.equal(statSync(ballast).size, ballastBytes)

    let free = 0
    const disk = new FaultyDisk()
    const { store, clock } = createLevelStore({
      directory: first.directory,
      ballastBytes,
      freeBytes: async () => free,
      open: (path) => {
        disk.openFault = existsSync(ballast) ? diskFull() : undefined
        return disk.open(path)
      },
    })
    assert.deepEqual(await store.start(), { state: 'opened' })
    assert.equal(store.getText('kept'), '1')
    assert.equal(((await written(store, 'a', '1')) as StoreError).reason, 'full')
    free = 1e9
    await recover(store, clock)
    await store.stop()
    assert.equal(statSync(ballast).size, ballastBytes)
  })
})

describe('a store on LevelDB', () => {
  it('says that another process has it, and leaves it alone', async () => {
    const { store, directory } = createLevelStore()
    await store.start()
    await written(store, 'kept', '1')
    const second = createLevelStore({ directory })
    assert.equal(await reasonOf(second.store.start()), 'locked')
    assert.deepEqual(second.log.lines, [])
    assert.equal(store.getText('kept'), '1')
    await store.stop()
    assert.deepEqual(await second.store.start(), { state: 'opened' })
    await second.store.stop()
  })

  it('syncs each group, or only when it stops', async () => {
    const durable = createLevelStore()
    await durable.store.start()
    await written(durable.store, 'a', '1')
    await written(durable.store, 'b', '1')
    await durable.store.stop()
    assert.deepEqual(durable.disk.syncs, [true, true])
    const fast = createLevelStore({ durability: 'process' })
    await fast.store.start()
    await written(fast.store, 'a', '1')
    await written(fast.store, 'b', '1')
    await fast.store.stop()
    assert.deepEqual(fast.disk.syncs, [false, false, true])
  })

  it('refuses to be read before it is started and after it has stopped', async () => {
    const { store } = createLevelStore({ directory: temporaryPath() })
    const closed = (error: unknown) => error instanceof StoreError && error.reason === 'closed'
    assert.throws(() => store.getText('a'), closed)
    await store.start()
    await store.stop()
    assert.throws(() => store.getText('a'), closed)
    assert.throws(() => store.scanText(everything), closed)
    await store.stop()
  })
})
