import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { IdentifierSet } from '../../src/broker/identifier-set.ts'
import '../property.ts'

test('identifiers come and go as in any set, few or many', () => {
  const identifier = fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.constantFrom(1, 7, 8, 65_535))
  const change = fc.tuple(fc.boolean(), identifier)
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 400 }), fc.array(change), (count, changes) => {
      const set = new IdentifierSet()
      const expected = new Set<number>()
      const first = Array.from({ length: count }, (_, n) => [true, n + 1] as const)
      const last = first.map(([, each]) => [false, each] as const)
      for (const [isAdded, each] of [...first, ...changes, ...last]) {
        if (isAdded) set.add(each)
        else assert.equal(set.delete(each), expected.has(each))
        if (isAdded) expected.add(each)
        else expected.delete(each)
        assert.deepEqual([set.size, set.has(each)], [expected.size, isAdded])
      }
      assert.deepEqual([...set].sort(), [...expected].sort())
    }),
    { numRuns: 60 },
  )
})
