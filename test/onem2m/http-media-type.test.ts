import assert from 'node:assert/strict'
import test from 'node:test'
import { negotiate, readContentType } from '../../src/onem2m/http-media-type.ts'

test('the acceptable serialisation of the greatest weight is taken, and who accepts anything gets what he sent', () => {
  for (const [accept, contentType, serialization] of [
    [undefined, undefined, 'json'],
    ['', 'application/cbor;ty=4', 'cbor'],
    ['*/*', 'application/vnd.onem2m-res+cbor', 'cbor'],
    ['*/*', 'text/html', 'json'],
    ['application/cbor', 'application/json', 'cbor'],
    ['application/xml, application/vnd.onem2m-res+json', undefined, 'json'],
    ['application/json;q=0.5, application/cbor;q=0.6', undefined, 'cbor'],
    ['application/json, application/cbor', undefined, 'json'],
    ['application/cbor;q=0, application/*;q=0.1', undefined, 'json'],
  ] as const)
    assert.equal(negotiate(accept, contentType), serialization, `${accept} ${contentType}`)
})

test('nothing acceptable is 5207, a body of another kind 4015', () => {
  for (const accept of ['application/xml', 'text/html,application/json;q=0', 'application/json;q=x'])
    assert.throws(() => negotiate(accept, undefined), { status: 5207, message: /^Accept: got/ })
  assert.throws(() => readContentType('application/xml;ty=3', true), { status: 4015, message: /^Content-Type: got/ })
  assert.deepEqual(readContentType('text/plain', false), { serialization: 'json', resourceType: undefined })
})
