import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Json } from '../../src/onem2m/content.ts'
import { jsonPath } from '../../src/onem2m/json-path.ts'
import { OneM2MError } from '../../src/onem2m/status.ts'

const value: Json = {
  a: { b: [1, 2, { c: 'x' }], 'd e': null },
  list: [{ n: 1, on: true }, { n: 2, on: false, name: 'two' }, { n: 3 }],
  zero: 0,
}

test('a query finds what RFC 9535 says, or nothing', () => {
  for (const [query, isFound] of [
    ['$', true],
    ['$.a.b', true],
    ['$.a.x', false],
    ["$['a']['d e']", true],
    ['$["a"].b[2].c', true],
    ['$.a.b[-1].c', true],
    ['$.a.b[3]', false],
    ['$.a.b[0,7]', true],
    ['$.a.b[5:]', false],
    ['$.a.b[-2:3:2]', true],
    ['$..c', true],
    ['$..nothing', false],
    ['$.*.b', true],
    ['$.zero', true],
    ['$.list[?@.name]', true],
    ["$.list[?(@.name == 'two')]", true],
    ['$.list[?(@.n > 2 && @.on)]', false],
    ['$.list[?(@.n >= 3 || @.n < 1)]', true],
    ['$.list[?(!@.on)]', true],
    ['$.list[?((@.n == 1 || @.n == 2) && @.on == false)]', true],
    ['$.list[?(@.n == $.a.b[1])]', true],
    ['$.list[?(@.n > "2")]', false],
    ['$.list[?(@.n != 1 && @.n != 2 && @.n != 3)]', false],
    ['$.a[?(@[?(@.c == "x")])]', true],
    ['$.zero[0]', false],
    ['$.__proto__', false],
    ['$.constructor', false],
  ] as const)
    assert.equal(jsonPath(query, 'q')(value), isFound, query)
})

test('what paths find is compared with values, and comparisons are combined', () => {
  const reading: Json = { value: 21.5, status: 'OK', tags: ['a', 'b'], note: 'AND "so" on', 'x.y': { z: true } }
  for (const [query, isTrue] of [
    ['$.value EQ 21.5', true],
    ['$.value EQ "21.5"', false],
    ['$.value NE 3', true],
    ['$.nothing NE 3', false],
    ['$.value GT 21.5', false],
    ['$.value GE 21.5 AND $.value LE 21.5', true],
    ['$.value LT 2.2e1', true],
    ['$.status GT 5', false],
    ['$.status MATCH "O"', true],
    ['$.status MATCH "o"', false],
    ['$.tags[1] EQ "b"', true],
    ['$.tags[*] EQ "b"', true],
    ['$.note EQ "AND \\"so\\" on"', true],
    [`$.'x.y'.z EQ true`, true],
    ['$.value EQ 1 OR $.status EQ "OK"', true],
    ['$.value EQ 21.5 OR $.value EQ 1 AND $.status EQ "no"', true],
    ['$.value AND $.status', true],
    ['$.value AND $.nothing', false],
  ] as const)
    assert.equal(jsonPath(query, 'q')(reading), isTrue, query)
})

test('what is no query is refused by name, and nothing takes long', () => {
  for (const query of [
    '',
    'a',
    '$.',
    '$[',
    '$[]',
    "$['a",
    '$.a b',
    '$[?]',
    '$[?(@.a ==)]',
    '$[1:2:-1]',
    '$[?(length(@))]',
    '$.a EQ',
    '$.a FOO 1',
    '$.a EQ 1 AND',
    '$.a EQ 1 $.b',
    '$.a EQ "open',
    '$.a EQ "\\e"',
    '$.a EQUALS 1',
  ])
    assert.throws(() => jsonPath(query, 'q'), /^OneM2MError: q: |q: got/, query)
  assert.throws(() => jsonPath(`$${'['.repeat(300)}`, 'q'), OneM2MError)
  assert.throws(() => jsonPath(`$[?${'('.repeat(100)}`, 'q'), OneM2MError)
  const wide = Array.from({ length: 2000 }, () => [1, 2, 3])
  assert.equal(jsonPath(`$${'..*'.repeat(60)}.never`, 'q')(wide), false)
  fc.assert(
    fc.property(fc.stringMatching(/^\$[$@.*[\]?()!&|<=>,:'0-9a-z -]{0,20}$/), fc.jsonValue(), (query, any) => {
      try {
        jsonPath(query, 'q')(any as Json)
      } catch (error) {
        assert.ok(error instanceof OneM2MError, String(error))
      }
    }),
  )
})
