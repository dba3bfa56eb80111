import assert from 'node:assert/strict'
import test from 'node:test'
import type { Requester } from '../../src/cse/handler.ts'
import type { JsonObject } from '../../src/onem2m/content.ts'
import { OneM2MError, Status } from '../../src/onem2m/status.ts'
import { StoreError } from '../../src/store/store.ts'
import { Kit, type KitOptions, settings } from './kit.ts'

const away = () => {
  throw new OneM2MError(Status.TARGET_NOT_REACHABLE, 'nobody there')
}

async function subscribed(attributes: JsonObject, options: KitOptions = {}): Promise<Kit> {
  const kit = await (await Kit.start(options)).withContainer()
  const content = { 'm2m:sub': { rn: 'sub', nu: ['Capp'], enc: { net: [3] }, ...attributes } }
  const { status, reason } = await kit.create('onem2m/app/temp', 23, content)
  assert.equal(status, 2001, reason)
  return kit
}

/** What arrives from now on, where targets were away before. */
function arrivals(kit: Kit): () => readonly string[] {
  kit.answerDelivery = () => 2000
  const before = kit.deliveries.length
  return () => contentsOf(kit.deliveries.slice(before))
}

function contentsOf(deliveries: Kit['deliveries']): readonly string[] {
  return deliveries.flatMap(({ request }) =>
    [...JSON.stringify(request.content).matchAll(/"con":"(\w+)"/g)].map(([, con]) => con as string),
  )
}

/** Lets time pass until nothing is tried any more. */
async function settle(kit: Kit, minutes = 3): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    kit.clock.advance(60_000)
    await kit.notifications()
  }
}

const keys = (kit: Kit) => [...kit.store.data.keys()].filter((key) => key.startsWith('q/'))

test('with pendingNotification all that was acknowledged is told after a restart, in order, and the disk is clean (TS-0001 9.6.8)', async () => {
  const kit = await subscribed({ pn: 2 })
  kit.answerDelivery = away
  await kit.push('a', 'b', 'c')
  await kit.notifications()
  assert.equal(keys(kit).length, 3)
  // Killed: nothing is stopped in order.
  const next = await Kit.start({ clock: kit.clock, data: new Map(kit.store.data) })
  await settle(next)
  assert.deepEqual(contentsOf(next.deliveries), ['a', 'b', 'c'])
  await next.store.flush()
  assert.deepEqual(keys(next), [])
})

test('a batch that is kept goes on where it was after a restart', async () => {
  const kit = await subscribed({ pn: 2, bn: { num: 3, dur: 'PT1H' } })
  await kit.push('a', 'b')
  await kit.notifications()
  const next = await Kit.start({ clock: kit.clock, data: new Map(kit.store.data) })
  await next.notifications()
  assert.deepEqual(next.deliveries, [])
  await next.push('c')
  await next.notifications()
  assert.deepEqual(contentsOf(next.deliveries), ['a', 'b', 'c'])
})

test('sendLatest keeps the latest for a target that is away', async () => {
  const kit = await subscribed({ pn: 1 })
  kit.answerDelivery = away
  await kit.push('a')
  await kit.notifications()
  await kit.push('b', 'c')
  await kit.notifications()
  assert.equal(keys(kit).length, 1)
  const arrived = arrivals(kit)
  await settle(kit)
  assert.deepEqual(arrived(), ['c'])
})

test('what is kept is tried for as long as it may be kept, and no longer', async () => {
  const kit = await subscribed({ pn: 2 })
  kit.answerDelivery = away
  await kit.push('a')
  await settle(kit, 30)
  assert.equal(keys(kit).length, 1)
  kit.clock.advance(86_400_000)
  await settle(kit)
  await kit.store.flush()
  assert.deepEqual(keys(kit), [])
  assert.equal(kit.cse.notifications.dropped, 1)
})

test('there is room for so many bytes; the oldest go', async () => {
  const limits = { ...settings.notification, maxKeptSizeBytes: 2000 }
  const kit = await subscribed({ pn: 2, nct: 3 }, { settings: { notification: limits } })
  kit.answerDelivery = away
  await kit.push(...Array.from({ length: 50 }, (_, n) => `v${n}`))
  await kit.notifications()
  assert.ok(kit.cse.notifications.keptBytes <= 2000)
  assert.ok(kit.cse.notifications.dropped > 0)
  assert.equal(kit.cse.notifications.dropped + keys(kit).length, 50)
})

test('more than fits into memory waits on the disk, and arrives in order', async () => {
  const limits = { ...settings.notification, maxQueued: 10 }
  const kit = await subscribed({ pn: 2 }, { settings: { notification: limits } })
  kit.answerDelivery = away
  const all = Array.from({ length: 75 }, (_, n) => `v${n}`)
  await kit.push(...all)
  await kit.notifications()
  const arrived = arrivals(kit)
  for (let round = 0; round < 20; round++) await settle(kit, 1)
  assert.deepEqual(arrived(), all)
  assert.equal(kit.cse.notifications.dropped, 0)
})

test('a target that is taken off and put on again while it is away loses nothing, and gets nothing twice', async () => {
  const kit = await subscribed({ pn: 2 })
  kit.answerDelivery = ({ target }) => (target === 'Capp' ? away() : 2000)
  await kit.push('a', 'b')
  await kit.notifications()
  for (const nu of [['http://127.0.0.1:9/other'], ['Capp']])
    assert.equal((await kit.update('onem2m/app/temp/sub', { 'm2m:sub': { nu } })).status, 2004)
  await kit.push('c')
  await kit.notifications()
  assert.equal(keys(kit).length, 3)
  const arrived = arrivals(kit)
  await settle(kit)
  assert.deepEqual(arrived(), ['a', 'b', 'c'])
  await kit.store.flush()
  assert.deepEqual(keys(kit), [])
})

test('what arrives while others are read back from the disk goes out once', async () => {
  const limits = { ...settings.notification, maxInFlight: 1 }
  const kit = await subscribed({ pn: 2 }, { settings: { notification: limits } })
  const answers: (() => void)[] = []
  kit.answerDelivery = () => new Promise((resolve) => answers.push(() => resolve(2000)))
  const scan = kit.store.scanText.bind(kit.store)
  const isRead: (() => void)[] = []
  kit.store.scanText = async function* (range) {
    const entries: (readonly [string, string])[] = []
    for await (const entry of scan(range)) entries.push(entry)
    await new Promise<void>((resolve) => isRead.push(resolve))
    yield* entries
  }
  await kit.push('a')
  await kit.notifications()
  kit.store.hold()
  const pushed = kit.push('b')
  answers.shift()?.()
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  kit.store.release()
  await pushed
  for (const resolve of isRead.splice(0)) resolve()
  for (let turn = 0; turn < 3; turn++) {
    await kit.notifications()
    for (const answer of answers.splice(0)) answer()
  }
  assert.deepEqual(contentsOf(kit.deliveries), ['a', 'b'])
})

test('a target that comes back is told at once when its registration says so', async () => {
  const kit = await subscribed({ pn: 2 })
  kit.answerDelivery = away
  await kit.push('a')
  await settle(kit, 10)
  const arrived = arrivals(kit)
  await kit.update('onem2m/app', { 'm2m:ae': { poa: ['http://127.0.0.1:9/back'] } })
  await kit.notifications()
  assert.deepEqual(arrived(), ['a'])
})

test('what was under way when its target went away goes before what came after', async () => {
  const kit = await subscribed({ pn: 2 })
  const lost: (() => void)[] = []
  const arrived: string[] = []
  const take: Kit['answerDelivery'] = (delivery) => {
    arrived.push(...contentsOf([delivery]))
    return 2000
  }
  kit.answerDelivery = () =>
    new Promise((_, reject) => lost.push(() => reject(new OneM2MError(Status.TARGET_NOT_REACHABLE, 'no answer'))))
  await kit.push('a', 'b')
  await kit.notifications()
  kit.answerDelivery = away
  await kit.push('c', 'd')
  await kit.notifications()
  kit.answerDelivery = take
  await kit.update('onem2m/app', { 'm2m:ae': { poa: ['http://127.0.0.1:9/back'] } })
  await kit.push('e')
  await kit.notifications()
  for (const timeOut of lost.splice(0)) timeOut()
  await settle(kit)
  assert.deepEqual(arrived, ['a', 'b', 'c', 'd', 'e'])
})

test('everything for other CSEs is kept, and tried again with the same request identifier', async () => {
  const kit = await (await Kit.start()).withContainer()
  const tried: string[] = []
  let status = 2000
  const way: Requester = {
    schemes: ['cse'],
    send: async ({ target, request: { to, requestIdentifier } }) => {
      tried.push(`${target} ${to} ${requestIdentifier}`)
      return { responseStatusCode: status, requestIdentifier }
    },
  }
  kit.cse.use(way)
  const subscription = { nu: ['/in-cse-1/CGui'], enc: { net: [3] } }
  assert.equal((await kit.create('onem2m/app/temp', 23, { 'm2m:sub': subscription })).status, 2001)
  tried.length = 0
  status = 5103
  await kit.push('a')
  await settle(kit)
  assert.equal(keys(kit).length, 1)
  const next = await kit.restart()
  status = 2000
  next.cse.use(way)
  await next.notifications()
  await next.store.flush()
  assert.deepEqual(keys(next), [])
  assert.ok(tried.length > 2)
  assert.deepEqual([...new Set(tried.map((each) => each.replace(/ \S+$/, '')))], ['/in-cse-1/CGui /in-cse-1/CGui'])
  assert.equal(new Set(tried).size, 1)
})

test('an event whose commit is lost is told to nobody, and leaves nothing behind', async () => {
  const kit = await subscribed({ pn: 2 })
  const arrived = arrivals(kit)
  await kit.push('a')
  await kit.notifications()
  await kit.store.flush()
  kit.store.failNext(new StoreError('io', 'lost'))
  await kit.push('lost')
  await kit.push('b')
  await kit.notifications()
  assert.deepEqual(arrived(), ['a', 'b'])
  await kit.store.flush()
  assert.deepEqual(keys(kit), [])
})
