import assert from 'node:assert/strict'
import test from 'node:test'
import { StoreError } from '../../src/store/store.ts'
import { Kit } from './kit.ts'

const ae = { 'm2m:ae': { rn: 'app', api: 'Napp', rr: true, srv: ['3'] } }
const many = 1500

/** An AE with more below it than is removed in one go, labelled, some of it with instances. */
async function withMany(): Promise<Kit> {
  const kit = await (await Kit.start()).withContainer()
  for (let index = 0; index < many; index++)
    void kit.create('onem2m/app', 3, { 'm2m:cnt': { rn: `c${index}`, lbl: ['many'] } })
  await kit.store.flush()
  await kit.create('onem2m/app/c7', 4, { 'm2m:cin': { rn: 'named', con: '1', lbl: ['many'] } })
  return kit
}

async function found(kit: Kit): Promise<unknown> {
  return (await kit.retrieve('onem2m', { filterCriteria: { filterUsage: 1, labels: ['many'] } })).content?.['m2m:uril']
}

async function settle(kit: Kit): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    await kit.store.flush()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const keysOf = (kit: Kit, kind: string) => [...kit.store.data.keys()].filter((key) => key.startsWith(kind))

test('a large subtree is gone at once, under all its names, and its place can be taken', async () => {
  const kit = await withMany()
  const identifier = (await kit.retrieve('onem2m/app/c7')).content?.['m2m:cnt'] as { readonly ri: string }
  assert.equal((await kit.delete('onem2m/app')).status, 2002)
  assert.equal((await kit.retrieve('onem2m/app/c7')).status, 4004)
  assert.equal((await kit.retrieve(identifier.ri)).status, 4004)
  assert.equal((await kit.retrieve(`${identifier.ri}-0`)).status, 4004)
  assert.deepEqual(await found(kit), [])
  assert.equal((await kit.create('onem2m', 2, ae)).status, 2001)
  await settle(kit)
  assert.equal((await kit.retrieve('Capp')).status, 2000, 'who registered meanwhile stays')
  assert.deepEqual(keysOf(kit, 'r/'), ['r/Capp'])
  for (const kind of ['i/', 'n/', 'l/', 'd/', 'x/']) assert.deepEqual(keysOf(kit, kind), [])
})

test('a removal that a restart interrupted goes on', async () => {
  const kit = await withMany()
  void kit.delete('onem2m/app')
  const again = await kit.restart()
  assert.equal((await again.create('onem2m', 2, ae)).status, 2001)
  assert.equal((await again.retrieve('onem2m/app/c7')).status, 4004)
  await settle(again)
  assert.deepEqual(keysOf(again, 'r/'), ['r/Capp'])
  for (const kind of ['i/', 'n/', 'l/', 'd/', 'x/']) assert.deepEqual(keysOf(again, kind), [])
})

test('a removal that could not be stored has not happened', async () => {
  const kit = await withMany()
  kit.store.failNext(new StoreError('io', 'lost'))
  assert.equal((await kit.delete('onem2m/app')).status, 5000)
  assert.equal((await kit.retrieve('onem2m/app/c7/named')).status, 2000)
  assert.equal(((await found(kit)) as readonly string[]).length, 1000, 'as many as one response holds')
  const again = await kit.restart()
  assert.equal((await again.retrieve('onem2m/app/c7/named')).status, 2000)
})
