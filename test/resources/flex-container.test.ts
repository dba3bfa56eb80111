import assert from 'node:assert/strict'
import test from 'node:test'
import type { JsonObject } from '../../src/onem2m/content.ts'
import { Kit } from '../cse/kit.ts'

const temperature = { cnd: 'org.onem2m.common.moduleclass.temperature' }

async function withThermometer(attributes: JsonObject = {}): Promise<Kit> {
  const kit = await (await Kit.start()).withContainer()
  const content = { 'cod:tempe': { rn: 't', ...temperature, curT0: 21.5, ...attributes } }
  const { status, reason } = await kit.create('onem2m/app', 28, content)
  assert.equal(status, 2001, reason)
  return kit
}

async function thermometer(kit: Kit, address = 'onem2m/app/t'): Promise<JsonObject> {
  const { content } = await kit.retrieve(address)
  return content?.['cod:tempe'] as JsonObject
}

test('a definition decides which attributes a flexContainer has, and of which kind (TS-0004 7.4.37)', async () => {
  const kit = await withThermometer({ unit: 1 })
  const { curT0, unit, cs, st, cnd } = await thermometer(kit)
  assert.deepEqual([curT0, unit, cs, st, cnd], [21.5, 1, 5, 0, temperature.cnd])
  const refused = async (content: JsonObject, status: number, reason: RegExp) => {
    const answer = await kit.create('onem2m/app', 28, content)
    assert.equal(answer.status, status, answer.reason)
    assert.match(answer.reason, reason)
  }
  await refused({ 'cod:tempe': { ...temperature, curT0: 'warm' } }, 4000, /^curT0: got "warm", expected a number/)
  await refused({ 'cod:tempe': { ...temperature, unit: 1 } }, 4000, /^curT0: .*mandatory/)
  await refused({ 'cod:tempe': { ...temperature, curT0: 1, state: true } }, 4000, /^state:/)
  await refused({ 'cod:tempe': { cnd: 'org.onem2m.common.moduleclass.battery', curT0: 1 } }, 4000, /^cnd:/)
  await refused({ 'cod:nonsense': { cnd: 'org.example.nonsense' } }, 4125, /^pc: got "cod:nonsense"/)
})

test('an update changes values, size and state tag; the definition stays', async () => {
  const kit = await withThermometer()
  assert.equal((await kit.update('onem2m/app/t', { 'cod:tempe': { curT0: 22.25, tarTe: 20 } })).status, 2004)
  const { curT0, tarTe, cs, st } = await thermometer(kit)
  assert.deepEqual([curT0, tarTe, cs, st], [22.25, 20, 7, 1])
  assert.equal((await kit.update('onem2m/app/t', { 'cod:tempe': temperature })).status, 4000)
  assert.equal((await kit.update('onem2m/app/t', { 'cod:tempe': { curT0: null } })).status, 4000, 'mandatory')
  assert.equal((await kit.update('onem2m/app/t', { 'cod:tempe': { tarTe: null } })).status, 2004)
  assert.equal((await thermometer(kit))['tarTe'], undefined)
})

test('with limits for instances every state is kept, trimmed, and there after a restart (TS-0001 9.6.57)', async () => {
  const kit = await withThermometer({ mni: 2 })
  for (const curT0 of [22, 23]) await kit.update('onem2m/app/t', { 'cod:tempe': { curT0 } })
  const { cni, cbs, st } = await thermometer(kit)
  assert.deepEqual([cni, cbs, st], [2, 4, 2], 'a state that is kept is no change of its own')
  const latest = await thermometer(kit, 'onem2m/app/t/la')
  assert.deepEqual([latest['ty'], latest['curT0'], latest['org']], [58, 23, 'Capp'])
  assert.equal((await thermometer(kit, 'onem2m/app/t/ol'))['curT0'], 22)
  const again = await kit.restart()
  assert.equal((await thermometer(again, 'onem2m/app/t/ol'))['curT0'], 22)
  assert.equal((await again.create('onem2m/app/t', 58, { 'cod:tempe': { curT0: 1 } })).status, 4005)
  assert.equal((await again.update('onem2m/app/t/la', { 'cod:tempe': { curT0: 1 } })).status, 4005)
  assert.equal((await again.delete('onem2m/app/t/la')).status, 2002)
  assert.equal((await thermometer(again))['cni'], 1)
})

test('without limits, or with fcinEnabled false, no state is kept', async () => {
  for (const attributes of [{}, { mni: 5, fcied: false }]) {
    const kit = await withThermometer(attributes)
    await kit.update('onem2m/app/t', { 'cod:tempe': { curT0: 22 } })
    assert.equal((await thermometer(kit))['cni'], 0)
    assert.equal((await kit.retrieve('onem2m/app/t/la')).status, 4004)
  }
})

test('subscribers of a flexContainer see what changed', async () => {
  const kit = await withThermometer()
  await kit.create('onem2m/app/t', 23, { 'm2m:sub': { nu: ['Capp'], enc: { net: [1], atr: ['curT0'] }, nct: 2 } })
  await kit.update('onem2m/app/t', { 'cod:tempe': { unit: 1 } })
  await kit.update('onem2m/app/t', { 'cod:tempe': { curT0: 25 } })
  const notifications = await kit.notifications()
  assert.equal(notifications.length, 1)
  assert.match(JSON.stringify(notifications[0]), /"cod:tempe":\{[^}]*"curT0":25/)
})
