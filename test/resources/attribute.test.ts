import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Json, JsonObject } from '../../src/onem2m/content.ts'
import { resourceTypes } from '../../src/resources/index.ts'
import type { AttributeDefinition, ResourceType } from '../../src/resources/resource-type.ts'
import { Kit } from '../cse/kit.ts'
import '../property.ts'

const time = fc.constantFrom('19700101T001000', '19700101T120000,5', '20380119T031407', '19700230T000000', 'now')
const word = fc.constantFrom(
  'Capp',
  'onem2m/app/temp',
  'http://127.0.0.1:9/x?ct=json',
  'a b',
  '',
  'ü€',
  'PT5S',
  'text/plain:0',
)
const number = fc.oneof(fc.integer({ min: -1, max: 12 }), fc.constantFrom(2 ** 53 - 1, 0.5, -7, 63, 64))
const scalar: fc.Arbitrary<Json> = fc.oneof(
  time,
  word,
  number,
  fc.boolean(),
  fc.string({ unit: 'binary', maxLength: 4 }),
)
const list = fc.array(scalar, { maxLength: 3 })
const rule = fc.record(
  { acor: fc.array(word, { maxLength: 2 }), acop: number, acaf: fc.boolean() },
  { requiredKeys: [] },
)
const rules = fc.record({ acr: fc.array(rule, { maxLength: 2 }) }, { requiredKeys: [] })

/** Values that may well be right for attributes whose values are objects. */
const likely: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  pv: rules,
  pvs: rules,
  loc: fc.record({ typ: number, crd: word }, { requiredKeys: [] }),
  conr: fc.array(fc.record({ nm: word, uri: word }, { requiredKeys: [] }), { maxLength: 2 }),
  enc: fc.record({ net: fc.array(number, { maxLength: 2 }), atr: list, crb: time, sza: number }, { requiredKeys: [] }),
  bn: fc.record({ num: number, dur: fc.constantFrom('PT5S', 'P1D', '5') }, { requiredKeys: [] }),
  rl: fc.record({ mnn: number, tww: fc.constantFrom('PT5S', 'x') }, { requiredKeys: [] }),
  nar: fc.record({ num: number, dur: fc.constantFrom('PT5S', 'x') }, { requiredKeys: [] }),
}

/** Values that are always right, for what must be there: otherwise few sets would get any further. */
const right: Readonly<Record<string, Json>> = {
  api: 'Nx',
  rr: true,
  nu: ['Capp'],
  pv: {},
  pvs: { acr: [{ acor: ['all'], acop: 63 }] },
  mnm: 5,
  mid: ['Capp'],
  con: 'x',
}

/** The first of some values that the type of a mandatory attribute takes: those of one value are named after it. */
function rightFor({ short, type }: AttributeDefinition): Json | undefined {
  if (right[short] !== undefined) return right[short]
  const choices: readonly Json[] = ['x', 1, true, ['x'], [1], {}, '19700101T001000', type.name, Number(type.name)]
  return choices.find((choice) => {
    try {
      type.decode(choice, short)
      return true
    } catch {
      return false
    }
  })
}

/** Kept as they are, members that say nothing included. */
const freeForm = new Set(['con', 'ape'])

/** The CSE has the last word on these. */
const settledByCse = new Set(['et', 'mid', 'mt', 'csy', 'cr', 'rbo', 'far', 'ena', 'dis'])

/** Written and not read. */
const secret = new Set(['wcrds', 'crse', 'crtk'])

/** An attribute set, half of which is what the table permits. */
function attributesOf(type: ResourceType): fc.Arbitrary<JsonObject> {
  const rows = [...type.table.values()]
  const asked = rows.filter((row) => row.create !== 'NP' && row.short !== 'rn')
  const values = (short: string) =>
    fc.oneof(scalar, list, likely[short] ?? scalar, likely[short] ?? list, fc.jsonValue({ maxDepth: 2 }))
  const optional = Object.fromEntries(
    asked
      .filter((row) => row.create !== 'M' && right[row.short] === undefined)
      .map((row) => [row.short, values(row.short)]),
  )
  const mandatory = Object.fromEntries(
    asked
      .filter((row) => row.create === 'M' || right[row.short] !== undefined)
      .map((row) => [
        row.short,
        fc.oneof(
          { weight: row.short === 'con' ? 1 : 40, arbitrary: fc.constant(rightFor(row)) },
          { weight: 1, arbitrary: values(row.short) },
        ),
      ]),
  )
  const strange = fc.dictionary(fc.constantFrom(...rows.map(({ short }) => short), 'xyz', '__proto__'), scalar, {
    maxKeys: 1,
  })
  return fc
    .tuple(
      fc
        .subarray(Object.keys(optional), { maxLength: 3 })
        .chain((names) =>
          fc.record(Object.fromEntries(names.map((name) => [name, optional[name] as fc.Arbitrary<unknown>]))),
        ),
      fc.record(mandatory),
      fc.oneof({ weight: 8, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: strange }),
    )
    .map(([some, must, more]) => JSON.parse(JSON.stringify({ ...must, ...some, ...more })) as JsonObject)
}

function isUnset(value: Json | undefined): boolean {
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0)
}

/** Objects without members that say nothing. */
function told(value: Json): Json {
  if (Array.isArray(value)) return value.map(told)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, item]) => !isUnset(item) || (name === 'acr' && item !== null))
      .map(([name, item]) => [name, told(item as Json)]),
  )
}

/** What the CSE completes, TS-0004 7.4.8.2.1: criteria that name no event are for updates, a batch without a duration gets one. */
function completed(name: string, value: Json): Json {
  if (name === 'enc' && (value as JsonObject)['om'] === undefined) return { net: [1], ...(value as JsonObject) }
  if (name === 'bn') return { dur: 'PT60S', ...(value as JsonObject) }
  return value
}

const creatable = resourceTypes.filter((type) => type.behaviour?.refusesCreate === undefined)
const parentOf: Readonly<Record<number, string>> = {
  2: 'onem2m',
  4: 'onem2m/app/temp',
  13: 'onem2m/box',
  14: 'onem2m',
  30: 'onem2m/app/series',
}
const manyRuns = 100
/** Of the many specializations of one type each gets fewer. */
const fewRuns = 20

for (const type of creatable.filter(({ type: number }) => [1, 2, 3, 4, 9, 13, 14, 23, 28, 29, 30].includes(number))) {
  test(`attributes of ${type.name} (${type.memberName}): read back as they were given, or refused by name`, async () => {
    let accepted = 0
    const kit = await (await Kit.start()).withContainer()
    await kit.create('onem2m', 14, { 'm2m:nod': { rn: 'box', ni: 'urn:box' } }, { originator: 'CAdmin' })
    await kit.create('onem2m/app', 29, { 'm2m:ts': { rn: 'series' } })
    const numRuns = type.isSpecialized === true ? fewRuns : manyRuns
    let count = 0
    await fc.assert(
      fc.asyncProperty(attributesOf(type), async (attributes) => {
        const { status, content, reason } = await kit.create(
          parentOf[type.type] ?? 'onem2m/app',
          type.type,
          { [type.memberName]: attributes },
          { originator: type.type === 2 ? `Cnew${count++}` : [13, 14].includes(type.type) ? 'CAdmin' : 'Capp' },
        )
        if (status !== 2001) {
          assert.ok([4000, 5001, 5204, 6010].includes(status), `${status} ${reason}`)
          const name = /^[\w]+/.exec(reason)?.[0] ?? ''
          const missing = [...type.table.values()].find((row) => row.short === name)?.create === 'M'
          assert.ok(name in attributes || missing || name === 'con', reason)
          return
        }
        accepted++
        const address = (content as Record<string, JsonObject>)[type.memberName]?.['ri'] as string
        const read = await kit.retrieve(address, { originator: 'CAdmin' })
        const shown = read.content?.[type.memberName] as JsonObject
        for (const [name, value] of Object.entries(attributes)) {
          if (settledByCse.has(name) || secret.has(name) || value === null || (isUnset(value) && name !== 'con'))
            continue
          const expected = freeForm.has(name) ? value : told(value)
          assert.deepEqual(shown[name], completed(name, expected), name)
        }
        await kit.delete(address, { originator: 'CAdmin' })
      }),
      { numRuns },
    )
    assert.ok(accepted > numRuns / 10, `only ${accepted} of ${numRuns} sets were accepted: the others say little`)
  })
}
