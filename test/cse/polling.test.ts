import assert from 'node:assert/strict'
import test from 'node:test'
import type { JsonObject } from '../../src/onem2m/content.ts'
import { Kit } from './kit.ts'

async function withChannel(attributes: JsonObject = {}): Promise<Kit> {
  const kit = await (await Kit.start()).withContainer()
  const created = await kit.create('onem2m/app', 15, { 'm2m:pch': { rn: 'channel', ...attributes } })
  assert.equal(created.status, 2001, created.reason)
  await kit.create('onem2m/app/temp', 23, { 'm2m:sub': { rn: 'sub', nu: ['Capp'], enc: { net: [3] } } })
  return kit
}

const pcu = 'onem2m/app/channel/pcu'

function aggregated(content: JsonObject | undefined): readonly unknown[] {
  const { 'm2m:rqp': requests } = (content?.['m2m:agrp'] ?? {}) as JsonObject
  return (requests ?? []) as readonly unknown[]
}

async function settle(kit: Kit): Promise<void> {
  await kit.store.flush()
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

test('a poll gets what waits, oldest first, one at a time (TS-0001 10.2.5.10)', async () => {
  const kit = await withChannel()
  await kit.push('a', 'b')
  await settle(kit)
  for (const con of ['a', 'b']) {
    const { status, content } = await kit.retrieve(pcu)
    assert.equal(status, 2000)
    const request = content?.['m2m:rqp'] as JsonObject
    assert.deepEqual([request['op'], request['to'], request['fr']], [5, 'Capp', '/mn-cse-1'])
    assert.match(JSON.stringify(request['pc']), new RegExp(`"con":"${con}"`))
    const response = { 'm2m:rsp': { rsc: 2000, rqi: request['rqi'] as string } }
    assert.equal((await kit.ask({ operation: 5, to: pcu, content: response })).status, 2000)
  }
  assert.deepEqual(kit.deliveries, [], 'whoever polls is not reached otherwise')
})

test('a poll waits for what comes, and ends with 4008 when nothing does', async () => {
  const kit = await withChannel()
  const poll = kit.retrieve(pcu, { requestExpirationTimestamp: '5000' })
  await kit.push('late')
  await settle(kit)
  assert.match(JSON.stringify((await poll).content), /"con":"late"/)
  const empty = kit.retrieve(pcu, { requestExpirationTimestamp: '5000' })
  await settle(kit)
  kit.clock.advance(5000)
  assert.equal((await empty).status, 4008)
  const first = kit.retrieve(pcu)
  const second = kit.retrieve(pcu)
  await kit.push('x')
  await settle(kit)
  assert.deepEqual(
    [(await first).status, (await second).status],
    [4008, 2000],
    'the later poll takes the place of the earlier',
  )
})

test('with request aggregation a poll gets all that waits', async () => {
  const kit = await withChannel({ rqag: true })
  await kit.push('a', 'b', 'c')
  await settle(kit)
  const { content } = await kit.retrieve(pcu)
  assert.equal(aggregated(content).length, 3)
})

test("a channel is its AE's alone, and there is one", async () => {
  const kit = await withChannel()
  assert.equal((await kit.create('onem2m/app', 15, { 'm2m:pch': { rn: 'second' } })).status, 4105)
  for (const to of [pcu, 'onem2m/app/channel'])
    assert.equal((await kit.retrieve(to, { originator: 'Cother' })).status, 4103, to)
  assert.equal((await kit.create('onem2m/app', 15, { 'm2m:pch': {} }, { originator: 'CAdmin' })).status, 4103)
  assert.equal((await kit.update(pcu, { 'm2m:pch': {} })).status, 4005)
  assert.equal((await kit.ask({ operation: 5, to: pcu, content: { 'm2m:sgn': {} } })).status, 4000)
})

test('what waits is bounded, and given up with the channel', async () => {
  const kit = await withChannel({ rqag: true })
  await kit.push(...Array.from({ length: 105 }, (_, n) => `v${n}`))
  await settle(kit)
  const { content } = await kit.retrieve(pcu)
  const requests = aggregated(content)
  assert.equal(requests.length, 100)
  assert.match(JSON.stringify(requests[0]), /"con":"v5"/)
  const poll = kit.retrieve(pcu)
  await kit.delete('onem2m/app/channel')
  await settle(kit)
  assert.equal((await poll).status, 4008)
  await kit.push('reached over MQTT again')
  assert.equal((await kit.notifications()).length, 1)
})
