import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { decodeCbor, encodeCbor } from '../../src/onem2m/cbor.ts'
import type { Json } from '../../src/onem2m/content.ts'
import { OneM2MError } from '../../src/onem2m/status.ts'
import '../property.ts'

const decode = (hex: string) => decodeCbor(Buffer.from(hex.replaceAll(' ', ''), 'hex'), 'payload')

/** Numbers of RFC 8949 appendix A that JSON can hold too. */
const examples: ReadonlyArray<readonly [string, Json]> = [
  ['00', 0],
  ['17', 23],
  ['1818', 24],
  ['1903e8', 1000],
  ['1a000f4240', 1_000_000],
  ['1b000000e8d4a51000', 1_000_000_000_000],
  ['20', -1],
  ['3903e7', -1000],
  ['f90001', 2 ** -24],
  ['f93c00', 1],
  ['f97bff', 65_504],
  ['f9c400', -4],
  ['fa47c35000', 100_000],
  ['fa7f7fffff', 3.4028234663852886e38],
  ['fb3ff199999999999a', 1.1],
  ['fbc010666666666666', -4.1],
  ['f4', false],
  ['f5', true],
  ['f6', null],
  ['60', ''],
  ['62c3bc', 'ü'],
  ['64f0908591', '\u{10151}'],
  ['8301820203820405', [1, [2, 3], [4, 5]]],
  ['a26161016162820203', { a: 1, b: [2, 3] }],
  ['7f657374726561646d696e67ff', 'streaming'],
  ['9fff', []],
  ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
  ['bf61610161629f0203ffff', { a: 1, b: [2, 3] }],
  ['a56161614161626142616361436164614461656145', { a: 'A', b: 'B', c: 'C', d: 'D', e: 'E' }],
]

test('the examples of RFC 8949 appendix A are read', () => {
  for (const [hex, value] of examples) assert.deepEqual(decode(hex), value, hex)
})

test('what is not a value of JSON, or breaks off, is refused with 4000', () => {
  for (const [hex, reason] of [
    ['', /ends too early/],
    ['18', /ends too early/],
    ['6161 61', /more data/],
    ['6261', /ends too early/],
    ['9b00ffffffffffffff', /ends too early/],
    ['ba7fffffff6161', /ends too early/],
    ['7b7fffffffffffffff61', /ends too early/],
    ['4161', /major type 2/],
    ['c074', /major type 6/],
    ['f7', /0xf7/],
    ['ff', /0xff/],
    ['f97c00', /Infinity/],
    ['fa7fc00000', /NaN/],
    ['1c', /additional information 28/],
    ['1f', /additional information 31/],
    ['a10102', /key that is not text/],
    ['a2616101616102', /"a" twice/],
    ['61ff', /not UTF-8/],
    ['7f6161 01ff', /chunk/],
    ['7f7f6161ffff', /additional information 31/],
    ['9f01', /ends too early/],
    ['81'.repeat(1002), /nested too deep/],
  ] as const)
    assert.throws(
      () => decode(hex),
      (error) => error instanceof OneM2MError && error.status === 4000 && reason.test(error.message),
      hex.slice(0, 40),
    )
})

test('numbers are written as integers, as short floats where nothing is lost, and as long ones (TS-0004 8.4.4)', () => {
  for (const [value, hex] of [
    [500, '1901f4'],
    [-500, '3901f3'],
    [2 ** 53 - 1, '1b001fffffffffffff'],
    [1.5, 'fa3fc00000'],
    [1.1, 'fb3ff199999999999a'],
  ] as const)
    assert.equal(encodeCbor(value).toString('hex'), hex)
})

/** JSON without what its text can't hold either: the sign of zero. */
const json = fc.json({ maxDepth: 5 }).map((text) => JSON.parse(JSON.stringify(JSON.parse(text))) as Json)

test('any JSON value survives', () => {
  fc.assert(fc.property(json, (value) => assert.deepEqual(decodeCbor(encodeCbor(value), 'x'), value)))
  const long = { text: 'ä'.repeat(70_000), list: Array.from({ length: 300 }, (_, i) => i * 1000) }
  assert.deepEqual(decodeCbor(encodeCbor(long), 'x'), long)
})

test('a member named __proto__ is a member', () => {
  const value = JSON.parse('{"__proto__":{"a":1}}') as Json
  assert.equal(JSON.stringify(decodeCbor(encodeCbor(value), 'x')), '{"__proto__":{"a":1}}')
})

/** Written without regard to size: every container of indefinite length, every text in chunks, every number a 64 bit one. */
function model(value: Json): Buffer {
  if (value === null) return Buffer.from([0xf6])
  if (typeof value === 'boolean') return Buffer.from([value ? 0xf5 : 0xf4])
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9, 0xfb)
    bytes.writeDoubleBE(value, 1)
    return bytes
  }
  if (typeof value === 'string') {
    const chunks = [...value.toWellFormed()].map((character) => Buffer.from(character))
    const written = chunks.flatMap((chunk) => [Buffer.from([0x60 + chunk.length]), chunk])
    return Buffer.concat([Buffer.from([0x7f]), ...written, Buffer.from([0xff])])
  }
  const items = Array.isArray(value) ? value : Object.entries(value).flat()
  return Buffer.concat([Buffer.from([Array.isArray(value) ? 0x9f : 0xbf]), ...items.map(model), Buffer.from([0xff])])
}

test('indefinite lengths mean the same as definite ones', () => {
  fc.assert(fc.property(json, (value) => assert.deepEqual(decodeCbor(model(value), 'x'), value)))
})

test('garbage, and what was cut or changed, is read or refused and nothing else', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
    fc.tuple(json, fc.nat(), fc.nat({ max: 255 })).map(([value, at, byte]) => {
      const written = encodeCbor(value)
      written[at % written.length] = byte
      return written
    }),
    fc.tuple(json, fc.nat()).map(([value, at]) => encodeCbor(value).subarray(0, at % 30)),
  )
  fc.assert(
    fc.property(bytes, (input) => {
      try {
        decodeCbor(input, 'x')
      } catch (error) {
        if (!(error instanceof OneM2MError && error.status === 4000)) throw error
      }
    }),
    { numRuns: 1000 },
  )
})
