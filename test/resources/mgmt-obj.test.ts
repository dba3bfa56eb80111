import assert from 'node:assert/strict'
import test from 'node:test'
import type { JsonObject } from '../../src/onem2m/content.ts'
import { mgmtObjDefinitions } from '../../src/resources/mgmt-obj-definition.ts'
import { Kit } from '../cse/kit.ts'

async function withNode(): Promise<Kit> {
  const kit = await Kit.start()
  const admin = { originator: 'CAdmin' }
  assert.equal((await kit.create('onem2m', 14, { 'm2m:nod': { rn: 'box', ni: 'urn:box:1' } }, admin)).status, 2001)
  return kit
}

/** As OpenMTC or ACME would create them: TS-0001 annex D. */
const objects: readonly (readonly [memberName: string, attributes: JsonObject])[] = [
  ['m2m:fwr', { mgd: 1001, vr: '1.2', fwn: 'os', url: 'http://host/os.img', ud: false }],
  ['m2m:mem', { mgd: 1003, mma: 100, mmt: 200 }],
  ['m2m:bat', { mgd: 1006, btl: 80, bts: 1 }],
  ['m2m:dvi', { mgd: 1007, dlb: 'box', man: 'maker', mod: 'one', dty: 'gateway', osv: 'Debian' }],
  ['m2m:dvc', { mgd: 1008, can: 'led', att: true, cas: { acn: 'enable', sus: 1 }, cus: true }],
  ['m2m:rbo', { mgd: 1009, rbo: false }],
  ['dcfg:wific', { mgd: 1028, ssid: 'barn', scan: false, wcrds: { enct: 4 } }],
]

test('a node has mgmtObj of every specialization, told apart by the member name, also after a restart', async () => {
  const kit = await withNode()
  const admin = { originator: 'CAdmin' }
  for (const [memberName, attributes] of objects) {
    const rn = memberName.replace(':', '-')
    const { status, content, reason } = await kit.create(
      'onem2m/box',
      13,
      { [memberName]: { rn, ...attributes } },
      admin,
    )
    assert.equal(status, 2001, reason)
    for (const [name, value] of Object.entries(attributes))
      assert.deepEqual((content as Record<string, JsonObject>)[memberName]?.[name], value)
  }
  const before = (await kit.retrieve('onem2m/box', { resultContent: 4, ...admin })).content
  const again = await kit.restart()
  assert.deepEqual((await again.retrieve('onem2m/box', { resultContent: 4, ...admin })).content, before)
  const found = await again.retrieve('onem2m', { filterCriteria: { filterUsage: 1, resourceType: [13] }, ...admin })
  const identifiers = found.content?.['m2m:uril'] as readonly string[] | undefined
  assert.equal(identifiers?.length, objects.length)
})

test('mgmtDefinition must be that of the object, and may not change', async () => {
  const kit = await withNode()
  const admin = { originator: 'CAdmin' }
  const wrong = await kit.create('onem2m/box', 13, { 'm2m:mem': { mgd: 1006, mma: 1, mmt: 2 } }, admin)
  assert.deepEqual(
    [wrong.status, wrong.reason],
    [4000, 'mgd: got 1006, expected 1003, the mgmtDefinition of this object'],
  )
  await kit.create('onem2m/box', 13, { 'm2m:mem': { rn: 'memory', mgd: 1003, mma: 1, mmt: 2 } }, admin)
  assert.equal((await kit.update('onem2m/box/memory', { 'm2m:mem': { mgd: 1003 } }, admin)).status, 4000)
  assert.equal((await kit.update('onem2m/box/memory', { 'm2m:bat': { btl: 3 } }, admin)).status, 4000)
  assert.equal((await kit.update('onem2m/box/memory', { 'm2m:mem': { mma: 3 } }, admin)).status, 2004)
  const unknown = await kit.create('onem2m/box', 13, { 'm2m:xyz': { mgd: 1 } }, admin)
  assert.deepEqual(
    [unknown.status, unknown.reason],
    [4000, 'pc: got "m2m:xyz", expected a member that names a specialization of type 13'],
  )
})

test('triggers that contradict each other are refused together (TS-0004 D.10)', async () => {
  const kit = await withNode()
  const admin = { originator: 'CAdmin' }
  await kit.create('onem2m/box', 13, { 'm2m:rbo': { rn: 'boot', mgd: 1009 } }, admin)
  assert.equal((await kit.update('onem2m/box/boot', { 'm2m:rbo': { rbo: true, far: true } }, admin)).status, 4000)
  assert.equal((await kit.update('onem2m/box/boot', { 'm2m:rbo': { rbo: true } }, admin)).status, 2004)
  assert.equal((await kit.update('onem2m/box/boot', { 'm2m:rbo': { rbo: false, far: true } }, admin)).status, 2004)
})

test('every definition has a number and a member name of its own', () => {
  assert.equal(new Set(mgmtObjDefinitions.map(({ number }) => number)).size, mgmtObjDefinitions.length)
  assert.equal(new Set(mgmtObjDefinitions.map(({ memberName }) => memberName)).size, mgmtObjDefinitions.length)
})
