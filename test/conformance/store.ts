/** What every store promises, whatever it is made of. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { GroupedStore } from '../../src/store/grouped-store.ts'
import type { CommitParticipant, ScanRange, StoreChange } from '../../src/store/store.ts'
import { all, discarded, type ManualClock, recover, turn, until, written } from '../store/fixture.ts'
import '../property.ts'

/** A running store, and what the suite does to it. */
export interface StoreSubject {
  readonly store: Pick<
    GroupedStore<never>,
    | 'getText'
    | 'getBytes'
    | 'scanText'
    | 'scanBytes'
    | 'write'
    | 'discardRange'
    | 'isCongested'
    | 'flush'
    | 'statistics'
  > & { stop(): Promise<void> }
  readonly clock: ManualClock
  /** The next group is lost. */
  failNext(): void
  /** Groups take until `release` from now on. */
  hold(): void
  release(): void
  /** What a new process finds after this one was killed. */
  afterKill(): Promise<StoreSubject>
}

/** Keys whose order by UTF-8 bytes is not the one by UTF-16 units, and neighbours of each other. */
const keys = ['a', 'a/', 'a/1', 'a/2', 'b', 'é', '\uf8ff', '\uffee', '😀', '😀/1']

const anyKey = fc.constantFrom(...keys)
const anyStep = fc.oneof(
  fc.record({
    step: fc.constant('write' as const),
    changes: fc.array(fc.tuple(anyKey, fc.option(fc.string({ maxLength: 3 }), { nil: undefined })), { maxLength: 4 }),
    isFunction: fc.boolean(),
  }),
  fc.record({
    step: fc.constant('scan' as const),
    from: anyKey,
    to: anyKey,
    reverse: fc.boolean(),
    limit: fc.option(fc.nat(5), { nil: undefined }),
  }),
  fc.record({ step: fc.constantFrom('turn' as const, 'flush' as const, 'fail' as const) }),
)

/** What an engine does: memory changes at once, and is taken back when the change is lost. */
class Memory {
  readonly map = new Map<string, string>()

  change(entries: readonly (readonly [string, string | undefined])[]): CommitParticipant {
    const undos = entries.map(([key, value]) => {
      const before = this.map.get(key)
      this.#set(key, value)
      return () => this.#set(key, before)
    })
    return { committed() {}, failed() {}, undo: () => undos.reverse().map((undo) => undo()) }
  }

  range({ from, to, reverse, limit }: ScanRange): [string, string][] {
    const bytes = (key: string) => Buffer.from(key)
    const found = [...this.map]
      .filter(([key]) => bytes(key).compare(bytes(from)) >= 0 && bytes(key).compare(bytes(to)) < 0)
      .sort(([left], [right]) => bytes(left).compare(bytes(right)))
    return (reverse === true ? found.reverse() : found).slice(0, limit)
  }

  #set(key: string, value: string | undefined): void {
    if (value === undefined) this.map.delete(key)
    else this.map.set(key, value)
  }
}

const everything: ScanRange = { from: '\u0001', to: '\u{10ffff}' }

function journal() {
  const events: string[] = []
  const participant = (name: string): CommitParticipant => ({
    committed: () => events.push(`${name} committed`),
    failed: () => events.push(`${name} failed`),
    undo: () => events.push(`${name} undone`),
  })
  return { events, participant }
}

export function describeStore(name: string, start: (groupBytes?: number) => Promise<StoreSubject>): void {
  describe(name, () => {
    it('reads and scans what memory holds, whatever is open, under way or lost', async () => {
      const { store, clock, failNext } = await start()
      const memory = new Memory()
      await fc.assert(
        fc.asyncProperty(fc.array(anyStep, { maxLength: 25 }), async (steps) => {
          for (const each of steps) {
            if (each.step === 'turn') await turn()
            if (each.step === 'flush') await store.flush()
            if (each.step === 'fail') {
              failNext()
              store.write([{ key: 'lost', value: '1' }], memory.change([['lost', '1']]))
              store.write([{ key: 'a', value: 'lost' }], memory.change([['a', 'lost']]))
              await store.flush()
              for (const key of keys) assert.equal(store.getText(key), memory.map.get(key))
              await recover(store, clock)
              memory.map.set('recover', '1')
            }
            if (each.step === 'write') {
              const participant = memory.change(each.changes)
              const changes = each.changes.map(([key, value]): StoreChange => {
                const isFunction = each.isFunction && value !== undefined
                return { key, value: isFunction ? () => memory.map.get(key) ?? value : value }
              })
              store.write(changes, participant)
              for (const [key] of each.changes) assert.equal(store.getText(key), memory.map.get(key))
            }
            if (each.step === 'scan') {
              const range = each as ScanRange
              const scanned = store.scanText(range)
              const expected = memory.range(range)
              // As of the call: what is written after it does not show.
              const later = memory.map.get(each.from)
              store.write([{ key: each.from, value: 'later' }], memory.change([[each.from, 'later']]))
              assert.deepEqual(await all(scanned), expected)
              store.write([{ key: each.from, value: later }], memory.change([[each.from, later]]))
            }
          }
          assert.deepEqual(await all(store.scanText(everything)), memory.range(everything))
        }),
        { numRuns: 60 },
      )
      await store.stop()
    })

    it('scans more than a page, forward, backward, and from within', async () => {
      const { store } = await start()
      const names = Array.from({ length: 1200 }, (_, index) => `p/${String(index).padStart(5, '0')}`)
      store.write(names.map((key) => ({ key, value: key })))
      await store.flush()
      store.write(names.filter((_, index) => index % 2 === 0).map((key) => ({ key, value: undefined })))
      const odd = names.filter((_, index) => index % 2 === 1)
      const found = async (range: ScanRange) => (await all(store.scanText(range))).map(([key]) => key)
      assert.deepEqual(await found({ from: 'p/', to: 'p0' }), odd)
      assert.deepEqual(await found({ from: 'p/', to: 'p0', reverse: true }), odd.toReversed())
      assert.deepEqual(await found({ from: 'p/00500', to: 'p0', limit: 300 }), odd.slice(250, 550))
      assert.deepEqual(await found({ from: 'p/00500', to: 'p/00500' }), [])
      await store.stop()
    })

    it('gives text as bytes and bytes as text, before and after they are stored', async () => {
      const { store } = await start()
      const bytes = new Uint8Array([0, 255, 128])
      store.write([
        { key: 'text', value: 'dünn' },
        { key: 'bytes', value: bytes },
        { key: 'utf8', value: Buffer.from('dünn') },
      ])
      for (let round = 0; round < 2; round++) {
        assert.equal(store.getText('text'), 'dünn')
        assert.deepEqual(Buffer.from(store.getBytes('text') ?? []), Buffer.from('dünn'))
        assert.deepEqual(new Uint8Array(store.getBytes('bytes') ?? []), bytes)
        assert.equal(store.getText('utf8'), 'dünn')
        const [first] = await all(store.scanBytes({ from: 'bytes', to: 'bytes0' }))
        assert.deepEqual(new Uint8Array(first?.[1] ?? []), bytes)
        await store.flush()
      }
      await store.stop()
    })

    it('makes one group of a turn, and one of everything that comes while that is under way', async () => {
      const { store, hold, release } = await start()
      const { events, participant } = journal()
      hold()
      store.write([{ key: 'a', value: '1' }], participant('first'))
      await Promise.resolve()
      store.write([{ key: 'b', value: '1' }], participant('second'))
      await turn()
      await turn()
      for (const name of ['third', 'fourth']) {
        store.write([{ key: 'c', value: name }], participant(name))
        await turn()
      }
      assert.deepEqual(events, [])
      release()
      await store.flush()
      assert.deepEqual(events, ['first committed', 'second committed', 'third committed', 'fourth committed'])
      const { groups, participants, changes, largestGroup } = store.statistics
      assert.deepEqual(
        { groups, participants, changes, largestGroup },
        { groups: 2, participants: 5, changes: 3, largestGroup: 3 },
      )
      assert.equal(store.getText('c'), 'fourth')
      await store.stop()
    })

    it('asks a function for its value once, when the group closes', async () => {
      const { store } = await start()
      let calls = 0
      let counter = 0
      const value = () => {
        calls++
        return String(counter)
      }
      for (let round = 0; round < 100; round++) {
        counter++
        store.write([{ key: 'counter', value }])
      }
      assert.equal(calls, 0)
      await store.flush()
      assert.equal(calls, 1)
      counter++
      assert.equal(store.getText('counter'), '100')
      await store.stop()
    })

    it('undoes a lost group and the one built on it in reverse, before it tells anybody', async () => {
      const { store, clock, failNext, hold, release } = await start()
      const { events, participant } = journal()
      failNext()
      hold()
      store.write([{ key: 'a', value: '1' }], participant('one'))
      store.write([{ key: 'a', value: '2' }], participant('two'))
      await turn()
      store.write([{ key: 'b', value: '1' }], participant('three'))
      store.write([{ key: 'b', value: '2' }], participant('four'))
      release()
      await until(() => events.length === 8)
      assert.deepEqual(events, [
        ...['four undone', 'three undone', 'two undone', 'one undone'],
        ...['one failed', 'two failed', 'three failed', 'four failed'],
      ])
      assert.equal(store.getText('a'), undefined)
      assert.equal(store.getText('b'), undefined)
      assert.equal(store.statistics.failures, 1)
      await recover(store, clock)
      assert.deepEqual(await all(store.scanText(everything)), [['recover', '1']])
      await store.stop()
    })

    it('lets a group of the patient wait, until one of them has waited long enough', async () => {
      const { store, clock } = await start()
      const { events, participant } = journal()
      store.write([{ key: 'a', value: '1' }], participant('patient'), { patienceMs: 5000 })
      store.write([{ key: 'b', value: '1' }], participant('less patient'), { patienceMs: 1000 })
      for (let count = 0; count < 5; count++) await turn()
      clock.advance(999)
      for (let count = 0; count < 5; count++) await turn()
      assert.deepEqual(events, [])
      clock.advance(1)
      await until(() => events.length > 0)
      assert.deepEqual(events, ['patient committed', 'less patient committed'])
      await store.stop()
    })

    it('has the patient leave with the first who is not, and with a group that is full', async () => {
      const { store, hold, release } = await start(100)
      const { events, participant } = journal()
      store.write([{ key: 'a', value: '1' }], participant('patient'), { patienceMs: 5000 })
      store.write([{ key: 'b', value: '1' }], participant('hasty'))
      await until(() => events.length === 2)
      hold()
      store.write([{ key: 'c', value: '1' }])
      await turn()
      store.write([{ key: 'd', value: '1' }], participant('next'), { patienceMs: 5000 })
      assert.equal(store.isCongested, false)
      store.write([{ key: 'e', value: 'x'.repeat(100) }], participant('large'), { patienceMs: 5000 })
      assert.equal(store.isCongested, true)
      release()
      await until(() => events.length === 4)
      assert.equal(store.isCongested, false)
      await store.stop()
    })

    it('stores what is open when it stops, the patient included; afterwards it refuses', async () => {
      const subject = await start()
      const { store } = subject
      const { events, participant } = journal()
      store.write([{ key: 'a', value: '1' }], participant('patient'), { patienceMs: 60_000 })
      const stopped = store.stop()
      store.write([{ key: 'b', value: '1' }], participant('late'))
      assert.deepEqual(events, ['late undone', 'late failed'])
      await Promise.all([stopped, store.stop()])
      assert.deepEqual(events.slice(2), ['patient committed'])
      const after = await subject.afterKill()
      assert.deepEqual(await all(after.store.scanText(everything)), [['a', '1']])
      await after.store.stop()
    })

    it('deletes a range in the background, and nothing beside it', async () => {
      const { store } = await start()
      await written(store, 'i/', 'before')
      await written(store, 'i0', 'behind')
      store.write(Array.from({ length: 1700 }, (_, index) => ({ key: `i/${index}`, value: 'x' })))
      store.write([{ key: 'j/1', value: 'x' }])
      store.discardRange('i/0', 'i0')
      store.discardRange('j/', 'j0')
      assert.equal(store.getText('i/5'), 'x')
      await until(() => store.getText('j/1') === undefined)
      await store.flush()
      assert.deepEqual(
        (await all(store.scanText(everything))).map(([key]) => key),
        ['i/', 'i0'],
      )
      await store.stop()
    })

    it('goes on deleting after the process was killed, and after a group was lost', async () => {
      const first = await start()
      const range = { from: 'i/', to: 'i0' }
      first.store.write(
        Array.from({ length: 1700 }, (_, index) => ({ key: `i/${index}`, value: 'x' })),
        { committed: () => first.hold(), failed: assert.ifError },
      )
      first.store.discardRange('i/', 'i0')
      await until(() => first.store.statistics.groups === 1)
      // Lets a first group of deletions pass, and holds the next.
      await until(() => {
        first.release()
        first.hold()
        return first.store.statistics.groups >= 2
      })
      const second = await first.afterKill()
      first.release()
      await first.store.stop()
      await until(() => second.store.statistics.groups > 0)
      second.failNext()
      await until(() => second.store.statistics.failures > 0)
      assert.notEqual((await all(second.store.scanText({ ...range, limit: 1 }))).length, 0)
      await recover(second.store, second.clock)
      second.store.discardRange('k/', 'k0')
      await discarded(second.store)
      assert.deepEqual(await all(second.store.scanText(range)), [])
      await second.store.stop()
    })

    it('forgets to delete a range when the group that made it unneeded is lost', async () => {
      const { store, clock, failNext } = await start()
      await written(store, 'i/1', 'x')
      failNext()
      store.write([{ key: 'r/parent', value: undefined }])
      store.discardRange('i/', 'i0')
      await store.flush()
      await recover(store, clock)
      await store.flush()
      assert.equal(store.getText('i/1'), 'x')
      await store.stop()
    })
  })
}
