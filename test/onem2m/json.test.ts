import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { parseJson, quote } from '../../src/onem2m/json.ts'
import { OneM2MError } from '../../src/onem2m/status.ts'
import '../property.ts'

const refusal = (text: RegExp) => (error: unknown) =>
  error instanceof OneM2MError && error.status === 4000 && text.test(error.message)

test('text that is not JSON is refused with the place and the position', () => {
  assert.throws(() => parseJson('{"a":', 'payload'), refusal(/^payload: not JSON \(.*\), expected a JSON object$/))
})

test('nesting that would overflow a recursive writer is refused', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  assert.throws(() => parseJson(nested(100_000), 'body'), refusal(/^body: nested too deep/))
  assert.throws(() => parseJson(nested(1001), 'body'), refusal(/^body: nested too deep/))
  assert.doesNotThrow(() => JSON.stringify(parseJson(nested(1000), 'body')))
  assert.equal(parseJson(`"${'\\"[{'.repeat(2000)}"`, 'body'), '"[{'.repeat(2000), 'brackets in a string do not count')
})

test('a quoted string is the JSON of the string', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) =>
      assert.equal(JSON.parse(quote(text)), text.toWellFormed() === text ? text : JSON.parse(JSON.stringify(text))),
    ),
  )
})
