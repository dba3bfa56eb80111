import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OneM2MError, Status } from '../../src/onem2m/status.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { BoardClock, dayMs, MovedGatewayClock, minuteMs, todayMs } from '../appliance/board-clock.ts'
import { silent } from '../bindings/fixture.ts'
import { Kit } from './kit.ts'

/** A gateway on a board without a clock of its own, which shows `wallMs` when it wakes up. */
async function wakeUp(wallMs: number): Promise<{ readonly kit: Kit; readonly clock: MovedGatewayClock }> {
  const board = new BoardClock(wallMs)
  const store = new MemoryStore({ clock: board })
  await store.start()
  const clock = new MovedGatewayClock(board, store, silent)
  return { kit: await (await Kit.start({ clock, settings: { defaultLifetimeSeconds: 3600 } })).withContainer(), clock }
}

async function contents(kit: Kit): Promise<string> {
  const { content } = await kit.retrieve('onem2m/app/temp', { resultContent: 4 })
  return [...JSON.stringify(content ?? {}).matchAll(/"con":"(\w+)"/g)].map(([, con]) => con).join(' ')
}

describe('on a machine that shows 1970', () => {
  it('nothing expires; once the clock is set, each is as old as it is', async () => {
    const { kit, clock } = await wakeUp(0)
    await kit.create('onem2m/app', 3, { 'm2m:cnt': { rn: 'aged', mia: 60 } })
    await kit.create('onem2m/app/aged', 4, { 'm2m:cin': { con: 'first' } })
    clock.advance(90 * minuteMs)
    await kit.notifications()
    assert.equal((await kit.retrieve('onem2m/app/aged/la')).status, 2000)
    const ae = { rn: 'young', api: 'Nyoung', rr: true, srv: ['3'] }
    await kit.create('onem2m', 2, { 'm2m:ae': ae }, { originator: 'Cyoung' })
    clock.set(todayMs)
    await kit.notifications()
    assert.equal((await kit.retrieve('onem2m/app/aged/la')).status, 4004)
    assert.equal((await kit.retrieve('onem2m/app')).status, 4004, 'it had an hour, and has had an hour and a half')
    assert.equal((await kit.retrieve('onem2m/young', { originator: 'Cyoung' })).status, 2000)
    clock.advance(61 * minuteMs)
    assert.equal((await kit.retrieve('onem2m/young', { originator: 'Cyoung' })).status, 4004)
  })
})

describe('on a machine that wakes up three weeks late', () => {
  it('what was created meanwhile keeps its age when the clock is set, and so do instances', async () => {
    const { kit, clock } = await wakeUp(todayMs - 21 * dayMs)
    await kit.update('onem2m/app/temp', { 'm2m:cnt': { mia: 1800 } })
    await kit.push('a')
    clock.advance(20 * minuteMs)
    await kit.push('b')
    clock.set(todayMs)
    await kit.notifications()
    assert.equal(await contents(kit), 'a b')
    clock.advance(15 * minuteMs)
    await kit.notifications()
    assert.equal(await contents(kit), 'b')
    clock.advance(16 * minuteMs)
    await kit.notifications()
    assert.equal(await contents(kit), '')
    clock.advance(10 * minuteMs)
    assert.equal((await kit.retrieve('onem2m/app/temp')).status, 4004)
  })

  it('what waited for a target is not given up for its age', async () => {
    const { kit, clock } = await wakeUp(todayMs - 21 * dayMs)
    await kit.create('onem2m/app/temp', 23, {
      'm2m:sub': { rn: 'watch', nu: ['Capp'], enc: { net: [3] }, pn: 2, nct: 1 },
    })
    kit.answerDelivery = () => {
      throw new OneM2MError(Status.TARGET_NOT_REACHABLE, 'away')
    }
    await kit.push('a')
    await kit.notifications()
    clock.set(todayMs)
    kit.answerDelivery = () => 2000
    kit.deliveries.length = 0
    clock.advance(10 * minuteMs)
    await kit.notifications()
    assert.match(JSON.stringify(kit.deliveries.map(({ request }) => request.content)), /"con":"a"/)
  })
})
