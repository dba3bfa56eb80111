import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Kit } from './kit.ts'
import { Neighbourhood } from './neighbourhood.ts'

/** gateway `/mn` below `/in`, and `/mn-2` below it too. */
describe('requests for other CSEs', () => {
  let near: Neighbourhood
  let gateway: Kit
  let backend: Kit
  let sibling: Kit

  beforeEach(async () => {
    near = new Neighbourhood()
    gateway = await near.start('mn', { registrarCseId: '/in' })
    sibling = await near.start('mn-2', { registrarCseId: '/in' })
    backend = await near.start('in', { cseType: 1 })
    await near.register(gateway, backend, 'mn', 'in')
    await near.register(sibling, backend, 'mn-2', 'in')
    await gateway.withContainer()
    await gateway.push('21')
  })

  it('reach it SP-relative and absolute, in the name of their originator (TS-0004 7.3.2.6)', async () => {
    await backend.create('onem2m', 2, { 'm2m:ae': { api: 'Ngui', rr: true, srv: ['3'] } }, { originator: 'Cgui' })
    for (const to of ['/mn/onem2m/app/temp/la', '//openmtc.org/mn/onem2m/app/temp/la']) {
      const { status, content } = await backend.retrieve(to, { originator: 'Cgui' })
      assert.deepEqual([status, JSON.stringify(content).includes('"con":"21"')], [2000, true])
      const { request } = near.passed.at(-1) ?? {}
      assert.deepEqual([request?.to, request?.originator], [to, '/in/Cgui'])
    }
  })

  it('do there what its policies allow their originator', async () => {
    const cin = { 'm2m:cin': { con: '22' } }
    const other = { originator: 'Cother' }
    assert.equal((await sibling.create('/mn/onem2m/app/temp', 4, cin, other)).status, 4103)
    const pvs = { acr: [{ acor: ['Capp'], acop: 63 }] }
    const pv = { acr: [{ acor: ['/mn-2/Cother', 'Capp'], acop: 63 }] }
    await gateway.create('onem2m/app', 1, { 'm2m:acp': { rn: 'all', pv, pvs } })
    assert.equal((await gateway.update('onem2m/app/temp', { 'm2m:cnt': { acpi: ['onem2m/app/all'] } })).status, 2004)
    assert.equal((await sibling.create('/mn/onem2m/app/temp', 4, cin, other)).status, 2001)
    assert.equal((await sibling.update('/mn/onem2m/app/temp', { 'm2m:cnt': { mni: 5 } }, other)).status, 2004)
    assert.equal((await sibling.delete('/mn/onem2m/app/temp/la', other)).status, 2002)
  })

  it('pass two CSEs where they must, up and down again', async () => {
    const { status, content } = await sibling.retrieve('/mn/onem2m/app/temp', { originator: 'Csib' })
    assert.deepEqual([status, JSON.stringify(content).includes('"rn":"temp"')], [2000, true])
    assert.deepEqual(
      near.passed.map(({ pointOfAccess, request }) => [pointOfAccess, request.originator]),
      [
        ['mqtt://in', '/mn-2/Csib'],
        ['mqtt://mn', '/mn-2/Csib'],
      ],
    )
    const found = await sibling.retrieve('/mn/onem2m', {
      originator: 'Csib',
      filterCriteria: { filterUsage: 1, resourceType: [3] },
    })
    assert.deepEqual(found.content, { 'm2m:uril': ['/mn/onem2m/app/temp'] })
  })

  it('get the response as it was given there, refusals included', async () => {
    const refused = await backend.retrieve('/mn/onem2m/absent', { originator: 'Cgui', requestIdentifier: 'same' })
    assert.deepEqual([refused.status, refused.response.requestIdentifier], [4004, 'same'])
    assert.match(refused.reason, /absent/)
  })

  it('get 5103 while the CSE is away, and 4004 where nobody knows it', async () => {
    near.cut('mqtt://mn')
    assert.equal((await backend.retrieve('/mn/onem2m', { originator: 'Cgui' })).status, 5103)
    assert.equal((await sibling.retrieve('/mn/onem2m', { originator: 'Cgui' })).status, 5103)
    assert.equal((await sibling.retrieve('/nowhere/onem2m', { originator: 'Cgui' })).status, 4004)
    near.mend('mqtt://mn')
    assert.equal((await backend.retrieve('/mn/onem2m', { originator: 'Cgui' })).status, 2000)
  })

  it('go to the next point of access when one is away (TS-0004 7.3.3.9)', async () => {
    await backend.update(
      'onem2m/mn',
      { 'm2m:csr': { poa: ['coap://mn', 'mqtt://gone', 'mqtt://mn'] } },
      { originator: '/mn' },
    )
    assert.equal((await backend.retrieve('/mn/onem2m', { originator: 'Cgui' })).status, 2000)
  })

  it('never go round in circles, whatever CSEs say of one another', async () => {
    await backend.update('onem2m/mn', { 'm2m:csr': { dcse: ['/lost'] } }, { originator: '/mn' })
    assert.equal((await backend.retrieve('/lost/onem2m', { originator: 'Cgui' })).status, 4004)
    const claim = {
      operation: 3,
      to: 'onem2m/in',
      content: { 'm2m:csr': { dcse: ['/lost'] } },
      originator: '/mn',
    } as const
    assert.equal((await gateway.ask(claim, { source: 'internal' })).status, 2004)
    const round = await backend.ask({
      operation: 1,
      to: '/lost/onem2m',
      resourceType: 3,
      content: { 'm2m:cnt': {} },
      originator: 'Cgui',
    })
    assert.equal(round.status, 5103)
    assert.ok(near.passed.length < 12, `${near.passed.length} hops`)
  })

  it('of different originators may have the same identifier at the same time', async () => {
    const both = await Promise.all(
      ['Cone', 'Ctwo'].map((originator) => backend.retrieve('/mn/onem2m', { originator, requestIdentifier: '1' })),
    )
    assert.deepEqual(
      both.map(({ status, response }) => [status, response.requestIdentifier]),
      [
        [2000, '1'],
        [2000, '1'],
      ],
    )
    assert.notEqual(near.passed.at(-1)?.request.requestIdentifier, near.passed.at(-2)?.request.requestIdentifier)
  })

  it('that want no response are answered between the CSEs, so that none waits', async () => {
    const cin = { 'm2m:cin': { con: '5' } }
    const responseType = { responseTypeValue: 5 }
    assert.equal((await backend.create('/mn/onem2m/app/temp', 4, cin, { originator: 'Cx', responseType })).status, 4103)
    assert.equal(near.passed.at(-1)?.request.responseType, undefined)
  })

  it('are answered for by the CSE that was asked when they are non-blocking', async () => {
    const responseType = { responseTypeValue: 1 }
    const accepted = await backend.retrieve('/mn/onem2m', { originator: 'Cx', responseType })
    assert.equal(accepted.status, 1001)
    await backend.notifications()
    const result = await backend.retrieve(String(accepted.content?.['m2m:uri']), { originator: 'Cx' })
    assert.match(JSON.stringify(result.content), /"rs":1.*"csi":"\/mn"/)
  })

  it('count as local where the connection or an account says which CSE brings them, and else not', async () => {
    const request = { operation: 2, to: 'onem2m/app/temp', originator: '/in/Cgui' } as const
    const principal = { name: 'backend', originators: ['in'], isAdministrator: false, registersOne: true, topics: [] }
    const contexts = [
      [{ source: 'network', broughtBy: '/in' }, 2000],
      [{ source: 'network', principal }, 2000],
      [{ source: 'network' }, 4103],
    ] as const
    for (const [context, status] of contexts) assert.equal((await gateway.ask(request, context)).status, status)
  })

  it('register nobody at another CSE', async () => {
    const ae = { 'm2m:ae': { api: 'Nx', rr: true, srv: ['3'] } }
    assert.equal((await backend.create('/mn/onem2m', 2, ae, { originator: 'Cx' })).status, 4000)
  })

  it('reach the members of a group that lie at other CSEs', async () => {
    await backend.create(
      'onem2m',
      2,
      { 'm2m:ae': { rn: 'gui', api: 'Ngui', rr: true, srv: ['3'] } },
      { originator: 'Cgui' },
    )
    const mid = ['/mn/onem2m/app/temp', '/mn-2/onem2m', '/nowhere/x']
    await backend.create('onem2m/gui', 9, { 'm2m:grp': { rn: 'all', mnm: 5, mid } }, { originator: 'Cgui' })
    const { content } = await backend.retrieve('onem2m/gui/all/fopt', { originator: 'Cgui' })
    const statuses = JSON.stringify(content).match(/(?<="rsc":)\d+/g)
    assert.deepEqual(statuses, ['2000', '2000', '4004'])
  })

  it('are made of notifications for AEs there, which the CSE there brings to them', async () => {
    await backend.create(
      'onem2m',
      2,
      { 'm2m:ae': { rn: 'gui', api: 'Ngui', rr: true, poa: ['http://gui'], srv: ['3'] } },
      { originator: 'Cgui' },
    )
    const nu = ['//openmtc.org/in/Cgui']
    const created = await backend.create(
      '/mn/onem2m/app/temp',
      23,
      { 'm2m:sub': { rn: 's', nu, enc: { net: [3] } } },
      { originator: 'Cgui' },
    )
    assert.equal(created.status, 2001)
    await gateway.push('23')
    await gateway.notifications()
    await backend.notifications()
    const { pointOfAccess, target, request } = backend.deliveries.at(-1) ?? {}
    assert.deepEqual([pointOfAccess, target], ['http://gui', 'Cgui'])
    const notification = JSON.stringify(request?.content)
    assert.match(notification, /"con":"23".*"sur":"\/mn\/onem2m\/app\/temp\/s"/)
  })
})
