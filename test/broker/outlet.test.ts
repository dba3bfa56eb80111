/** What leaves over one connection, and how it waits for a reader that is slow. */

import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import test from 'node:test'
import { newTraffic, Outlet, Turn } from '../../src/broker/outlet.ts'

/** A connection whose system takes a write when it is told to. */
function house({ dropBytes = 1_000_000 } = {}) {
  const taken: Buffer[] = []
  let take: (() => void) | undefined
  const conn = new Writable({
    write(bytes, _encoding, done) {
      taken.push(bytes)
      take = done
    },
  })
  let drained = 0
  const outlet = new Outlet({
    conn: conn as never,
    limits: { dropBytes, closeBytes: 10_000_000 },
    turn: new Turn(),
    traffic: newTraffic(),
    dropped() {},
    tooSlow() {},
    drained: () => drained++,
  })
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return {
    outlet,
    taken,
    settle,
    drained: () => drained,
    async takeOne() {
      take?.()
      await settle()
    },
  }
}

test('small writes that wait for a slow reader wait as bytes, in order, for one write', async () => {
  const { outlet, taken, settle, takeOne } = house()
  for (let turn = 0; turn < 200; turn++) {
    for (let index = 0; index < 10; index++) outlet.write(Buffer.from([turn, index]))
    await settle()
  }
  assert.deepEqual(
    taken.map(({ length }) => length),
    [20],
  )
  await takeOne()
  await takeOne()
  const expected = Array.from({ length: 2000 }, (_, index) => [Math.floor(index / 10), index % 10]).flat()
  assert.deepEqual([...Buffer.concat(taken)], expected)
  assert.equal(taken.length, 2)
})

test('what waits counts against the room that there is, and all of it has to be read before there is room again', async () => {
  const { outlet, takeOne, settle, drained } = house({ dropBytes: 100 })
  for (let turn = 0; turn < 11; turn++) {
    assert.equal(outlet.hasRoom, true)
    outlet.write(Buffer.alloc(10))
    await settle()
  }
  assert.equal(outlet.hasRoom, false)
  assert.equal(outlet.isStalled, true)
  await takeOne()
  assert.equal(outlet.hasRoom, false)
  await takeOne()
  assert.equal(outlet.hasRoom, true)
  assert.equal(drained(), 1)
})
