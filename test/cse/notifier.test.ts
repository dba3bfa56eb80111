import assert from 'node:assert/strict'
import test from 'node:test'
import type { Delivery } from '../../src/cse/handler.ts'
import type { JsonObject } from '../../src/onem2m/content.ts'
import type { RequestPrimitive } from '../../src/onem2m/primitive.ts'
import { OneM2MError, Status } from '../../src/onem2m/status.ts'
import { Kit, settings } from './kit.ts'

async function subscribed(limits: Partial<typeof settings.notification>, nu: string[] = ['Capp']): Promise<Kit> {
  const kit = await Kit.start({ settings: { notification: { ...settings.notification, ...limits } } })
  await kit.withContainer()
  await kit.create('onem2m/app/temp', 23, { 'm2m:sub': { rn: 'watch', nu, enc: { net: [3] } } })
  return kit
}

function contentsOf(deliveries: readonly Delivery[]): readonly string[] {
  return deliveries.map((delivery) => /"con":"(\w+)"/.exec(JSON.stringify(delivery.request.content))?.[1] ?? '')
}

const unreachable = () => {
  throw new OneM2MError(Status.TARGET_NOT_REACHABLE, 'nobody there')
}

test('a slow target gets notifications in order, no more at once than allowed', async () => {
  const kit = await subscribed({ maxInFlight: 2 })
  const answers: ((status: number) => void)[] = []
  kit.answerDelivery = () => new Promise((resolve) => answers.push(resolve))
  await kit.push('a', 'b', 'c', 'd')
  await kit.notifications()
  assert.deepEqual(contentsOf(kit.deliveries), ['a', 'b'])
  answers.shift()?.(2000)
  await kit.notifications()
  assert.deepEqual(contentsOf(kit.deliveries), ['a', 'b', 'c'])
})

test('no more go out than the expiration counter says, however slow the target is (TS-0001 9.6.8)', async () => {
  const kit = await Kit.start()
  await kit.withContainer()
  await kit.create('onem2m/app/temp', 23, { 'm2m:sub': { rn: 'watch', nu: ['Capp'], enc: { net: [3] }, exc: 2 } })
  const answers: ((status: number) => void)[] = []
  kit.answerDelivery = () => new Promise((resolve) => answers.push(resolve))
  await kit.push('a', 'b', 'c')
  await kit.notifications()
  assert.deepEqual(contentsOf(kit.deliveries), ['a', 'b'])
  answers.shift()?.(4103)
  await kit.notifications()
  await kit.push('d', 'e')
  await kit.notifications()
  assert.deepEqual(contentsOf(kit.deliveries), ['a', 'b', 'c'], 'what was refused does not count')
  for (const answer of answers) answer(2000)
  await kit.notifications()
  assert.equal((await kit.ask({ operation: 2, to: 'onem2m/app/temp/watch' })).status, 4004)
})

/** Each event that was told, once, however often its notification was sent. */
function eventsOf(deliveries: readonly Delivery[]): readonly string[] {
  const letters = new Map(deliveries.map(({ request }) => [request.requestIdentifier, JSON.stringify(request.content)]))
  return [...letters.values()].flatMap((text) => [...text.matchAll(/"con":"(\w+)"/g)].map(([, con]) => con as string))
}

for (const [how, wishes, expected] of [
  ['collected by number', { bn: { num: 2, dur: 'PT10S' } }, ['a', 'b', 'c']],
  ['collected by time', { bn: { num: 10, dur: 'PT10S' } }, ['a', 'b', 'c']],
  ['kept', { pn: 2 }, ['a', 'b', 'c']],
  ['at a limited rate', { rl: { mnn: 1, tww: 'PT10S' } }, ['a', 'b', 'c']],
  ['the latest alone', { ln: true }, ['a', 'b', 'c']],
] as const) {
  test(`as many events as the expiration counter says are told, and no more, when they are ${how} (TS-0001 9.6.8)`, async () => {
    const kit = await (await Kit.start()).withContainer()
    const watch = { rn: 'watch', nu: ['Capp'], enc: { net: [3] }, exc: 3, ...wishes }
    await kit.create('onem2m/app/temp', 23, { 'm2m:sub': watch })
    for (const content of ['a', 'b', 'c', 'd', 'e']) {
      await kit.push(content)
      if (how === 'the latest alone') await kit.notifications()
    }
    for (let times = 0; times < 4; times++) {
      await kit.notifications()
      kit.clock.advance(11_000)
    }
    await kit.notifications()
    assert.deepEqual(eventsOf(kit.deliveries), expected)
    assert.equal((await kit.retrieve('onem2m/app/temp/watch')).status, 4004)
    assert.deepEqual(
      [...kit.store.data.keys()].filter((key) => key.startsWith('q/')),
      [],
    )
  })
}

test('the newest takes the place of what waits also where the expiration counter leaves one more', async () => {
  const kit = await (await Kit.start()).withContainer()
  await kit.create('onem2m/app/temp', 23, {
    'm2m:sub': { rn: 'watch', nu: ['Capp'], enc: { net: [3] }, exc: 1, pn: 1 },
  })
  kit.answerDelivery = unreachable
  await kit.push('a', 'b', 'c')
  await kit.notifications()
  kit.answerDelivery = () => 2000
  kit.deliveries.length = 0
  kit.clock.advance(60_000)
  await kit.notifications()
  assert.deepEqual(eventsOf(kit.deliveries), ['c'])
  assert.equal((await kit.retrieve('onem2m/app/temp/watch')).status, 4004)
})

test('each of several targets gets as many as the expiration counter says, one slower than the other', async () => {
  const kit = await (await Kit.start()).withContainer()
  const nu = ['http://fast/', 'http://slow/']
  await kit.create('onem2m/app/temp', 23, { 'm2m:sub': { rn: 'watch', nu, enc: { net: [3] }, exc: 2, pn: 2 } })
  kit.answerDelivery = ({ pointOfAccess }) => (pointOfAccess === 'http://slow/' ? unreachable() : 2000)
  await kit.push('a', 'b', 'c', 'd')
  await kit.notifications()
  kit.answerDelivery = () => 2000
  kit.clock.advance(60_000)
  await kit.notifications()
  for (const target of nu)
    assert.deepEqual(
      eventsOf(kit.deliveries.filter(({ pointOfAccess }) => pointOfAccess === target)),
      ['a', 'b'],
      target,
    )
  assert.deepEqual(
    [...kit.store.data.keys()].filter((key) => key.startsWith('q/')),
    [],
  )
})

test('what was kept before a restart counts for the expiration counter as what comes after it', async () => {
  const kit = await (await Kit.start()).withContainer()
  await kit.create('onem2m/app/temp', 23, {
    'm2m:sub': { rn: 'watch', nu: ['Capp'], enc: { net: [3] }, exc: 2, pn: 2 },
  })
  kit.answerDelivery = unreachable
  await kit.push('a', 'b', 'c')
  await kit.notifications()
  const again = await kit.restart()
  again.answerDelivery = () => 2000
  await again.push('d')
  again.clock.advance(60_000)
  await again.notifications()
  assert.deepEqual(eventsOf(again.deliveries), ['a', 'b'])
  assert.equal((await again.retrieve('onem2m/app/temp/watch')).status, 4004)
})

test('a target is spoken to in a release that it knows (TS-0004 6.3.2)', async () => {
  for (const [srv, expected] of [
    [['2', '2a'], '2a'],
    [['1'], undefined],
    [['3', '4'], '3'],
    [['99'], '3'],
    [undefined, '3'],
  ] as const) {
    const kit = await Kit.start()
    const register = { 'm2m:ae': { rn: 'app', api: 'Napp', rr: true, ...(srv === undefined ? {} : { srv }) } }
    assert.equal((await kit.create('onem2m', 2, register)).status, 2001)
    await kit.ask({ operation: 5, to: 'onem2m/app', content: { 'm2m:sgn': {} } })
    assert.equal(kit.deliveries[0]?.request.releaseVersionIndicator, expected, String(srv))
  }
})

test('a target is told in the serialisation that it is named with, whether by an identifier or by a URL (TS-0004 7.5.1.2.2)', async () => {
  const kit = await (await Kit.start()).withContainer()
  const nu = ['Capp?ct=cbor', '/mn-cse-1/Capp', 'http://far/x?ct=cbor']
  await kit.create('onem2m/app/temp', 23, { 'm2m:sub': { rn: 's', nu } })
  assert.equal(kit.verifications.length, 1, 'who subscribes is not asked, however it names itself')
  await kit.update('onem2m/app/temp', { 'm2m:cnt': { lbl: ['x'] } })
  await kit.notifications()
  const told = kit.deliveries.map(({ target, pointOfAccess, serialization, request }) => [
    target ?? pointOfAccess,
    serialization,
    request.to,
  ])
  assert.deepEqual(told, [
    ['Capp', 'cbor', 'Capp'],
    ['Capp', undefined, '/mn-cse-1/Capp'],
    ['http://far/x?ct=cbor', undefined, 'http://far/x?ct=cbor'],
  ])
  assert.equal((await kit.delete('onem2m/app/temp/s/ntsr')).status, 2002)
  const { content } = await kit.retrieve('onem2m/app/temp/s')
  assert.deepEqual((content?.['m2m:sub'] as JsonObject | undefined)?.['nu'], ['http://far/x?ct=cbor'])
})

test('for a target that does not answer, a bounded number waits, and the oldest goes first', async () => {
  const kit = await subscribed({ maxInFlight: 1, maxQueued: 2 })
  let release: (status: number) => void = () => {}
  kit.answerDelivery = () =>
    new Promise((resolve) => {
      release = resolve
    })
  await kit.push('a', 'b', 'c', 'd', 'e')
  await kit.notifications()
  kit.answerDelivery = () => 2000
  release(2000)
  await kit.notifications()
  assert.deepEqual(contentsOf(kit.deliveries), ['a', 'd', 'e'])
})

test('an unreachable target is tried so many times, less and less often, then the notification is dropped', async () => {
  const kit = await subscribed({ maxTries: 3, maxInFlight: 1 })
  kit.answerDelivery = unreachable
  await kit.push('a')
  await kit.notifications()
  const tries: number[] = []
  for (let second = 1; second <= 10; second++) {
    const before = kit.deliveries.length
    kit.clock.advance(1000)
    await kit.notifications()
    if (kit.deliveries.length > before) tries.push(second)
  }
  // Each try asks at two places: an open connection, and the embedded broker.
  const places = new Set(kit.deliveries.map(({ pointOfAccess }) => pointOfAccess)).size
  assert.equal(kit.deliveries.length, 3 * places)
  assert.deepEqual(tries, [1, 3])
  kit.answerDelivery = () => 2000
  await kit.push('b')
  await kit.notifications()
  assert.equal(contentsOf(kit.deliveries).at(-1), 'b')
})

test('one target that is away holds up no other', async () => {
  const kit = await subscribed({}, ['http://127.0.0.1:9/away', 'http://127.0.0.1:9/there'])
  kit.answerDelivery = ({ pointOfAccess }) => (pointOfAccess.endsWith('away') ? unreachable() : 2000)
  await kit.push('a', 'b')
  await kit.notifications()
  const there = kit.deliveries.filter(({ pointOfAccess }) => pointOfAccess.endsWith('there'))
  assert.deepEqual(contentsOf(there), ['a', 'b'])
})

test('the next point of access is tried when one is away (TS-0004 7.3.3.9)', async () => {
  const kit = await subscribed({})
  await kit.update('onem2m/app', { 'm2m:ae': { poa: ['http://127.0.0.1:9/first', 'http://127.0.0.1:9/second'] } })
  kit.answerDelivery = ({ pointOfAccess }) => (pointOfAccess.endsWith('first') ? unreachable() : 2000)
  await kit.push('a')
  await kit.notifications()
  assert.deepEqual(
    kit.deliveries.map(({ pointOfAccess }) => pointOfAccess.split('/').at(-1)),
    ['first', 'second'],
  )
})

test('when the CSE stops, what waits is dropped and no timer is left', async () => {
  const kit = await subscribed({})
  kit.answerDelivery = unreachable
  await kit.push('a')
  await kit.notifications()
  kit.cse.stop()
  kit.cse.stop()
  assert.equal(kit.clock.pending, 0)
  const { length } = kit.deliveries
  kit.clock.advance(100_000)
  await kit.notifications()
  assert.equal(kit.deliveries.length, length)
})

test('notifications follow the response that caused them', async () => {
  const kit = await subscribed({})
  const order: string[] = []
  kit.answerDelivery = () => {
    order.push('notification')
    return 2000
  }
  const request: RequestPrimitive = {
    operation: 1,
    to: 'onem2m/app/temp',
    originator: 'Capp',
    requestIdentifier: 'first',
    resourceType: 4,
    content: { 'm2m:cin': { con: 'a' } },
  }
  kit.cse.handle(request, { source: 'local' }, () => order.push('response'))
  await kit.notifications()
  assert.deepEqual(order, ['response', 'notification'])
})
