import assert from 'node:assert/strict'
import test from 'node:test'
import type { Delivery } from '../../src/cse/handler.ts'
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
  assert.deepEqual(contentsOf(kit.deliveries), ['a', 'b', 'd'], 'what was refused does not count')
  for (const answer of answers) answer(2000)
  await kit.notifications()
  assert.equal((await kit.ask({ operation: 2, to: 'onem2m/app/temp/watch' })).status, 4004)
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
