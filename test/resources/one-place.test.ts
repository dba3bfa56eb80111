import assert from 'node:assert/strict'
import test from 'node:test'
import { enumeration, listOf, objectOf, positiveInteger, required, text } from '../../src/onem2m/attribute-type.ts'
import { contentObject, type JsonObject } from '../../src/onem2m/content.ts'
import { Operation, type RequestPrimitive } from '../../src/onem2m/primitive.ts'
import { resourceTypes } from '../../src/resources/index.ts'
import { attribute, defineResourceType } from '../../src/resources/resource-type.ts'
import { type Connect, overHttp, overMqtt } from '../cse/exchange.ts'
import { Kit } from '../cse/kit.ts'

// All that a resource type needs: this table, and its place in the list.
const beehive = defineResourceType({
  type: 1077,
  name: 'beehive',
  memberName: 'bee:hive',
  clause: 'this test',
  common: ['expirationTime', 'accessControlPolicyIds', 'labels', 'creator', 'stateTag'],
  attributes: {
    frames: attribute('frm', positiveInteger, 'M', 'O', 'OA'),
    mood: attribute('mood', enumeration('1 (calm) or 2 (cross)', 1, 2), 'O', 'O', 'NA'),
    queens: attribute('qns', listOf(objectOf('a queen', { name: required('nm', text) })), 'O', 'NP', 'NA'),
  },
  parents: [2, 1077],
  children: [23],
})

for (const [way, connect] of [
  ['MQTT', overMqtt],
  ['HTTP', overHttp],
] as const satisfies readonly (readonly [string, Connect])[]) {
  test(`a resource type that was written in one place is served over ${way}`, async () => {
    let kit = await Kit.start({ resourceTypes: [...resourceTypes, beehive] })
    const exchange = connect({ handle: (request, context, respond) => kit.cse.handle(request, context, respond) })
    let asked = 0
    const ask = async (request: Omit<RequestPrimitive, 'requestIdentifier'>) => {
      const response = await exchange({ originator: 'Cmaya', requestIdentifier: `r${asked++}`, ...request })
      const content = response.content === undefined ? {} : contentObject(response.content)
      return { status: response.responseStatusCode, content, hive: content['bee:hive'] as JsonObject }
    }
    const create = (to: string, resourceType: number, content: JsonObject) =>
      ask({ operation: Operation.CREATE, to, resourceType, content })
    await create('onem2m', 2, { 'm2m:ae': { rn: 'app', api: 'Nhoney', rr: true } })

    const created = await create('onem2m/app', 1077, {
      'bee:hive': { rn: 'h1', frm: 10, qns: [{ nm: 'Bess' }], cr: null },
    })
    assert.equal(created.status, 2001)
    const { ty, frm, qns, st, cr } = created.hive
    assert.deepEqual({ ty, frm, qns, st, cr }, { ty: 1077, frm: 10, qns: [{ nm: 'Bess' }], st: 0, cr: 'Cmaya' })
    assert.equal((await create('onem2m/app/h1', 1077, { 'bee:hive': { frm: 1 } })).status, 2001, 'its own child')
    const refused = await create('onem2m/app', 1077, { 'bee:hive': { frm: 0 } })
    assert.deepEqual(
      [refused.status, refused.content],
      [4000, { 'm2m:dbg': 'frm: got 0, expected a positive integer' }],
    )
    assert.equal((await create('onem2m', 1077, { 'bee:hive': { frm: 1 } })).status, 4103)

    const watch = { 'm2m:sub': { nu: ['http://127.0.0.1:9/'], enc: { net: [1], atr: ['mood'] }, nct: 2 } }
    assert.equal((await create('onem2m/app/h1', 23, watch)).status, 2001)
    const change = (hive: JsonObject) =>
      ask({ operation: Operation.UPDATE, to: 'onem2m/app/h1', content: { 'bee:hive': hive } })
    assert.equal((await change({ mood: 2 })).hive['st'], 1)
    assert.equal((await change({ mood: 3 })).status, 4000)
    assert.equal((await change({ qns: [] })).status, 4000)
    assert.equal((await change({ frm: null })).status, 4000)
    assert.match(JSON.stringify(await kit.notifications()), /"bee:hive":\{[^}]*"mood":2/)

    kit = await kit.restart()
    const filterCriteria = { filterUsage: 1, resourceType: [1077], attribute: [{ name: 'mood', value: 2 }] }
    const found = await ask({ operation: Operation.RETRIEVE, to: 'onem2m', filterCriteria })
    assert.deepEqual(found.content, { 'm2m:uril': ['onem2m/app/h1'] })
    const root = await ask({ operation: Operation.RETRIEVE, to: 'onem2m', attributeList: ['srt'] })
    assert.match(JSON.stringify(root.content), /1077/)
    assert.equal((await ask({ operation: Operation.DELETE, to: 'onem2m/app/h1' })).status, 2002)
    assert.equal((await ask({ operation: Operation.RETRIEVE, to: 'onem2m/app/h1' })).status, 4004)
  })
}
