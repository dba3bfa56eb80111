import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Kit } from './kit.ts'
import { Neighbourhood } from './neighbourhood.ts'

const container = 3

/** gateway `/mn` below `/in`, where the originator of its groups has a container and an application. */
describe('members of a typed group at another CSE (TS-0004 7.4.13.2.1)', () => {
  let near: Neighbourhood
  let gateway: Kit

  beforeEach(async () => {
    near = new Neighbourhood()
    gateway = await near.start('mn', { registrarCseId: '/in' })
    const backend = await near.start('in', { cseType: 1, unprotected: 'creator' })
    await near.register(gateway, backend, 'mn', 'in')
    await gateway.withContainer()
    const ae = { rn: 'far', api: 'Nfar', rr: true, srv: ['3'] }
    await backend.create('onem2m', 2, { 'm2m:ae': ae }, { originator: 'Cfar' })
    const rights = (acor: string[]) => ({ acr: [{ acor, acop: 63 }] })
    const acp = { rn: 'shared', pv: rights(['/mn/Capp', 'Cfar']), pvs: rights(['Cfar']) }
    const far = { originator: 'Cfar' }
    await backend.create('onem2m/far', 1, { 'm2m:acp': acp }, far)
    const acpi = ['onem2m/far/shared']
    await backend.create('onem2m/far', container, { 'm2m:cnt': { rn: 'temp', acpi } }, far)
    await backend.create('onem2m/far', container, { 'm2m:cnt': { rn: 'secret' } }, far)
    await backend.create(
      'onem2m/far',
      9,
      { 'm2m:grp': { rn: 'temps', mt: container, mnm: 5, mid: ['onem2m/far/temp'], acpi } },
      far,
    )
    await backend.create('onem2m/far', 23, { 'm2m:sub': { rn: 'watch', nu: ['Cfar'], enc: { net: [1] }, acpi } }, far)
  })

  async function make(mid: readonly string[], wishes: object = {}) {
    const grp = { rn: 'g', mnm: 5, mt: container, mid: [...mid], ...wishes }
    const { status, content, reason } = await gateway.create('onem2m/app', 9, { 'm2m:grp': grp })
    const {
      mid: members,
      mt,
      mtv,
    } = (content as { 'm2m:grp'?: Record<string, unknown> } | undefined)?.['m2m:grp'] ?? {}
    return { status, reason, members, mt, mtv }
  }

  it('are asked for their type', async () => {
    const mid = ['onem2m/app/temp', '/in/onem2m/far/temp', '/in/onem2m/far/temps/fopt']
    const { status, members, mtv } = await make(mid)
    assert.deepEqual([status, members, mtv], [2001, mid, true])
  })

  for (const [csy, what, expected] of [
    [1, 'leave it', { status: 2001, members: ['/in/onem2m/far/temp'], mt: container, mtv: true }],
    [2, 'keep it from being made', { status: 4110, members: undefined, mt: undefined, mtv: undefined }],
    [
      3,
      'make it one of mixed types',
      { status: 2001, members: ['/in/onem2m/far/temp', '/in/onem2m/far/watch'], mt: 0, mtv: true },
    ],
  ] as const)
    it(`${what} when they are of another type and its strategy is ${csy}`, async () => {
      const { reason: _, ...made } = await make(['/in/onem2m/far/temp', '/in/onem2m/far/watch'], { csy })
      assert.deepEqual(made, expected)
    })

  it('have to be readable to who names them', async () => {
    const { status, reason } = await make(['/in/onem2m/far/secret'])
    assert.deepEqual([status, reason?.includes('/in/onem2m/far/secret')], [5105, true])
  })

  it('stay, not validated, while nobody tells what they are, and are asked again with the next update', async () => {
    near.cut('mqtt://in')
    assert.deepEqual((await make(['/in/onem2m/far/watch', '/in/onem2m/far/temp'])).mtv, false)
    near.mend('mqtt://in')
    const { status, content } = await gateway.update('onem2m/app/g', { 'm2m:grp': { gn: 'far away' } })
    assert.equal(status, 2004)
    assert.match(JSON.stringify(content), /"mid":\["\/in\/onem2m\/far\/temp"\]/)
    assert.match(JSON.stringify((await gateway.retrieve('onem2m/app/g')).content), /"mtv":true/)
  })

  it('are not asked for where types are mixed', async () => {
    near.passed.length = 0
    assert.equal((await make(['/in/onem2m/far/temp'], { mt: 0 })).mtv, true)
    assert.equal(near.passed.length, 0)
  })
})
