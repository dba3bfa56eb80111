import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Json, JsonObject } from '../../src/onem2m/content.ts'
import type { FilterCriteria } from '../../src/onem2m/filter-criteria.ts'
import { parseTimestamp } from '../../src/onem2m/timestamp.ts'
import { Kit } from './kit.ts'
import '../property.ts'

/** A resource as a RETRIEVE shows it, and where it is. */
interface Shown {
  readonly address: string
  readonly level: number
  readonly wire: JsonObject
  readonly parent: JsonObject
  readonly children: readonly JsonObject[]
}

const label = fc.constantFrom('red', 'blue', 'unit:C', 'unit:F', 'room:a')
const labels = fc.subarray(['red', 'blue', 'unit:C', 'unit:F', 'room:a'], { maxLength: 2 })
const sprout = fc.record({
  where: fc.nat(20),
  what: fc.constantFrom('container', 'container', 'instance', 'group'),
  lbl: labels,
  text: fc.stringMatching(/^[a-c]{0,3}$/),
  pauseMs: fc.constantFrom(0, 1000),
})
const stamp = fc.constantFrom('19700101T000002', '19700101T000004', '19700102T000000')
const condition = fc.array(
  fc.record({
    name: fc.constantFrom('rn', 'con', 'mni', 'nu'),
    value: fc.constantFrom('n1', 'n*', '*', 'a*', 'ab', '5', 5),
  }),
  { minLength: 1, maxLength: 2 },
)
const types = fc.subarray([3, 4, 9], { minLength: 1 })
const criteria: fc.Arbitrary<FilterCriteria> = fc
  .record(
    {
      createdBefore: stamp,
      createdAfter: stamp,
      modifiedSince: stamp,
      unmodifiedSince: stamp,
      expireBefore: stamp,
      expireAfter: stamp,
      stateTagSmaller: fc.nat(3),
      stateTagBigger: fc.nat(3),
      sizeAbove: fc.nat(3),
      sizeBelow: fc.nat(3),
      labels: fc.array(label, { minLength: 1, maxLength: 2 }),
      childLabels: fc.array(label, { minLength: 1, maxLength: 2 }),
      parentLabels: fc.array(label, { minLength: 1, maxLength: 2 }),
      resourceType: types,
      childResourceType: types,
      parentResourceType: types,
      attribute: condition,
      childAttribute: condition,
      parentAttribute: condition,
    },
    { requiredKeys: [] },
  )
  .chain((all) =>
    fc
      .tuple(
        fc.subarray(Object.keys(all), { maxLength: 3 }),
        fc.record(
          { filterOperation: fc.constantFrom(1, 2, 3), level: fc.integer({ min: 1, max: 3 }) },
          { requiredKeys: [] },
        ),
      )
      .map(([kept, more]) => ({
        ...(Object.fromEntries(Object.entries(all).filter(([name]) => kept.includes(name))) as FilterCriteria),
        ...more,
      })),
  )

/** The table of TS-0004 6.3.5.8 read once more, as naively as can be. */
function naive(criteria: FilterCriteria, { wire, parent, children }: Shown): boolean {
  const ms = (value: Json | undefined) => (typeof value === 'string' ? parseTimestamp(value) : undefined) ?? Number.NaN
  const number = (value: Json | undefined) => (typeof value === 'number' ? value : Number.NaN)
  const hasLabel = (of: JsonObject, wanted: readonly string[]) =>
    ((of['lbl'] ?? []) as readonly string[]).some((each) => wanted.includes(each))
  const holds = (of: JsonObject, wanted: NonNullable<FilterCriteria['attribute']>) =>
    wanted.some(({ name, value }) => {
      const own = of[name]
      if (own === undefined) return false
      const text = String(value)
      return text.endsWith('*') ? String(own).startsWith(text.slice(0, -1)) : String(own) === text
    })
  const isOf = (of: JsonObject, wanted: readonly number[]) => wanted.includes(of['ty'] as number)
  const { labels, childLabels, parentLabels } = criteria
  const results = [
    criteria.createdBefore && ms(wire['ct']) < ms(criteria.createdBefore),
    criteria.createdAfter && ms(wire['ct']) >= ms(criteria.createdAfter),
    criteria.modifiedSince && ms(wire['lt']) >= ms(criteria.modifiedSince),
    criteria.unmodifiedSince && ms(wire['lt']) < ms(criteria.unmodifiedSince),
    criteria.expireBefore && ms(wire['et']) < ms(criteria.expireBefore),
    criteria.expireAfter && ms(wire['et']) >= ms(criteria.expireAfter),
    criteria.stateTagSmaller !== undefined && number(wire['st']) < criteria.stateTagSmaller,
    criteria.stateTagBigger !== undefined && number(wire['st']) >= criteria.stateTagBigger,
    criteria.sizeAbove !== undefined && number(wire['cs']) >= criteria.sizeAbove,
    criteria.sizeBelow !== undefined && number(wire['cs']) < criteria.sizeBelow,
    labels && hasLabel(wire, labels),
    childLabels && children.some((child) => hasLabel(child, childLabels)),
    parentLabels && hasLabel(parent, parentLabels),
    criteria.resourceType && isOf(wire, criteria.resourceType),
    criteria.childResourceType && children.some((child) => isOf(child, criteria.childResourceType ?? [])),
    criteria.parentResourceType && isOf(parent, criteria.parentResourceType),
    criteria.attribute && holds(wire, criteria.attribute),
    criteria.childAttribute && children.some((child) => holds(child, criteria.childAttribute ?? [])),
    criteria.parentAttribute && holds(parent, criteria.parentAttribute),
  ]
  const asked = Object.keys(criteria).filter((name) => name !== 'filterOperation' && name !== 'level').length
  const met = results.filter((result) => result === true).length
  if (asked === 0) return true
  if (criteria.filterOperation === 2) return met > 0
  return criteria.filterOperation === 3 ? met === 1 : met === asked
}

function* shownBelow(parent: JsonObject, address: string, level = 1): Iterable<Shown> {
  for (const wire of childrenIn(parent)) {
    const own = `${address}/${String(wire['rn'])}`
    yield { address: own, level, wire, parent, children: [...childrenIn(wire)] }
    yield* shownBelow(wire, own, level + 1)
  }
}

function* childrenIn(wire: JsonObject): Iterable<JsonObject> {
  for (const [name, value] of Object.entries(wire))
    if (name.startsWith('m2m:') && Array.isArray(value)) yield* value as readonly JsonObject[]
}

type Sprout = typeof sprout extends fc.Arbitrary<infer T> ? T : never

async function grow(sprouts: readonly Sprout[]): Promise<Kit> {
  const kit = await (await Kit.start()).withContainer()
  const containers = ['onem2m/app/temp']
  for (const [index, { where, what, lbl, text, pauseMs }] of sprouts.entries()) {
    kit.clock.advance(pauseMs)
    const parent = containers[where % containers.length] as string
    const rn = `n${index}`
    if (what === 'container') {
      await kit.create(parent, 3, { 'm2m:cnt': { rn, lbl, mni: 5 } })
      containers.push(`${parent}/${rn}`)
    } else if (what === 'instance') await kit.create(parent, 4, { 'm2m:cin': { rn, lbl, con: text } })
    else await kit.create('onem2m/app', 9, { 'm2m:grp': { rn, lbl, mnm: 1, mid: [] } })
  }
  return kit
}

test('discovery finds what a naive reading of the filter criteria finds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(sprout, { minLength: 5, maxLength: 15 }),
      fc.array(criteria, { minLength: 8, maxLength: 8 }),
      async (sprouts, many) => {
        const kit = await grow(sprouts)
        const { content } = await kit.retrieve('onem2m/app', { resultContent: 4 })
        const all = [...shownBelow(content?.['m2m:ae'] as JsonObject, 'onem2m/app')]
        for (const each of many) {
          const expected = all.filter((shown) => shown.level <= (each.level ?? 99) && naive(each, shown))
          const ask = async (more: FilterCriteria) =>
            (await kit.retrieve('onem2m/app', { filterCriteria: { filterUsage: 1, ...each, ...more } })).content?.[
              'm2m:uril'
            ] as string[] | undefined
          const found = await ask({})
          assert.deepEqual(found?.toSorted(), expected.map(({ address }) => address).toSorted(), JSON.stringify(each))
          assert.deepEqual(
            [...((await ask({ limit: 2 })) ?? []), ...((await ask({ offset: 3 })) ?? [])],
            found,
            'parts make the whole',
          )
        }
      },
    ),
    { numRuns: 30 },
  )
})

test('what labels or types name is found without reading the instances of containers', async () => {
  const kit = await (await Kit.start()).withContainer()
  for (let index = 0; index < 5; index++) {
    await kit.create('onem2m/app', 3, { 'm2m:cnt': { rn: `c${index}`, lbl: ['rare'] } })
    await kit.create(`onem2m/app/c${index}`, 4, { 'm2m:cin': { con: 'unlabelled' } })
    await kit.create('onem2m/app/temp', 4, { 'm2m:cin': { con: String(index), lbl: ['rare'] } })
  }
  const scanned: string[] = []
  const scan = kit.store.scanText.bind(kit.store)
  kit.store.scanText = (range) => {
    scanned.push(range.from)
    return scan(range)
  }
  const found = async (criteria: FilterCriteria) => {
    const { content } = await kit.retrieve('onem2m', { filterCriteria: { filterUsage: 1, ...criteria } })
    return (content as { readonly 'm2m:uril': readonly string[] })['m2m:uril'].length
  }
  assert.equal(await found({ labels: ['rare'] }), 10)
  assert.equal(await found({ resourceType: [3] }), 6)
  assert.equal(await found({ resourceType: [4], labels: ['rare'] }), 5)
  assert.deepEqual(
    scanned.map((from) => from.slice(0, 2)),
    ['l/', 'l/'],
  )
})
