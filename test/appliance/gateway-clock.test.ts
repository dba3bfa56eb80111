import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayClock } from '../../src/appliance/gateway-clock.ts'
import type { Log } from '../../src/onem2m/log.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { BoardClock, dayMs, minuteMs, todayMs } from './board-clock.ts'

const hourMs = 60 * minuteMs

describe("a gateway's clock", () => {
  const said: string[] = []
  const note = (message: string) => said.push(message)
  const log: Log = { debug: () => {}, info: note, warn: note, error: note }

  /** One run of a gateway on a board, with what earlier runs left in the store. */
  async function run(board: BoardClock, data = new MemoryStore({ clock: board }).data) {
    said.length = 0
    const store = new MemoryStore({ clock: board, data })
    await store.start()
    const clock = new GatewayClock(board)
    clock.start(store, log)
    const stop = async () => {
      clock.stop()
      await store.stop()
      return store.data
    }
    /** What happens when the clock of the board is set. */
    const set = (wallMs: number) => {
      board.set(wallMs)
      clock.wallMs()
      board.advance(0)
    }
    return { clock, stop, set }
  }

  it("is the machine's, as long as that is adjusted by moments", async () => {
    const board = new BoardClock()
    const { clock } = await run(board)
    board.advance(1000)
    board.set(board.wallMs() + 1500)
    assert.equal(clock.wallMs(), todayMs + 2500)
    assert.deepEqual([clock.isTrusted, clock.wasWrong, said], [true, false, []])
  })

  it('goes on from the latest time that it has seen when the machine wakes up a little before it', async () => {
    const board = new BoardClock()
    const first = await run(board)
    board.advance(hourMs)
    const data = await first.stop()
    const later = new BoardClock(todayMs + 10 * minuteMs)
    const { clock, set } = await run(later, data)
    assert.deepEqual([clock.wallMs(), clock.isTrusted, said], [todayMs + hourMs, true, []])
    later.advance(minuteMs)
    assert.equal(clock.wallMs(), todayMs + hourMs + minuteMs)
    set(todayMs + 3 * hourMs)
    assert.equal(clock.wallMs(), todayMs + 3 * hourMs)
  })

  it('is noted every hour, so that a machine that loses its power finds it again', async () => {
    const board = new BoardClock()
    const store = new MemoryStore({ clock: board })
    await store.start()
    new GatewayClock(board).start(store, log)
    board.advance(hourMs)
    await store.flush()
    const { clock } = await run(new BoardClock(0), store.data)
    assert.equal(clock.wallMs(), todayMs + hourMs)
  })

  it('is not trusted when the machine shows 1970, until somebody sets it', async () => {
    const board = new BoardClock(0)
    const { clock, set } = await run(board)
    assert.deepEqual([clock.isTrusted, said.length], [false, 1])
    assert.ok(clock.wallMs() >= Date.UTC(2025, 0))
    let calls = 0
    clock.onSet(() => calls++)
    set(todayMs)
    assert.deepEqual([clock.isTrusted, clock.wallMs(), calls, said.length], [true, todayMs, 1, 2])
  })

  it('knows how much too early it has noted what it noted before it was set, also after restarts', async () => {
    const board = new BoardClock(0)
    const first = await run(board)
    const notedMs = first.clock.wallMs()
    board.advance(hourMs)
    const data = await first.stop()
    const again = new BoardClock(0)
    const second = await run(again, data)
    assert.equal(second.clock.isTrusted, false)
    again.advance(hourMs)
    second.set(todayMs)
    assert.equal(todayMs - (notedMs + second.clock.lagOf(notedMs)), 2 * hourMs)
    assert.equal(second.clock.lagOf(notedMs - 1), 0)
    assert.equal(second.clock.lagOf(todayMs), 0)
    const third = await run(new BoardClock(todayMs + hourMs), await second.stop())
    assert.equal(todayMs - (notedMs + third.clock.lagOf(notedMs)), 2 * hourMs)
  })

  it('keeps ages when it is set more than once, forth and back', async () => {
    const board = new BoardClock(todayMs - 20 * dayMs)
    const { clock, set } = await run(board)
    const ageOf = (notedMs: number) => clock.wallMs() - notedMs - clock.lagOf(notedMs)
    const firstMs = clock.wallMs()
    board.advance(hourMs)
    set(todayMs + 365 * dayMs)
    const secondMs = clock.wallMs()
    board.advance(hourMs)
    set(todayMs)
    board.advance(hourMs)
    assert.deepEqual([ageOf(firstMs), ageOf(secondMs), ageOf(clock.wallMs())], [3 * hourMs, 2 * hourMs, 0])
  })

  it('takes no notice when the machine falls back to a time that can not be', async () => {
    const board = new BoardClock()
    const { clock, set } = await run(board)
    set(5000)
    board.advance(minuteMs)
    assert.deepEqual([clock.wallMs(), clock.isTrusted, clock.wasWrong], [todayMs + minuteMs, true, false])
  })

  it('was set while the gateway was off: what was noted in doubt is as old as it was', async () => {
    const board = new BoardClock(0)
    const first = await run(board)
    const notedMs = first.clock.wallMs()
    board.advance(hourMs)
    const { clock } = await run(new BoardClock(todayMs), await first.stop())
    assert.deepEqual([clock.isTrusted, todayMs - notedMs - clock.lagOf(notedMs)], [true, hourMs])
  })

  it('starts as on the first day when what it has noted can not be read', async () => {
    const board = new BoardClock()
    const { clock } = await run(board, new Map([['m/clock', '{']]))
    assert.deepEqual([clock.wallMs(), clock.isTrusted], [todayMs, true])
  })
})
