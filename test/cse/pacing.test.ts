import assert from 'node:assert/strict'
import test from 'node:test'
import type { Json, JsonObject } from '../../src/onem2m/content.ts'
import { OneM2MError, Status } from '../../src/onem2m/status.ts'
import { Kit } from './kit.ts'

async function subscribed(attributes: JsonObject): Promise<Kit> {
  const kit = await (await Kit.start()).withContainer()
  const content = { 'm2m:sub': { rn: 'sub', nu: ['Capp'], enc: { net: [3] }, ...attributes } }
  const { status, reason } = await kit.create('onem2m/app/temp', 23, content)
  assert.equal(status, 2001, reason)
  return kit
}

/** The contents that each notification tells of. */
async function told(kit: Kit): Promise<readonly (readonly string[])[]> {
  const notifications = await kit.notifications()
  return notifications.map((notification) => {
    const aggregated = (notification['m2m:agn'] as JsonObject | undefined)?.['m2m:sgn'] as readonly Json[] | undefined
    return [...JSON.stringify(aggregated ?? notification).matchAll(/"con":"(\w+)"/g)].map(([, con]) => con as string)
  })
}

test('batchNotify by number: as many as it says at once, the rest when its time is up (TS-0001 9.6.8)', async () => {
  const kit = await subscribed({ bn: { num: 2, dur: 'PT10S' } })
  await kit.push('a', 'b', 'c')
  assert.deepEqual(await told(kit), [['a', 'b']])
  kit.clock.advance(9999)
  assert.deepEqual(await told(kit), [['a', 'b']])
  kit.clock.advance(1)
  assert.deepEqual(await told(kit), [['a', 'b'], ['c']])
  assert.ok(kit.deliveries[1]?.request.content?.['m2m:agn'], 'one alone is a batch as well')
})

test('latestNotify in a batch: only the newest goes out, as event category latest', async () => {
  const kit = await subscribed({ bn: { dur: 'PT5S' }, ln: true })
  await kit.push('a', 'b', 'c')
  kit.clock.advance(5000)
  assert.deepEqual(await told(kit), [['c']])
  assert.equal(kit.deliveries[0]?.request.eventCategory, 4)
})

test('notificationEventCat is the event category of the request', async () => {
  const kit = await subscribed({ nec: 2 })
  await kit.push('a')
  await told(kit)
  assert.equal(kit.deliveries[0]?.request.eventCategory, 2)
})

test('rateLimit: at most so many in a window, the others in the next ones (TS-0001 9.6.8)', async () => {
  const kit = await subscribed({ rl: { mnn: 2, tww: 'PT1S' } })
  await kit.push('a', 'b', 'c', 'd', 'e')
  assert.deepEqual(await told(kit), [['a'], ['b']])
  kit.clock.advance(1000)
  assert.equal((await told(kit)).length, 4)
  kit.clock.advance(1000)
  assert.deepEqual(await told(kit), [['a'], ['b'], ['c'], ['d'], ['e']])
})

test('what waits is bounded: the oldest go, counted', async () => {
  const kit = await subscribed({ rl: { mnn: 1, tww: 'PT1S' } })
  await kit.push(...Array.from({ length: 110 }, (_, n) => `v${n}`))
  for (let window = 0; window < 110; window++) {
    await told(kit)
    kit.clock.advance(1000)
  }
  const contents = (await told(kit)).flat()
  assert.equal(contents.length, 101, 'one at once, a hundred after it')
  assert.deepEqual([contents[0], contents[1], contents.at(-1)], ['v0', 'v10', 'v109'])
})

test('a batch is not lost at the end of its subscription, nor of the gateway', async () => {
  for (const end of [
    async (kit: Kit) => void (await kit.delete('onem2m/app/temp/sub')),
    (kit: Kit) => kit.cse.flushNotifications(1000),
  ]) {
    const kit = await subscribed({ bn: { num: 10 } })
    await kit.push('a', 'b')
    assert.deepEqual(await told(kit), [])
    await end(kit)
    assert.deepEqual(await told(kit), [['a', 'b']])
  }
})

test('what was collected goes by what its subscription says now', async () => {
  const kit = await subscribed({ bn: { num: 10 } })
  await kit.push('a', 'b')
  await kit.update('onem2m/app/temp/sub', { 'm2m:sub': { bn: { num: 2 } } })
  assert.deepEqual(await told(kit), [['a', 'b']])
  await kit.push('c')
  await kit.update('onem2m/app/temp/sub', { 'm2m:sub': { bn: null } })
  assert.deepEqual(await told(kit), [['a', 'b'], ['c']])
})

test('an unreachable target is tried again, in order, then given up; its neighbour notices nothing', async () => {
  const kit = await (await Kit.start()).withContainer()
  for (const nu of ['http://dead/x', 'http://alive/x'])
    await kit.create('onem2m/app/temp', 23, { 'm2m:sub': { nu: [nu], enc: { net: [3] } } })
  let isDead = true
  const arrived: string[] = []
  kit.answerDelivery = ({ pointOfAccess, request }) => {
    if (pointOfAccess.includes('dead') && isDead) throw new OneM2MError(Status.TARGET_NOT_REACHABLE, 'nobody there')
    arrived.push(`${pointOfAccess} ${/"con":"(\w+)"/.exec(JSON.stringify(request.content))?.[1]}`)
    return 2000
  }
  await kit.push('a', 'b')
  await told(kit)
  assert.deepEqual(arrived, ['http://alive/x a', 'http://alive/x b'])
  isDead = false
  kit.clock.advance(60_000)
  await told(kit)
  assert.deepEqual(arrived.slice(2).sort(), ['http://dead/x a', 'http://dead/x b'])
  isDead = true
  await kit.push('c')
  for (let tries = 0; tries < 5; tries++) {
    await told(kit)
    kit.clock.advance(60_000)
  }
  isDead = false
  await told(kit)
  assert.deepEqual(arrived.slice(4), ['http://alive/x c'], 'three tries, then it is given up')
})

/** A subscription that notifies in the first second of each minute of the second hour of a day, which began with the clock of these tests. */
async function scheduled(attributes: JsonObject): Promise<Kit> {
  const kit = await subscribed(attributes)
  const content = { 'm2m:sch': { se: { sce: ['* * 1 * * * *'] } } }
  const { status, reason } = await kit.create('onem2m/app/temp/sub', 18, content)
  assert.equal(status, 2001, reason)
  return kit
}

test('out of its schedule a subscription keeps all, the latest, or nothing, as pendingNotification says', async () => {
  for (const [attributes, expected] of [
    [{ pn: 2 }, [['a'], ['b']]],
    [{ pn: 1 }, [['b']]],
    [{}, []],
  ] as const) {
    const kit = await scheduled(attributes)
    await kit.push('a', 'b')
    assert.deepEqual(await told(kit), [])
    for (let minute = 0; minute < 61; minute++) kit.clock.advance(60_000)
    assert.deepEqual(await told(kit), expected)
    await kit.push('now')
    assert.deepEqual((await told(kit)).at(-1), ['now'])
  }
})

test('immediate notifications go by no schedule', async () => {
  const kit = await scheduled({ nec: 2 })
  await kit.push('a')
  assert.deepEqual(await told(kit), [['a']])
})

test('a schedule entry has seven fields (TS-0004 6.3.3)', async () => {
  const kit = await subscribed({})
  for (const entry of ['* * * * *', '* * * * * * x', '', '* * * * * * * *']) {
    const answer = await kit.create('onem2m/app/temp/sub', 18, { 'm2m:sch': { se: { sce: [entry] } } })
    assert.equal(answer.status, 4000, entry)
    assert.match(answer.reason, /^se\.sce\[0\]: .*seven fields/)
  }
})
