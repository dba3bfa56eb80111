import assert from 'node:assert/strict'
import test from 'node:test'
import type { JsonObject } from '../../src/onem2m/content.ts'
import { ManualClock } from '../bindings/fixture.ts'
import { Kit } from './kit.ts'

async function resultAt(kit: Kit, address: unknown, originator = 'Capp'): Promise<JsonObject> {
  const { status, content } = await kit.retrieve(address as string, { originator })
  assert.equal(status, 2000)
  return content?.['m2m:req'] as JsonObject
}

test('a non-blocking synchronous request is accepted, executed, and its result kept for its originator (TS-0004 7.3.1.2)', async () => {
  const kit = await (await Kit.start()).withContainer()
  const accepted = await kit.create(
    'onem2m/app/temp',
    4,
    { 'm2m:cin': { con: '21' } },
    { responseType: { responseTypeValue: 1 }, requestIdentifier: 'later' },
  )
  assert.equal(accepted.status, 1001)
  await kit.store.flush()
  const address = accepted.content?.['m2m:uri']
  const result = await resultAt(kit, address)
  assert.deepEqual(
    [result['op'], result['tg'], result['org'], result['rid'], result['rs']],
    [1, 'onem2m/app/temp', 'Capp', 'later', 1],
  )
  const response = result['ors'] as JsonObject
  assert.deepEqual([response['rsc'], response['rqi']], [2001, 'later'])
  assert.equal((await kit.retrieve('onem2m/app/temp/la')).status, 2000)
  assert.equal((await kit.retrieve(address as string, { originator: 'Cother' })).status, 4103, 'results are private')
  assert.deepEqual(
    (await kit.retrieve('onem2m', { originator: 'Cother', filterCriteria: { filterUsage: 1, resourceType: [17] } }))
      .content,
    {
      'm2m:uril': [],
    },
  )
  assert.equal((await kit.delete(address as string)).status, 2002)
})

test('a request that fails says so in its result', async () => {
  const kit = await (await Kit.start()).withContainer()
  const accepted = await kit.retrieve('onem2m/nothing', { responseType: { responseTypeValue: 1 } })
  await kit.store.flush()
  const result = await resultAt(kit, accepted.content?.['m2m:uri'])
  assert.equal(result['rs'], 2)
  assert.equal((result['ors'] as JsonObject)['rsc'], 4004)
})

test('a non-blocking asynchronous request is answered by a notification, to others when they are named', async () => {
  const kit = await (await Kit.start()).withContainer()
  assert.equal((await kit.retrieve('onem2m/app', { responseType: { responseTypeValue: 2 } })).status, 1002)
  await kit.retrieve('onem2m/app', { responseType: { responseTypeValue: 2, notificationUri: ['http://host/there'] } })
  await kit.retrieve('onem2m/app', { responseType: { responseTypeValue: 2, notificationUri: [] } })
  const notifications = await kit.notifications()
  assert.equal(notifications.length, 2, 'an empty list wants none')
  assert.deepEqual(
    notifications.map((content) => (content['m2m:rsp'] as JsonObject)['rsc']),
    [2000, 2000],
  )
  assert.deepEqual(
    kit.deliveries.map(({ target, pointOfAccess }) => target ?? pointOfAccess),
    ['Capp', 'http://host/there'],
  )
})

test('flexBlocking is answered blocking', async () => {
  const kit = await Kit.start()
  assert.equal((await kit.retrieve('onem2m', { responseType: { responseTypeValue: 4 } })).status, 2000)
})

test('the result lives as long as result persistence says, and is gone on time', async () => {
  const kit = await (await Kit.start()).withContainer()
  const accepted = await kit.retrieve('onem2m', { responseType: { responseTypeValue: 1 }, resultPersistence: 'PT10S' })
  await kit.store.flush()
  const address = accepted.content?.['m2m:uri'] as string
  kit.clock.advance(9000)
  assert.equal((await kit.retrieve(address)).status, 2000)
  kit.clock.advance(1000)
  assert.equal((await kit.retrieve(address)).status, 4004)
  const refused = await kit.retrieve('onem2m', { responseType: { responseTypeValue: 1 }, resultPersistence: 'soon' })
  assert.equal(refused.status, 4000)
  assert.match(refused.reason, /^rp: got "soon"/)
})

test('operation execution time: executed and answered then (TS-0001 8.1.2)', async () => {
  const kit = await (await Kit.start()).withContainer()
  let answered = 0
  const answer = kit
    .create('onem2m/app/temp', 4, { 'm2m:cin': { con: 'x' } }, { operationExecutionTime: '5000' })
    .then((result) => {
      answered++
      return result
    })
  kit.clock.advance(4999)
  await kit.store.flush()
  assert.equal(answered, 0)
  assert.equal((await kit.retrieve('onem2m/app/temp/la')).status, 4004)
  kit.clock.advance(1)
  assert.equal((await answer).status, 2001)
})

test('what was pending at a restart is failed, not executed again', async () => {
  const kit = await (await Kit.start()).withContainer()
  const accepted = await kit.create(
    'onem2m/app/temp',
    4,
    { 'm2m:cin': { con: 'x' } },
    { responseType: { responseTypeValue: 1 } },
  )
  const address = accepted.content?.['m2m:uri']
  // The answer came after the commit of the request resource and before that of its execution.
  const again = await Kit.start({ clock: kit.clock, data: new Map(kit.store.data) })
  const result = await resultAt(again, address)
  assert.equal(result['rs'], 2)
  assert.match(JSON.stringify(result['ors']), /send the request again/)
})

test('a non-blocking request that is malformed is refused, or kept and found again after a restart', async () => {
  const kit = await Kit.start()
  const responseType = { responseTypeValue: 1 }
  assert.equal((await kit.retrieve('onem2m//x', { responseType })).status, 4000)
  assert.equal((await kit.retrieve('', { responseType })).status, 4000)
  // An AE that registers need not say who it is.
  const accepted = await kit.create(
    'onem2m',
    2,
    { 'm2m:ae': { api: 'Napp', rr: true } },
    { originator: '', responseType },
  )
  assert.equal(accepted.status, 1001)
  await kit.store.flush()
  const again = await kit.restart()
  const result = await resultAt(again, accepted.content?.['m2m:uri'], 'CAdmin')
  assert.equal((result['ors'] as JsonObject)['rsc'], 2001)
})

test('requests that are accepted are counted among the resources that may be', async () => {
  const kit = await Kit.start({ settings: { maxResources: 3 } })
  const responseType = { responseTypeValue: 1 }
  assert.equal((await kit.retrieve('onem2m', { responseType })).status, 1001)
  assert.equal((await kit.retrieve('onem2m', { responseType })).status, 1001)
  assert.equal((await kit.retrieve('onem2m', { responseType })).status, 5207)
})

test('a time that is far away is waited for, however long a timer can sleep', async () => {
  class TimerLimit extends ManualClock {
    override after(delayMs: number, call: () => void) {
      assert.ok(delayMs < 2 ** 31, `${delayMs} ms are more than a timer can sleep`)
      return super.after(delayMs, call)
    }
  }
  const kit = await (await Kit.start({ clock: new TimerLimit() })).withContainer()
  const answer = kit.create('onem2m/app/temp', 4, { 'm2m:cin': { con: 'x' } }, { operationExecutionTime: '4000000000' })
  for (let slept = 0; slept < 40; slept++) kit.clock.advance(100_000_000)
  assert.equal((await answer).status, 4004, 'the AE has expired meanwhile')
})
