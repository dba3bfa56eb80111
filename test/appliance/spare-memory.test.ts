/** When memory is given back: after the start, and after a storm when it is calm; not while there is work, nor for little. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { SpareMemory } from '../../src/appliance/spare-memory.ts'
import { ManualClock } from '../bindings/fixture.ts'

const mebibyte = 1_048_576

function machine({ canCollect = true } = {}) {
  const clock = new ManualClock()
  const state = { residentMiB: 80, usedMs: 0, collections: 0 }
  const collect = () => {
    state.collections++
    state.residentMiB = 70
  }
  const memory = new SpareMemory({
    clock,
    collectGarbage: canCollect ? collect : undefined,
    residentMemory: () => state.residentMiB * mebibyte,
    usedTime: () => state.usedMs * 1000,
  })
  memory.start()
  const look = (usedMs: number) => {
    clock.advance(30_000)
    state.usedMs += usedMs
    memory.look()
    return state.collections
  }
  return { clock, state, look }
}

test('what the start needed is given back a second after it', () => {
  const { clock, state } = machine()
  clock.advance(999)
  assert.equal(state.collections, 0)
  clock.advance(1)
  assert.equal(state.collections, 1)
})

test('what a storm needed is given back when it is over', () => {
  const { state, look } = machine()
  assert.equal(look(0), 1)
  state.residentMiB = 200
  assert.equal(look(20_000), 1, 'it is not over')
  assert.equal(look(100), 2)
  assert.equal(look(100), 2, 'there is nothing more')
  state.residentMiB = 101
  assert.equal(look(100), 2, 'little is not worth a pause')
})

test('what stays in spite of it is not asked for again', () => {
  const { state, look } = machine()
  look(0)
  state.residentMiB = 200
  assert.equal(look(0), 2)
  state.residentMiB = 95
  assert.equal(look(0), 2)
})

test('a process that can not give back does not try', () => {
  const { look } = machine({ canCollect: false })
  assert.equal(look(0), 0)
})
