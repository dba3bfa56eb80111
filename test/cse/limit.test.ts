import assert from 'node:assert/strict'
import test from 'node:test'
import type { RequestContext } from '../../src/cse/handler.ts'
import { Kit } from './kit.ts'

const network: RequestContext = { source: 'network', remoteAddress: '192.0.2.7' }

test('a CSE keeps so many resources and no more, however many instances', async () => {
  const kit = await (await Kit.start({ settings: { maxResources: 4 } })).withContainer()
  assert.equal((await kit.create('onem2m/app', 3, { 'm2m:cnt': { rn: 'last' } })).status, 2001)
  const refused = await kit.create('onem2m/app', 3, { 'm2m:cnt': {} })
  assert.equal(refused.status, 5207)
  assert.match(refused.reason, /at most 4 resources/)
  await kit.push('a', 'b', 'c', 'd', 'e')
  assert.match(JSON.stringify((await kit.retrieve('onem2m/app/temp')).content), /"cni":5/)
  await kit.delete('onem2m/app/last')
  assert.equal((await kit.create('onem2m/app', 3, { 'm2m:cnt': {} })).status, 2001)
})

test('resources are nested so deep and no deeper', async () => {
  const kit = await (await Kit.start()).withContainer()
  let parent = 'onem2m/app'
  let status = 2001
  let depth = 0
  for (; status === 2001 && depth < 200; depth++) {
    status = (await kit.create(parent, 3, { 'm2m:cnt': { rn: 'c' } })).status
    parent += '/c'
  }
  assert.equal(status, 5207)
  assert.equal(depth, 100)
  assert.equal((await kit.delete('onem2m/app')).status, 2002)
})

test('who comes over the network reads only what is its own or open to it', async () => {
  const kit = await (await Kit.start()).withContainer()
  const retrieve = async (to: string, originator: string) =>
    (await kit.ask({ operation: 2, to, originator }, network)).status
  assert.equal(await retrieve('onem2m/app/temp', 'Cother'), 4103)
  assert.equal(await retrieve('onem2m', 'Cother'), 4103)
  assert.equal(await retrieve('onem2m/app/temp', 'Capp'), 2000)
  const rules = (acaf: boolean) => ({ acr: [{ acor: ['Cother'], acop: 2, acaf }] })
  const pvs = { acr: [{ acor: ['Capp'], acop: 63 }] }
  await kit.create('onem2m/app', 1, { 'm2m:acp': { rn: 'p', pv: rules(false), pvs } })
  await kit.update('onem2m/app/temp', { 'm2m:cnt': { acpi: ['onem2m/app/p'] } })
  assert.equal(await retrieve('onem2m/app/temp', 'Cother'), 2000)
  // accessControlAuthenticationFlag: only for those whose identity is vouched for.
  await kit.update('onem2m/app/p', { 'm2m:acp': { pv: rules(true) } })
  assert.equal(await retrieve('onem2m/app/temp', 'Cother'), 4103)
  assert.equal((await kit.retrieve('onem2m/app/temp', { originator: 'Cother' })).status, 2000)
})

test('requests that wait for their time are bounded', async () => {
  const kit = await (await Kit.start()).withContainer()
  for (let count = 0; count < 1000; count++)
    void kit.create('onem2m/app/temp', 4, { 'm2m:cin': { con: '' } }, { operationExecutionTime: '60000' })
  const refused = await kit.create(
    'onem2m/app/temp',
    4,
    { 'm2m:cin': { con: '' } },
    { operationExecutionTime: '60000' },
  )
  assert.equal(refused.status, 5207)
  assert.match(refused.reason, /^oet: 1000 requests wait/)
  kit.cse.stop()
})

test('the same identifier for another request is no resend', async () => {
  const kit = await (await Kit.start()).withContainer()
  const same = { requestIdentifier: 'same' }
  const update = (resultContent: number) =>
    kit.update('onem2m/app/temp', { 'm2m:cnt': { lbl: ['x'] } }, { ...same, resultContent })
  assert.equal((await update(0)).content, undefined)
  assert.notEqual((await update(1)).content, undefined)
  const remove = (label: string) => kit.delete('onem2m/app/temp', { ...same, filterCriteria: { labels: [label] } })
  assert.equal((await remove('y')).status, 4004)
  assert.equal((await remove('x')).status, 2002)
})
