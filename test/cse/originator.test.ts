import assert from 'node:assert/strict'
import test from 'node:test'
import { Kit } from './kit.ts'

test('nobody speaks in the name of the CSE or of a part of this gateway (TS-0004 7.3.2.1)', async () => {
  const kit = await Kit.start()
  for (const originator of [
    '/mn-cse-1',
    '//openmtc.org/mn-cse-1',
    'Csystem',
    '/mn-cse-1/Csystem',
    '//openmtc.org/mn-cse-1/Csystem',
  ]) {
    for (const source of ['local', 'network'] as const) {
      const { status, reason } = await kit.ask({ operation: 2, to: 'onem2m', originator }, { source })
      assert.equal(status, 4106, originator)
      assert.match(reason, /^fr: .*nobody else speaks in its name/)
    }
  }
  assert.equal(
    (await kit.ask({ operation: 2, to: 'onem2m', originator: '/mn-cse-1' }, { source: 'internal' })).status,
    2000,
  )
})

test('one AE under all forms of its identifier', async () => {
  const kit = await (await Kit.start()).withContainer()
  for (const originator of ['Capp', '/mn-cse-1/Capp', '//openmtc.org/mn-cse-1/Capp'])
    assert.equal(
      (await kit.update('onem2m/app/temp', { 'm2m:cnt': { lbl: ['x'] } }, { originator })).status,
      2004,
      originator,
    )
  for (const originator of ['Cother', '/mn-cse-10/Capp', '//other.org/mn-cse-1/Capp'])
    assert.equal(
      (await kit.update('onem2m/app/temp', { 'm2m:cnt': { lbl: ['x'] } }, { originator })).status,
      4103,
      originator,
    )
})

test('an administrator is one over loopback only', async () => {
  const kit = await (await Kit.start()).withContainer()
  const remove = (source: 'local' | 'network') =>
    kit.ask({ operation: 4, to: 'onem2m/app/temp', originator: 'CAdmin' }, { source })
  assert.equal((await remove('network')).status, 4103)
  assert.equal((await remove('local')).status, 2002)
})

test('AE-IDs are assigned as asked for, or new; nobody registers twice (TS-0001 10.2.2.2)', async () => {
  const kit = await Kit.start()
  const register = async (originator: string | undefined, rn: string) => {
    const { status, content } = await kit.ask({
      operation: 1,
      to: 'onem2m',
      resourceType: 2,
      content: { 'm2m:ae': { rn, api: 'Napp', rr: true, srv: ['3'] } },
      ...(originator === undefined ? { originator: '' } : { originator }),
    })
    const ae = content?.['m2m:ae'] as { aei?: string; ri?: string } | undefined
    assert.equal(ae?.aei, ae?.ri)
    return [status, ae?.aei ?? '']
  }
  assert.match(String((await register(undefined, 'a1'))[1]), /^C.+/)
  assert.match(String((await register('C', 'a2'))[1]), /^C.+/)
  assert.match(String((await register('S', 'a3'))[1]), /^S.+/)
  assert.deepEqual(await register('CmyApp', 'a4'), [2001, 'CmyApp'])
  assert.deepEqual(await register('//openmtc.org/mn-cse-1/CTest', 'a5'), [2001, 'CTest'])
  assert.equal((await register('CmyApp', 'a6'))[0], 4117)
  assert.equal((await register('Xapp', 'a7'))[0], 4000)
})

test('App-IDs begin with N, R or r, but for those who speak release 2a or before (TS-0001 7.1.3)', async () => {
  const kit = await Kit.start()
  const register = async (api: string, releaseVersionIndicator: string) =>
    (await kit.create('onem2m', 2, { 'm2m:ae': { api, rr: true } }, { originator: 'C', releaseVersionIndicator }))
      .status
  assert.equal(await register('dummy', '2a'), 2001)
  assert.equal(await register('dummy', '3'), 4000)
  assert.equal(await register('rorg.example', '3'), 2001)
})
