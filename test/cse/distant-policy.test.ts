import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Kit } from './kit.ts'
import { Neighbourhood } from './neighbourhood.ts'

/** Resources at gateway `/mn` whose policies lie at its registrar `/in`. */
describe('policies at other CSEs (TS-0004 7.3.3.15)', () => {
  let near: Neighbourhood
  let gateway: Kit
  let backend: Kit

  beforeEach(async () => {
    near = new Neighbourhood()
    gateway = await near.start('mn', { registrarCseId: '/in', unprotected: 'creator' })
    backend = await near.start('in', { cseType: 1, administrators: ['Cboss'] })
    await near.register(gateway, backend, 'mn', 'in')
    await gateway.create('onem2m', 2, { 'm2m:ae': { rn: 'app', api: 'Napp', rr: true, srv: ['3'] } })
  })

  const policy = (rules: readonly (readonly [string, number])[], readers = ['/mn']) => ({
    pv: { acr: rules.map(([originator, acop]) => ({ acor: [originator], acop })) },
    pvs: { acr: [{ acor: readers, acop: 63 }] },
  })
  const protect = async (...wanted: Parameters<typeof policy>): Promise<void> => {
    const boss = { originator: 'Cboss' }
    const made = await backend.create('onem2m', 1, { 'm2m:acp': { rn: 'p', ...policy(...wanted) } }, boss)
    assert.equal(made.status, 2001)
    const cnt = { rn: 'temp', acpi: ['/in/onem2m/p'] }
    assert.equal((await gateway.create('onem2m/app', 3, { 'm2m:cnt': cnt })).status, 2001)
  }
  const read = async (originator: string) => (await gateway.retrieve('onem2m/app/temp', { originator })).status
  const label = async (originator: string) =>
    (await gateway.update('onem2m/app/temp', { 'm2m:cnt': { lbl: ['x'] } }, { originator })).status

  it('grant what their rules say, and nothing else', async () => {
    await protect([
      ['/mn/Creader', 2],
      ['/mn/Cwriter', 4],
    ])
    assert.deepEqual([await read('Creader'), await label('Creader')], [2000, 4103])
    assert.deepEqual([await read('Cwriter'), await label('Cwriter')], [4103, 2004])
    assert.equal(await read('Cother'), 4103)
  })

  it('mean the AEs of their own CSE where they name none', async () => {
    await protect([
      ['Cgui', 2],
      ['Cpanel*', 2],
      ['Sbadge', 2],
    ])
    assert.deepEqual([await read('/in/Cgui'), await read('/in/Cpanel7'), await read('Sbadge')], [2000, 2000, 2000])
    assert.deepEqual([await read('Cgui'), await read('Cpanel7')], [4103, 4103])
  })

  it('are read once for a while, and again after it', async () => {
    await protect([['/mn/Creader', 2]])
    const asked = () => near.passed.filter(({ request: { to } }) => to === '/in/onem2m/p').length
    await Promise.all([read('Creader'), read('Creader'), read('Cother')])
    assert.deepEqual([await read('Creader'), asked()], [2000, 1])
    const { pv } = policy([])
    await backend.update('onem2m/p', { 'm2m:acp': { pv } }, { originator: 'Cboss' })
    near.clock.advance(30_000)
    assert.deepEqual([await read('Creader'), asked()], [4103, 2])
  })

  it('grant nothing when they can not be read', async () => {
    await protect([['all', 63]], ['Cboss'])
    assert.equal(await read('Creader'), 4103)
  })

  it('grant nothing while their CSE is away', async () => {
    await protect([['all', 63]])
    near.cut('mqtt://in')
    assert.equal(await read('Creader'), 4103)
    near.mend('mqtt://in')
    near.clock.advance(30_000)
    assert.equal(await read('Creader'), 2000)
  })

  it('let change what protects a resource whom their selfPrivileges let', async () => {
    await protect([['all', 2]], ['/mn', '/mn/Cowner'])
    const free = (originator: string) =>
      gateway.update('onem2m/app/temp', { 'm2m:cnt': { acpi: null } }, { originator })
    assert.equal(await read('Cother'), 2000)
    assert.equal((await free('Cother')).status, 4103)
    assert.equal((await free('Cowner')).status, 2004)
  })
})
