import assert from 'node:assert/strict'
import test from 'node:test'
import { StoreError } from '../../src/store/store.ts'
import { Kit } from './kit.ts'

const full = () => new StoreError('full', 'no room')

/** Everything an administrator can see, children sorted by name: their order is not promised. */
export async function dump(kit: Kit): Promise<unknown> {
  const { content } = await kit.retrieve('onem2m', { originator: 'CAdmin', resultContent: 4 })
  return sorted(content)
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(sorted)
    return items.every((item) => typeof item === 'object' && item !== null && 'ri' in item)
      ? items.toSorted((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1))
      : items
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, item]) => [name, sorted(item)]),
  )
}

test('while the disk takes its time, a CREATE waits for it and a RETRIEVE does not', async () => {
  const kit = await (await Kit.start()).withContainer()
  kit.store.hold()
  let answered = 0
  const created = kit.create('onem2m/app/temp', 4, { 'm2m:cin': { con: '1' } })
  void created.then(() => answered++)
  const { status } = await kit.retrieve('onem2m/app')
  assert.equal(status, 2000)
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(answered, 0)
  assert.deepEqual(kit.deliveries, [])
  kit.store.release()
  assert.equal((await created).status, 2001)
})

test('a group that is lost is refused to all, takes nothing with it, and nobody is notified', async () => {
  const kit = await (await Kit.start()).withContainer({ mni: 3 })
  await kit.create('onem2m/app/temp', 23, { 'm2m:sub': { rn: 'watch', nu: ['Capp'], enc: { net: [1, 3, 4] } } })
  await kit.create('onem2m/app', 3, { 'm2m:cnt': { rn: 'doomed', lbl: ['x'] } })
  await kit.create('onem2m/app/doomed', 4, { 'm2m:cin': { rn: 'one', con: '1' } })
  await kit.push('a', 'b', 'c')
  await kit.notifications()
  const before = await dump(kit)
  const told = kit.deliveries.length
  kit.store.failNext(full())
  const answers = await Promise.all([
    kit.create('onem2m/app/temp', 4, { 'm2m:cin': { con: 'd' } }),
    kit.create('onem2m/app/temp', 4, { 'm2m:cin': { rn: 'chosen', con: 'e' } }),
    kit.update('onem2m/app/temp', { 'm2m:cnt': { mni: 1, lbl: ['y'] } }),
    kit.delete('onem2m/app/temp/la'),
    kit.delete('onem2m/app/temp/watch'),
    kit.delete('onem2m/app/doomed'),
    kit.create('onem2m/app', 3, { 'm2m:cnt': { rn: 'doomed' } }),
    kit.create('onem2m', 2, { 'm2m:ae': { rn: 'late', api: 'Nlate', rr: true } }, { originator: 'Clate' }),
    kit.delete('onem2m/app'),
  ])
  for (const { status, reason } of answers) {
    assert.equal(status, 5000)
    assert.equal(reason, 'not stored: the disk of this gateway is full')
  }
  assert.deepEqual(await dump(kit), before)
  await kit.notifications()
  assert.equal(kit.deliveries.length, told)
  const byLabel = { filterCriteria: { filterUsage: 1, labels: ['x'], resourceType: [3] } }
  assert.deepEqual((await kit.retrieve('onem2m', byLabel)).content, { 'm2m:uril': ['onem2m/app/doomed'] })
  assert.equal((await kit.retrieve('Clate')).status, 4004)
  assert.deepEqual(await dump(await kit.restart()), before)
})

test('a disk that is full refuses changes and nothing else, until there is room', async () => {
  const kit = await (await Kit.start()).withContainer()
  await kit.push('before')
  kit.store.fail(full())
  assert.equal((await kit.create('onem2m/app/temp', 4, { 'm2m:cin': { con: 'x' } })).status, 5000)
  assert.match(JSON.stringify((await kit.retrieve('onem2m/app/temp/la')).content), /"con":"before"/)
  kit.store.heal()
  assert.equal((await kit.create('onem2m/app/temp', 4, { 'm2m:cin': { con: 'after' } })).status, 2001)
  assert.match(JSON.stringify((await kit.retrieve('onem2m/app/temp')).content), /"cni":2/)
})

test('a resend of what was not stored is executed', async () => {
  const kit = await (await Kit.start()).withContainer()
  const again = () => kit.create('onem2m/app/temp', 4, { 'm2m:cin': { con: 'x' } }, { requestIdentifier: 'same' })
  kit.store.failNext(full())
  assert.equal((await again()).status, 5000)
  assert.equal((await again()).status, 2001)
})

test('what expires while nothing can be stored is hidden, and goes when there is room', async () => {
  const kit = await (await Kit.start()).withContainer()
  await kit.create('onem2m/app', 3, { 'm2m:cnt': { rn: 'brief', et: '19700101T000010' } })
  kit.store.fail(full())
  kit.clock.advance(10_000)
  await kit.store.flush()
  assert.equal((await kit.retrieve('onem2m/app/brief')).status, 4004)
  kit.store.heal()
  kit.clock.advance(3_600_000)
  await kit.store.flush()
  assert.equal((await kit.create('onem2m/app', 3, { 'm2m:cnt': { rn: 'brief' } })).status, 2001)
})

test('a restart shows what was there before', async () => {
  const kit = await (await Kit.start()).withContainer({ mni: 5, lbl: ['room:kitchen'] })
  await kit.push('a', 'b', 'c', 'd', 'e', 'f')
  await kit.delete('onem2m/app/temp/ol')
  await kit.create('onem2m/app/temp', 3, { 'm2m:cnt': { rn: 'below', cr: null } })
  await kit.create('onem2m/app/temp/below', 4, { 'm2m:cin': { rn: 'named', con: { deep: [1, null, 'ü'] } } })
  await kit.create('onem2m/app', 9, { 'm2m:grp': { mnm: 4, mid: ['onem2m/app/temp', 'onem2m/app/temp/below'] } })
  const rules = { acr: [{ acor: ['all'], acop: 63, acco: [{ acip: { ipv4: ['127.0.0.1'] } }] }] }
  await kit.create('onem2m/app', 1, { 'm2m:acp': { rn: 'rules', pv: rules, pvs: rules } })
  await kit.create('onem2m/app', 23, { 'm2m:sub': { nu: ['Capp'], enc: { net: [1], atr: ['lbl'] }, exc: 7 } })
  const before = await dump(kit)
  const again = await kit.restart()
  assert.deepEqual(await dump(again), before)
  await again.push('g')
  assert.match(JSON.stringify((await again.retrieve('onem2m/app/temp/la')).content), /"con":"g"/)
  const third = await again.restart()
  assert.notDeepEqual(await dump(third), before)
  assert.deepEqual(await dump(third), await dump(await third.restart()))
})

test('a damaged record is left out, with what lies below it; the rest is served', async () => {
  const kit = await (await Kit.start()).withContainer()
  await kit.create('onem2m/app', 3, { 'm2m:cnt': { rn: 'broken' } })
  await kit.create('onem2m/app/broken', 3, { 'm2m:cnt': { rn: 'below' } })
  await kit.create('onem2m/app', 3, { 'm2m:cnt': { rn: 'wrong' } })
  const identifierOf = async (address: string) =>
    /"ri":"(\w+)"/.exec(JSON.stringify((await kit.retrieve(address)).content))?.[1] ?? ''
  const wrong = `r/${await identifierOf('onem2m/app/wrong')}`
  kit.store.data.set(`r/${await identifierOf('onem2m/app/broken')}`, '["Capp",{"ty":3,"rn":')
  kit.store.data.set(wrong, String(kit.store.data.get(wrong)).replace('"et":"1970', '"et":"later'))
  const again = await kit.restart()
  assert.equal((await again.retrieve('onem2m/app/temp')).status, 2000)
  for (const name of ['broken', 'broken/below', 'wrong'])
    assert.equal((await again.retrieve(`onem2m/app/${name}`)).status, 4004)
  assert.equal((await again.create('onem2m/app', 3, { 'm2m:cnt': { rn: 'broken' } })).status, 2001)
})

test('instances that expire while nothing can be stored go when there is room', async () => {
  const kit = await (await Kit.start()).withContainer({ mia: 10 })
  await kit.push('a', 'b')
  kit.store.fail(full())
  kit.clock.advance(10_000)
  await kit.notifications()
  assert.equal((await kit.retrieve('onem2m/app/temp/la')).status, 4004)
  const { pending } = kit.clock
  kit.store.heal()
  kit.clock.advance(60_000)
  await kit.notifications()
  assert.match(JSON.stringify((await kit.retrieve('onem2m/app/temp')).content), /"cni":0/)
  assert.equal(pending, 1, 'one timer, and no haste')
})
