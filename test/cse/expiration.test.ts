import assert from 'node:assert/strict'
import test from 'node:test'
import { Expiration } from '../../src/cse/expiration.ts'
import { Resource } from '../../src/cse/resource.ts'
import { formatTimestamp } from '../../src/onem2m/timestamp.ts'
import { container } from '../../src/resources/container.ts'
import { StoreError } from '../../src/store/store.ts'
import { ManualClock } from '../bindings/fixture.ts'
import { Kit } from './kit.ts'

const after = (kit: Kit, seconds: number) => formatTimestamp(kit.clock.wallMs() + seconds * 1000)

async function settle(kit: Kit): Promise<void> {
  for (let turn = 0; turn < 4; turn++) {
    await kit.store.flush()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('a resource is gone when its time has come, with everything below it, and its subscribers are told', async () => {
  const kit = await (await Kit.start()).withContainer()
  await kit.create('onem2m/app', 3, { 'm2m:cnt': { rn: 'brief', et: after(kit, 60) } })
  await kit.create('onem2m/app/brief', 3, { 'm2m:cnt': { rn: 'below' } })
  await kit.create('onem2m/app', 23, { 'm2m:sub': { rn: 'watch', nu: ['Capp'], enc: { net: [4] }, nct: 3 } })
  kit.clock.advance(59_000)
  assert.equal((await kit.retrieve('onem2m/app/brief/below')).status, 2000)
  kit.clock.advance(1000)
  assert.equal((await kit.retrieve('onem2m/app/brief')).status, 4004)
  assert.equal((await kit.retrieve('onem2m/app/brief/below')).status, 4004)
  assert.match(JSON.stringify(await kit.notifications()), /"m2m:uri":"\/mn-cse-1\/cnt/)
  const again = await kit.restart()
  assert.equal((await again.retrieve('onem2m/app/brief')).status, 4004)
})

test('a time that was moved away counts, one that was moved nearer too (TS-0004 7.3.3.4)', async () => {
  const kit = await (await Kit.start()).withContainer()
  for (const rn of ['later', 'sooner']) await kit.create('onem2m/app', 3, { 'm2m:cnt': { rn, et: after(kit, 100) } })
  await kit.update('onem2m/app/later', { 'm2m:cnt': { et: after(kit, 1000) } })
  await kit.update('onem2m/app/sooner', { 'm2m:cnt': { et: after(kit, 10) } })
  kit.clock.advance(10_000)
  assert.equal((await kit.retrieve('onem2m/app/sooner')).status, 4004)
  kit.clock.advance(90_000)
  assert.equal((await kit.retrieve('onem2m/app/later')).status, 2000)
  kit.clock.advance(900_000)
  assert.equal((await kit.retrieve('onem2m/app/later')).status, 4004)
})

test('maxInstanceAge: instances go one by one, the counters follow, and only one timer waits', async () => {
  const kit = await (await Kit.start()).withContainer({ mia: 10 })
  for (let index = 0; index < 5; index++) {
    await kit.push(`v${index}`)
    kit.clock.advance(1000)
  }
  const counters = async () => (await kit.retrieve('onem2m/app/temp', { attributeList: ['cni', 'cbs'] })).content
  kit.clock.advance(5000)
  await settle(kit)
  assert.deepEqual(await counters(), { 'm2m:cnt': { cni: 4, cbs: 8 } })
  assert.equal((await kit.retrieve('onem2m/app/temp/ol')).content?.['m2m:cin'] !== undefined, true)
  assert.match(JSON.stringify((await kit.retrieve('onem2m/app/temp/ol')).content), /"con":"v1"/)
  assert.equal(kit.clock.pending, 1)
  kit.clock.advance(100_000)
  assert.equal((await kit.retrieve('onem2m/app/temp/la')).status, 4004, 'never shown, even before it is removed')
  await settle(kit)
  assert.deepEqual(await counters(), { 'm2m:cnt': { cni: 0, cbs: 0 } })
})

test('instances that expire out of order are found among the others', async () => {
  const kit = await (await Kit.start()).withContainer()
  await kit.push('stays')
  await kit.create('onem2m/app/temp', 4, { 'm2m:cin': { con: 'second', et: after(kit, 20) } })
  await kit.create('onem2m/app/temp', 4, { 'm2m:cin': { con: 'first', et: after(kit, 10) } })
  const contents = async () =>
    [
      ...JSON.stringify((await kit.retrieve('onem2m/app/temp', { resultContent: 8 })).content).matchAll(
        /"con":"(\w+)"/g,
      ),
    ].map(([, con]) => con)
  kit.clock.advance(10_000)
  await settle(kit)
  assert.deepEqual(await contents(), ['stays', 'second'])
  const again = await kit.restart()
  again.clock.advance(10_000)
  await settle(again)
  assert.equal(JSON.stringify((await again.retrieve('onem2m/app/temp')).content).includes('"cni":1'), true)
})

test('a container outlives nothing that is longer than itself: children are cut to their parent (TS-0004 7.3.3.2)', async () => {
  const kit = await (await Kit.start()).withContainer()
  const et = after(kit, 100)
  await kit.create('onem2m/app', 3, { 'm2m:cnt': { rn: 'brief', et } })
  const child = await kit.create('onem2m/app/brief', 3, { 'm2m:cnt': { rn: 'below', et: after(kit, 500) } })
  assert.match(JSON.stringify(child.content), new RegExp(`"et":"${et}"`))
  const refused = await kit.update('onem2m/app/brief', { 'm2m:cnt': { et: after(kit, 50) } })
  assert.equal(refused.status, 4000)
  assert.match(refused.reason, /^et: .*child below/)
  assert.equal((await kit.create('onem2m/app', 3, { 'm2m:cnt': { et: '19700101T000000' } })).status, 4000)
})

test('what expires together with its parent goes once, and its subscriber is told once', async () => {
  const kit = await Kit.start()
  const et = after(kit, 60)
  await kit.create('onem2m', 2, { 'm2m:ae': { rn: 'app', api: 'Napp', rr: true, et } })
  await kit.create('onem2m/app', 3, { 'm2m:cnt': { rn: 'temp' } })
  await kit.create('onem2m/app/temp', 23, { 'm2m:sub': { rn: 's', nu: ['Capp'], su: 'http://127.0.0.1:9/su' } })
  await kit.create('onem2m/app/temp', 23, { 'm2m:sub': { nu: ['http://127.0.0.1:9/gone'], enc: { net: [2] }, nct: 3 } })
  kit.clock.advance(60_000)
  const told = (await kit.notifications()).map((content) => JSON.stringify(content))
  assert.equal(told.filter((text) => text.includes('"sud":true')).length, 1)
  assert.equal(told.filter((text) => text.includes('"m2m:uri":"/mn-cse-1/cnt')).length, 1)
  assert.equal(kit.cse.resourceCount, 1)
})

test('what expires together comes back as it was when that can not be stored', async () => {
  const kit = await Kit.start()
  await kit.create('onem2m', 2, { 'm2m:ae': { rn: 'app', api: 'Napp', rr: true, et: after(kit, 60) } })
  await kit.create('onem2m/app', 3, { 'm2m:cnt': { rn: 'temp' } })
  const enc = { net: [2] }
  await kit.create('onem2m/app/temp', 23, { 'm2m:sub': { nu: ['http://127.0.0.1:9/gone'], enc, nct: 3 } })
  kit.store.failNext(new StoreError('io', 'lost'))
  kit.clock.advance(60_000)
  assert.equal((await kit.notifications()).length, 0)
  assert.equal(kit.cse.resourceCount, 4)
  kit.clock.advance(60_000)
  assert.equal((await kit.notifications()).length, 1)
  assert.equal(kit.cse.resourceCount, 1)
})

test('what is deleted long before its time is not held until then', () => {
  const clock = new ManualClock()
  const expired: string[] = []
  const expiration = new Expiration({
    clock,
    remove: (resources) => expired.push(...resources.map((resource) => resource.name)),
  })
  expiration.start()
  const root = containerNamed('root', undefined)
  const resources = Array.from({ length: 1000 }, (_, index) => containerNamed(`c${index}`, root))
  for (const resource of resources) {
    root.adopt(resource)
    expiration.watch(resource)
  }
  for (const resource of resources.slice(3)) {
    root.release(resource)
    expiration.forget(resource)
  }
  assert.ok(expiration.size < 100, `${expiration.size} deadlines for 3 resources`)
  clock.advance(31_536_000_000)
  assert.deepEqual(expired.toSorted(), ['c0', 'c1', 'c2'])
  expiration.stop()
})

function containerNamed(name: string, parent: Resource | undefined): Resource {
  const attributes = { resourceName: name, expirationTime: '19700201T000000' }
  return new Resource({ definition: container, resourceIdentifier: name, name, parent, originator: 'Capp', attributes })
}
