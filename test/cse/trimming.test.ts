import assert from 'node:assert/strict'
import test from 'node:test'
import type { JsonObject } from '../../src/onem2m/content.ts'
import { StoreError } from '../../src/store/store.ts'
import { Kit } from './kit.ts'

const many = 2500

async function withInstances(): Promise<Kit> {
  const kit = await (await Kit.start()).withContainer()
  for (let index = 0; index < many; index++) void kit.create('onem2m/app/temp', 4, { 'm2m:cin': { con: `${index}` } })
  await kit.store.flush()
  return kit
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function counters(kit: Kit): Promise<JsonObject> {
  const { content } = await kit.retrieve('onem2m/app/temp', { attributeList: ['cni', 'cbs'] })
  return content?.['m2m:cnt'] as JsonObject
}

test('a limit that leaves a thousandth is met in turns: others are served in between, the response waits (TS-0004 7.4.6.2.3)', async () => {
  const kit = await withInstances()
  const seen: unknown[] = []
  const update = kit.update('onem2m/app/temp', { 'm2m:cnt': { mni: 2 } })
  for (let cni = many; cni > 2; cni = (await counters(kit))['cni'] as number) {
    seen.push(cni)
    await turn()
  }
  assert.deepEqual([...new Set(seen)], [many, many - 1000, many - 2000])
  const { status, content } = await update
  assert.equal(status, 2004)
  assert.deepEqual(
    [(content as Record<string, JsonObject>)['m2m:cnt']?.['cni'], await counters(kit)],
    [2, { cni: 2, cbs: 8 }],
  )
  const oldest = (await kit.retrieve('onem2m/app/temp/ol')).content?.['m2m:cin'] as JsonObject
  assert.equal(oldest['con'], `${many - 2}`)
})

test('what a restart left above a limit goes afterwards', async () => {
  const kit = await withInstances()
  void kit.update('onem2m/app/temp', { 'm2m:cnt': { mni: 2 } })
  const again = await kit.restart()
  assert.equal((await counters(again))['cni'], many - 1000)
  while (((await counters(again))['cni'] as number) > 2) await turn()
  await again.store.flush()
  assert.deepEqual(await counters(again), { cni: 2, cbs: 8 })
  assert.equal([...again.store.data.keys()].filter((key) => key.startsWith('i/')).length, 3, 'two and their counters')
})

test('a limit that could not be stored has removed nothing', async () => {
  const kit = await withInstances()
  kit.store.failNext(new StoreError('io', 'lost'))
  assert.equal((await kit.update('onem2m/app/temp', { 'm2m:cnt': { mni: 2 } })).status, 5000)
  assert.equal((await counters(kit))['cni'], many)
  const oldest = (await kit.retrieve('onem2m/app/temp/ol')).content?.['m2m:cin'] as JsonObject
  assert.equal(oldest['con'], '0')
})
