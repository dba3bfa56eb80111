import assert from 'node:assert/strict'
import test from 'node:test'
import type { JsonObject } from '../../src/onem2m/content.ts'
import { formatTimestamp } from '../../src/onem2m/timestamp.ts'
import { Kit } from './kit.ts'

async function withSeries(attributes: JsonObject): Promise<Kit> {
  const kit = await (await Kit.start()).withContainer()
  const { status, reason } = await kit.create('onem2m/app', 29, { 'm2m:ts': { rn: 'series', ...attributes } })
  assert.equal(status, 2001, reason)
  return kit
}

const at = (seconds: number) => formatTimestamp(seconds * 1000)

function push(kit: Kit, dgt: string, con = 'x') {
  return kit.create('onem2m/app/series', 30, { 'm2m:tsi': { dgt, con } })
}

async function settle(kit: Kit): Promise<void> {
  await kit.store.flush()
  await new Promise((resolve) => setImmediate(resolve))
}

async function attributesOf(kit: Kit, ...names: string[]): Promise<JsonObject> {
  return (await kit.retrieve('onem2m/app/series', { attributeList: names })).content?.['m2m:ts'] as JsonObject
}

test('values are kept like those of a container, and no two have one time (TS-0004 7.4.39)', async () => {
  const kit = await withSeries({ mni: 2 })
  for (const second of [1, 2, 3]) assert.equal((await push(kit, at(second), `v${second}`)).status, 2001)
  assert.equal((await push(kit, at(3))).status, 4105)
  assert.equal((await push(kit, at(1), 'again')).status, 2001, 'its first value has been trimmed')
  assert.deepEqual(await attributesOf(kit, 'cni', 'cbs'), { cni: 2, cbs: 7 })
  assert.match(JSON.stringify((await kit.retrieve('onem2m/app/series/la')).content), /"con":"again"/)
  const instance = (await kit.retrieve('onem2m/app/series/ol')).content?.['m2m:tsi'] as JsonObject
  assert.deepEqual([instance['dgt'], instance['con'], instance['cs']], [at(3), 'v3', 2])
  assert.equal((await kit.update('onem2m/app/series/ol', { 'm2m:tsi': { con: 'y' } })).status, 4005)
  assert.equal((await kit.delete('onem2m/app/series/ol')).status, 2002)
  assert.equal((await push(kit, at(3))).status, 2001, 'its time is free again')
  const again = await kit.restart()
  assert.equal((await push(again, at(3))).status, 4105)
  assert.equal(
    (await kit.create('onem2m/app/series', 30, { 'm2m:tsi': { con: 'x' } })).status,
    4000,
    'dgt is mandatory',
  )
  assert.equal((await kit.create('onem2m/app/series', 4, { 'm2m:cin': { con: 'x' } })).status, 4108)
})

test('intervals must fit each other (TS-0004 7.4.38.2.1)', async () => {
  const kit = await (await Kit.start()).withContainer()
  for (const [attributes, name] of [
    [{ pei: 1000, peid: 501 }, 'peid'],
    [{ mdd: true }, 'mdt'],
    [{ mdd: true, pei: 1000 }, 'mdt'],
    [{ mdd: true, pei: 1000, peid: 200, mdt: 200 }, 'mdt'],
  ] as const) {
    const { status, reason } = await kit.create('onem2m/app', 29, { 'm2m:ts': attributes })
    assert.equal(status, 4000)
    assert.match(reason, new RegExp(`^${name}:`))
  }
})

test('what does not come is listed, bounded, and forgotten when the watch is started again (TS-0004 7.4.38)', async () => {
  const kit = await withSeries({ pei: 10_000, peid: 1000, mdt: 2000, mdd: true, mdn: 2 })
  await push(kit, at(0))
  kit.clock.advance(10_500)
  await push(kit, at(10.5), 'a little late, within peid')
  for (let second = 0; second < 40; second++) kit.clock.advance(1000)
  await settle(kit)
  assert.deepEqual(await attributesOf(kit, 'mdlt', 'mdc'), { mdlt: [at(30), at(40)], mdc: 2 }, '20 s went first')
  assert.equal((await kit.update('onem2m/app/series', { 'm2m:ts': { pei: 5000 } })).status, 4000)
  assert.equal((await kit.update('onem2m/app/series', { 'm2m:ts': { mdd: false } })).status, 2004)
  kit.clock.advance(60_000)
  await settle(kit)
  assert.deepEqual(await attributesOf(kit, 'mdc'), { mdc: 2 }, 'the list stays when the watch ends')
  assert.equal((await kit.update('onem2m/app/series', { 'm2m:ts': { mdd: true } })).status, 2004)
  assert.deepEqual(await attributesOf(kit, 'mdlt', 'mdc'), { mdc: 0 })
})

test('what is missing within a second is told apart', async () => {
  const kit = await withSeries({ pei: 250, mdt: 200, mdd: true })
  await push(kit, at(0))
  for (let step = 0; step < 8; step++) kit.clock.advance(150)
  await settle(kit)
  const mdlt = ['19700101T000000,250', '19700101T000000,500', '19700101T000000,750', '19700101T000001']
  assert.deepEqual(await attributesOf(kit, 'mdlt', 'mdc'), { mdlt, mdc: 4 })
})

test('missing data are notified from their number within the duration on (TS-0001 9.6.8, net 8)', async () => {
  const kit = await withSeries({ pei: 1000, mdt: 100, mdd: true })
  const subscription = { 'm2m:sub': { nu: ['Capp'], enc: { net: [8], md: { num: 2, dur: 'PT10S' } } } }
  const { status, reason } = await kit.create('onem2m/app/series', 23, subscription)
  assert.equal(status, 2001, reason)
  await push(kit, at(0))
  for (let step = 0; step < 12; step++) {
    kit.clock.advance(300)
    await settle(kit)
  }
  const reports = (await kit.notifications()).map((content) => JSON.stringify(content))
  assert.equal(reports.length, 2, 'the first miss alone is not told, the second and third are')
  assert.match(
    reports[0] ?? '',
    /"net":8,"rep":\{"m2m:tsn":\{"mdlt":\["19700101T000001","19700101T000002"\],"mdc":2\}\}/,
  )
  assert.equal(
    (await kit.create('onem2m/app/temp', 23, subscription)).status,
    4000,
    'only a time series has missing data',
  )
})

test('a clock that is set is no reason to miss ten thousand values: the next one begins the watch anew', async () => {
  const kit = await withSeries({ pei: 1000, mdt: 100, mdd: true })
  await push(kit, at(0))
  kit.clock.advance(10_000_000)
  for (let step = 0; step < 5; step++) kit.clock.advance(10)
  await settle(kit)
  assert.deepEqual(await attributesOf(kit, 'mdc'), { mdc: 0 })
  await push(kit, at(10_000))
  for (let step = 0; step < 5; step++) kit.clock.advance(300)
  await settle(kit)
  assert.deepEqual(await attributesOf(kit, 'mdlt'), { mdlt: [at(10_001)] })
})

test('a watch that is switched on begins with the next value, whatever was expected before (TS-0004 7.4.38)', async () => {
  const kit = await withSeries({ pei: 10_000, mdt: 5500, mdd: true })
  await push(kit, at(0))
  for (const mdd of [false, true])
    assert.equal((await kit.update('onem2m/app/series', { 'm2m:ts': { mdd } })).status, 2004)
  kit.clock.advance(30_000)
  await settle(kit)
  assert.deepEqual(await attributesOf(kit, 'mdc'), { mdc: 0 }, 'nothing came since, so nothing is expected')
  await push(kit, at(30))
  kit.clock.advance(15_500)
  await settle(kit)
  assert.deepEqual(await attributesOf(kit, 'mdlt'), { mdlt: [at(40)] })
})

test('a value that is not the expected one when it comes does not fill in for a later one (TS-0004 7.4.38)', async () => {
  const kit = await withSeries({ pei: 10_000, mdt: 5500, mdd: true })
  await push(kit, at(0))
  kit.clock.advance(10_000)
  await push(kit, at(20), 'dated an interval ahead')
  kit.clock.advance(5500)
  kit.clock.advance(10_000)
  await settle(kit)
  assert.deepEqual(await attributesOf(kit, 'mdlt'), { mdlt: [at(10), at(20)] })
  await push(kit, at(25), 'as near to the one that is past')
  kit.clock.advance(10_000)
  await settle(kit)
  assert.deepEqual(await attributesOf(kit, 'mdlt'), { mdlt: [at(10), at(20), at(30)] })
})

test('a device whose clock is ahead is not missed for it', async () => {
  const kit = await withSeries({ pei: 10_000, mdt: 5500, mdd: true })
  for (let second = 0; second < 60; second += 10) {
    await push(kit, at(second + 40))
    kit.clock.advance(10_000)
    await settle(kit)
  }
  assert.deepEqual(await attributesOf(kit, 'mdc'), { mdc: 0 })
})

test('the duration of missing data counts from the time of the first, and the count begins anew after it (TS-0001 9.6.8)', async () => {
  const kit = await withSeries({ pei: 10_000, mdt: 5500, mdd: true })
  await kit.create('onem2m/app/series', 23, {
    'm2m:sub': { nu: ['Capp'], enc: { net: [8], md: { num: 2, dur: 'PT30S' } } },
  })
  await push(kit, at(0))
  // Each miss is found a little sooner after its time than the one before.
  for (let step = 1; step <= 5; step++) {
    kit.clock.advance(10_000 + (step === 1 ? 5600 : -10))
    await settle(kit)
  }
  const counts = (await kit.notifications()).map((content) => /"mdc":(\d)/.exec(JSON.stringify(content))?.[1])
  assert.deepEqual(counts, ['2', '3', '2'], 'the fourth is the first of the next duration')
})

test('a watch ends with its series, and nothing waits any more', async () => {
  const kit = await withSeries({ pei: 1000, mdt: 100, mdd: true })
  await push(kit, at(0))
  await kit.delete('onem2m/app/series')
  kit.clock.advance(5000)
  await settle(kit)
  assert.equal((await kit.retrieve('onem2m/app')).status, 2000)
  kit.cse.stop()
  assert.equal(kit.clock.pending, 0)
})
