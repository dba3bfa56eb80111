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

function aggregated(content: JsonObject | undefined): readonly JsonObject[] {
  return (content?.['m2m:agrp'] ?? []) as readonly JsonObject[]
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
  assert.equal((await kit.create('onem2m/app', 15, { 'm2m:pch': { rn: 'second' } })).status, 4000)
  for (const to of [pcu, 'onem2m/app/channel'])
    assert.equal((await kit.retrieve(to, { originator: 'Cother' })).status, 4103, to)
  assert.equal((await kit.create('onem2m/app', 15, { 'm2m:pch': {} }, { originator: 'CAdmin' })).status, 4103)
  assert.equal((await kit.update(pcu, { 'm2m:pch': {} })).status, 4005)
  assert.equal((await kit.ask({ operation: 5, to: pcu, content: { 'm2m:sgn': {} } })).status, 4000)
})

test('a poll gets no more than may be under way to one target; the next one gets the rest', async () => {
  const kit = await withChannel({ rqag: true })
  await kit.push(...Array.from({ length: 20 }, (_, n) => `v${n}`))
  await settle(kit)
  const first = aggregated((await kit.retrieve(pcu)).content)
  await settle(kit)
  const second = aggregated((await kit.retrieve(pcu)).content)
  assert.deepEqual([first.length, second.length], [16, 4])
  assert.deepEqual(
    [...first, ...second].map((request) => /"con":"(\w+)"/.exec(JSON.stringify(request))?.[1]),
    Array.from({ length: 20 }, (_, n) => `v${n}`),
  )
})

test('what waits is given up with the channel', async () => {
  const kit = await withChannel({ rqag: true })
  await kit.push('a')
  await settle(kit)
  const poll = kit.retrieve(pcu)
  await poll
  const next = kit.retrieve(pcu)
  await kit.delete('onem2m/app/channel')
  await settle(kit)
  assert.equal((await next).status, 4008)
  await kit.push('reached over MQTT again')
  kit.clock.advance(60_000)
  await kit.notifications()
  assert.match(JSON.stringify(kit.deliveries), /reached over MQTT again/)
})

test('who is asked over a channel answers over it: a subscription waits for its verification (TS-0004 7.4.22.2.5)', async () => {
  const kit = await withChannel()
  await kit.create('onem2m', 2, { 'm2m:ae': { rn: 'b', api: 'Nb', rr: false, srv: ['3'] } }, { originator: 'Cb' })
  const subscription = { 'm2m:sub': { rn: 'theirs', nu: ['Capp'] } }
  for (const [answer, status] of [
    [2000, 2001],
    [4103, 5204],
  ]) {
    await kit.delete('onem2m/b/theirs', { originator: 'Cb' })
    const created = kit.create('onem2m/b', 23, subscription, { originator: 'Cb' })
    const request = (await kit.retrieve(pcu)).content?.['m2m:rqp'] as JsonObject
    const { 'm2m:sgn': notification } = request['pc'] as { 'm2m:sgn': JsonObject }
    assert.deepEqual([notification['vrq'], notification['cr']], [true, 'Cb'])
    const response = { 'm2m:rsp': { rsc: answer, rqi: request['rqi'] as string } } as JsonObject
    assert.equal((await kit.ask({ operation: 5, to: pcu, content: response })).status, 2000)
    assert.equal((await created).status, status)
    assert.equal((await kit.ask({ operation: 5, to: pcu, content: response })).status, 4004, 'nobody waits any more')
  }
})

test('who does not fetch, or does not answer, has not agreed', async () => {
  const kit = await withChannel()
  await kit.create('onem2m', 2, { 'm2m:ae': { rn: 'b', api: 'Nb', rr: false, srv: ['3'] } }, { originator: 'Cb' })
  for (const isFetched of [false, true]) {
    const created = kit.create('onem2m/b', 23, { 'm2m:sub': { nu: ['Capp'] } }, { originator: 'Cb' })
    await settle(kit)
    if (isFetched) assert.equal((await kit.retrieve(pcu)).status, 2000)
    kit.clock.advance(1000)
    assert.equal((await created).status, 5204)
    const poll = kit.retrieve(pcu, { requestExpirationTimestamp: '10' })
    kit.clock.advance(10)
    assert.equal((await poll).status, 4008, 'what has expired is not fetched')
  }
})

test('an AE without a channel that takes no requests can not be asked; what is kept for it waits for its channel', async () => {
  const kit = await (await Kit.start()).withContainer()
  await kit.update('onem2m/app', { 'm2m:ae': { rr: false } })
  await kit.create('onem2m/app/temp', 23, { 'm2m:sub': { rn: 'sub', nu: ['Capp'], enc: { net: [3] }, pn: 2 } })
  await kit.push('a', 'b')
  await settle(kit)
  await kit.create('onem2m/app', 15, { 'm2m:pch': { rn: 'channel', rqag: true } })
  await settle(kit)
  kit.clock.advance(60_000)
  await settle(kit)
  assert.equal(aggregated((await kit.retrieve(pcu)).content).length, 2)
})

test('a CSE that polls gets what is forwarded to it (TS-0004 7.3.3.9)', async () => {
  const kit = await Kit.start()
  const remote = { originator: '/mn-2' }
  const csr = { rn: 'mn-2', cb: '/mn-2/onem2m', csi: '/mn-2', rr: false, srv: ['3'] }
  await kit.create('onem2m', 16, { 'm2m:csr': csr }, remote)
  await kit.create('onem2m/mn-2', 15, { 'm2m:pch': { rn: 'channel' } }, remote)
  const forwarded = kit.retrieve('/mn-2/onem2m/temp')
  await settle(kit)
  const { content } = await kit.retrieve('onem2m/mn-2/channel/pcu', remote)
  const request = content?.['m2m:rqp'] as JsonObject
  assert.deepEqual([request['op'], request['to'], request['fr']], [2, '/mn-2/onem2m/temp', '/mn-cse-1/Capp'])
  const response = { rsc: 2000, rqi: request['rqi'] as string, pc: { 'm2m:cnt': { rn: 'temp' } } }
  await kit.ask({ operation: 5, to: 'onem2m/mn-2/channel/pcu', content: { 'm2m:rsp': response }, ...remote })
  assert.deepEqual([(await forwarded).status, (await forwarded).content], [2000, response.pc])
})
