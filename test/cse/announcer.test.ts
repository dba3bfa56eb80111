import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { JsonObject } from '../../src/onem2m/content.ts'
import type { Kit } from './kit.ts'
import { Neighbourhood } from './neighbourhood.ts'

async function settle(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** gateway `/mn` announces at `/in`. */
describe('announced resources (TS-0004 7.3.3.10)', () => {
  let near: Neighbourhood
  let gateway: Kit
  let backend: Kit

  beforeEach(async () => {
    near = new Neighbourhood()
    gateway = await near.start('mn', { registrarCseId: '/in' })
    backend = await near.start('in', { cseType: 1 })
    await near.register(gateway, backend, 'mn', 'in')
  })

  const attributesOf = (content: JsonObject | undefined): JsonObject =>
    (Object.values(content ?? {})[0] ?? {}) as JsonObject
  const announced = async (type: number): Promise<readonly string[]> => {
    const { content } = await backend.retrieve('onem2m', {
      originator: '/mn',
      filterCriteria: { filterUsage: 1, resourceType: [type] },
    })
    return content?.['m2m:uril'] as readonly string[]
  }
  const first = async (type: number): Promise<JsonObject> => {
    const [address = 'none'] = await announced(type)
    return attributesOf((await backend.retrieve(address, { originator: '/mn' })).content)
  }
  const announceApp = async (): Promise<void> => {
    const ae = { rn: 'app', api: 'Napp', rr: true, srv: ['3'], lbl: ['here'], at: ['/in'], aa: ['apn'], apn: 'App' }
    await gateway.create('onem2m', 2, { 'm2m:ae': ae })
    await settle()
  }
  const announceContainer = async (): Promise<void> => {
    await gateway.create('onem2m/app', 3, { 'm2m:cnt': { rn: 'temp', at: ['/in'], mni: 3, lbl: ['temperature'] } })
    await settle()
  }
  const push = async (con: string): Promise<number> => {
    const cin = { con, at: ['/in'], aa: ['con'] }
    const { status } = await gateway.create('onem2m/app/temp', 4, { 'm2m:cin': cin })
    await settle()
    return status
  }

  it('show what must be shown and what announcedAttribute names, with a link to the original', async () => {
    await announceApp()
    assert.deepEqual([(await announced(10_005)).length, (await announced(10_002)).length], [1, 1])
    const { lnk, lbl, apn, api, srv, et } = await first(10_002)
    assert.deepEqual(
      { lnk, lbl, apn, api, srv },
      { lnk: '/mn/Capp', lbl: ['here'], apn: 'App', api: undefined, srv: ['3'] },
    )
    assert.equal(et, attributesOf((await gateway.retrieve('onem2m/app')).content)['et'])
    const [address] = await announced(10_002)
    const { ri } = await first(10_002)
    assert.match(address ?? '', /^onem2m\/cb\/Capp$/)
    assert.deepEqual(attributesOf((await gateway.retrieve('onem2m/app')).content)['at'], [`/in/${ri}`])
  })

  it('of containers and their instances lie below one another, and lead to the original (rcn 7)', async () => {
    await announceApp()
    await announceContainer()
    for (const con of ['1', '2']) assert.equal(await push(con), 2001)
    const [container = ''] = await announced(10_003)
    assert.match(container, /\/Capp\/cnt/)
    const latest = await backend.retrieve(`${container}/la`, { originator: 'Cgui' })
    assert.deepEqual([latest.status, attributesOf(latest.content)['con']], [2000, '2'])
    const original = await backend.retrieve(container, { originator: 'Cgui', resultContent: 7 })
    assert.equal(attributesOf(original.content)['rn'], 'temp')
  })

  it('go with what their container drops, and with their originals', async () => {
    await announceApp()
    await announceContainer()
    for (const con of ['1', '2', '3', '4', '5']) await push(con)
    assert.equal((await announced(10_004)).length, 3)
    await gateway.delete('onem2m/app/temp')
    await settle()
    assert.deepEqual([await announced(10_003), await announced(10_004)], [[], []])
    await gateway.update('onem2m/app', { 'm2m:ae': { at: null } })
    await settle()
    assert.deepEqual(await announced(10_002), [])
  })

  it('follow their originals: changed, added and removed attributes', async () => {
    await announceApp()
    await gateway.update('onem2m/app', { 'm2m:ae': { lbl: ['there'], aa: ['api'] } })
    await settle()
    const { lbl, apn, api } = await first(10_002)
    assert.deepEqual({ lbl, apn, api }, { lbl: ['there'], apn: undefined, api: 'Napp' })
    await gateway.update('onem2m/app', { 'm2m:ae': { lbl: null } })
    await settle()
    assert.equal((await first(10_002))['lbl'], undefined)
  })

  it('are there when the response comes, which names them', async () => {
    const ae = { rn: 'app', api: 'Napp', rr: true, srv: ['3'], at: ['/in'], aa: ['lbl'] }
    const created = attributesOf((await gateway.create('onem2m', 2, { 'm2m:ae': ae })).content)
    const { ri } = await first(10_002)
    assert.deepEqual(created['at'], [`/in/${ri}`])
    await gateway.update('onem2m/app', { 'm2m:ae': { lbl: ['changed'] } })
    assert.deepEqual((await first(10_002))['lbl'], ['changed'])
    await gateway.delete('onem2m/app')
    assert.deepEqual(await announced(10_002), [])
  })

  it('keep no response waiting for long where the other CSE does not answer', async () => {
    gateway.cse.use({ schemes: ['mqtt'], send: () => new Promise(() => {}) })
    const ae = { rn: 'app', api: 'Napp', rr: true, srv: ['3'], at: ['/in'] }
    const response = gateway.create('onem2m', 2, { 'm2m:ae': ae })
    await settle()
    near.clock.advance(3000)
    assert.deepEqual(attributesOf((await response).content)['at'], ['/in'])
  })

  it('follow what changed while the other CSE was away, once it is back', async () => {
    await announceApp()
    near.cut('mqtt://in')
    await gateway.update('onem2m/app', { 'm2m:ae': { lbl: ['changed'] } })
    await settle()
    near.clock.advance(2000)
    await settle()
    near.mend('mqtt://in')
    near.clock.advance(60_000)
    await settle()
    assert.deepEqual((await first(10_002))['lbl'], ['changed'])
  })

  it('wait for a CSE that is away, over a restart, and are made once', async () => {
    near.cut('mqtt://in')
    await announceApp()
    await announceContainer()
    assert.equal(await push('1'), 2001)
    gateway = await gateway.restart()
    near.add('mqtt://mn', gateway)
    assert.equal(await push('2'), 2001)
    near.clock.advance(2000)
    await settle()
    near.mend('mqtt://in')
    near.clock.advance(60_000)
    await settle()
    assert.deepEqual(
      [await announced(10_002), await announced(10_003), await announced(10_004)].map((found) => found.length),
      [1, 1, 2],
    )
    const oldest = await backend.retrieve(`${(await announced(10_003))[0]}/ol`, { originator: '/mn' })
    assert.equal(attributesOf(oldest.content)['con'], '1')
  })

  it('are made again when the other CSE has lost them', async () => {
    await announceApp()
    await announceContainer()
    backend = await near.start('in', { cseType: 1 })
    const csr = { 'm2m:csr': { rn: 'mn', cb: 'onem2m', rr: true, poa: ['mqtt://mn'] } }
    await backend.create('onem2m', 16, csr, { originator: '/mn' })
    await gateway.update('onem2m/app', { 'm2m:ae': { lbl: ['again'] } })
    await settle()
    assert.deepEqual((await first(10_002))['lbl'], ['again'])
    assert.equal((await announced(10_003)).length, 1)
  })

  it('of instances need an announced container', async () => {
    await announceApp()
    await gateway.create('onem2m/app', 3, { 'm2m:cnt': { rn: 'temp' } })
    assert.equal(await push('1'), 4005)
  })

  it('are made by the CSE of their originals alone', async () => {
    const aeA = (lnk: string) => ({ 'm2m:aeA': { lnk, et: '19710101T000000' } })
    assert.equal((await backend.create('onem2m/mn', 10_002, aeA('/other/Capp'), { originator: '/mn' })).status, 4000)
    assert.equal((await backend.create('onem2m/mn', 10_002, aeA('/mn/Capp'), { originator: 'Capp' })).status, 4103)
    assert.equal((await backend.create('onem2m/mn', 10_002, aeA('/mn/Capp'), { originator: '/mn' })).status, 2001)
  })

  it('of what a CSE refuses is taken out of announceTo', async () => {
    await gateway.create('onem2m', 2, {
      'm2m:ae': { rn: 'app', api: 'Napp', rr: true, srv: ['3'], at: ['/in/onem2m/absent'] },
    })
    await settle()
    assert.equal(attributesOf((await gateway.retrieve('onem2m/app')).content)['at'], undefined)
  })

  it('say where an AE of the whole service provider is registered (TS-0001 10.2.2.2)', async () => {
    const ae = { 'm2m:ae': { rn: 'badge', api: 'Nbadge', rr: true, srv: ['3'] } }
    const known = async () =>
      attributesOf((await backend.retrieve('onem2m/Sbadge', { originator: '/mn/Sbadge' })).content)
    await gateway.create('onem2m', 2, ae, { originator: 'Sbadge' })
    const { ty, aei, api, lnk } = await known()
    assert.deepEqual({ ty, aei, api, lnk }, { ty: 10_002, aei: 'Sbadge', api: 'Nbadge', lnk: '/mn/Sbadge' })
    await gateway.delete('onem2m/badge', { originator: 'Sbadge' })
    assert.equal((await known())['lnk'], 'INACTIVE')
    const original = await backend.retrieve('onem2m/Sbadge', { originator: '/mn/Sbadge', resultContent: 7 })
    assert.equal(original.status, 4004)
    await gateway.create('onem2m', 2, ae, { originator: 'Sbadge' })
    assert.equal((await known())['lnk'], '/mn/Sbadge')
    assert.equal((await announced(10_002)).length, 1)
    await gateway.create('onem2m', 2, { 'm2m:ae': { ...ae['m2m:ae'], rn: 'plain' } }, { originator: 'Cplain' })
    assert.equal((await announced(10_002)).length, 1)
  })

  it('lie at the CSE of their originals where that is asked for', async () => {
    await gateway.create('onem2m', 2, { 'm2m:ae': { rn: 'app', api: 'Napp', rr: true, srv: ['3'] } })
    const made = await gateway.create('onem2m/app', 3, { 'm2m:cnt': { rn: 'here', lbl: ['a'], at: ['/mn'] } })
    const { at, ri } = attributesOf(made.content)
    const [address = ''] = at as readonly string[]
    const { ty, lnk, lbl } = attributesOf((await gateway.retrieve(address)).content)
    assert.deepEqual({ ty, lnk, lbl }, { ty: 10_003, lnk: `/mn/${ri}`, lbl: ['a'] })
    await gateway.delete('onem2m/app/here')
    assert.equal((await gateway.retrieve(address)).status, 4004)
  })

  it("are nobody else's", async () => {
    const announce = (originator: string, lnk: string) =>
      backend.create('onem2m', 10_002, { 'm2m:aeA': { rn: 'badge', lnk, srv: ['3'] } }, { originator })
    assert.equal((await announce('/mn/Sbadge', '/mn/Sother')).status, 4000)
    assert.equal((await announce('/mn/Sbadge', '/mn/Sbadges/x')).status, 4000)
    assert.equal((await announce('/mn/Sbadge', '//openmtc.org/mn/Sbadge')).status, 2001)
    const link = (lnk: string) => backend.update('onem2m/badge', { 'm2m:aeA': { lnk } }, { originator: '/mn/Sbadge' })
    assert.deepEqual([(await link('/in/Cgui')).status, (await link('INACTIVE')).status], [4000, 2004])
  })

  it('of groups, policies and nodes too', async () => {
    await announceApp()
    const own = { originator: 'Capp' }
    await gateway.create(
      'onem2m/app',
      9,
      { 'm2m:grp': { rn: 'g', mnm: 2, mid: ['onem2m/app'], at: ['/in'], aa: ['mid'] } },
      own,
    )
    const acr = [{ acor: ['Capp'], acop: 63 }]
    await gateway.create('onem2m/app', 1, { 'm2m:acp': { rn: 'p', pv: { acr }, pvs: { acr }, at: ['/in'] } }, own)
    await settle()
    assert.deepEqual((await first(10_009))['mid'], ['/mn/onem2m/app'])
    assert.deepEqual((await first(10_001))['pv'], { acr })
    // It says itself who may read it, as its original does.
    const [policy = ''] = await announced(10_001)
    assert.equal((await backend.retrieve(policy, { originator: 'Cother' })).status, 4103)
    assert.equal((await backend.retrieve(policy, { originator: '/mn' })).status, 2000)
  })
})
