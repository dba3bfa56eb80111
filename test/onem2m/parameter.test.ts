import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { type Json, JsonText } from '../../src/onem2m/content.ts'
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  identifyRequest,
  recoverRequestIdentifier,
} from '../../src/onem2m/parameter.ts'
import { OneM2MError } from '../../src/onem2m/status.ts'
import { request, response } from './arbitrary.ts'
import '../property.ts'

const essence = { op: 2, to: 'mn/ae', fr: 'CAE01', rqi: 'r1' }
const read = { operation: 2, to: 'mn/ae', originator: 'CAE01', requestIdentifier: 'r1' }

test('requests are read as peers write them', async (t) => {
  const cases: readonly [title: string, wire: Json, expected: object][] = [
    ['bare', essence, read],
    ['wrapped, release 1 and Mobius', { 'm2m:rqp': essence }, read],
    [
      'numbers as text, Mobius and tinyIoT',
      { ...essence, op: '2', rcn: '4', rvi: 3 },
      { ...read, resultContent: 4, releaseVersionIndicator: '3' },
    ],
    [
      'every unset member as null or [], OpenMTC',
      { ...essence, rvi: null, tids: [], pc: null, fc: null, rt: [] },
      read,
    ],
    [
      'filter criteria with unset members',
      { ...essence, fc: { fu: 1, lbl: ['a'], crb: null, ty: [] } },
      { ...read, filterCriteria: { filterUsage: 1, labels: ['a'] } },
    ],
    [
      'filter criteria as JSON text, OpenMTC',
      { ...essence, fc: '{"fu":1,"ty":3}' },
      { ...read, filterCriteria: { filterUsage: 1, resourceType: [3] } },
    ],
    ['filter criteria that hold nothing', { ...essence, fc: { lbl: [] } }, read],
    [
      'attribute list as content',
      { ...essence, pc: { 'm2m:atrl': ['lbl', 'et'] } },
      { ...read, attributeList: ['lbl', 'et'] },
    ],
    [
      'attribute list as one text',
      { ...essence, pc: { 'm2m:atrl': 'lbl et' } },
      { ...read, attributeList: ['lbl', 'et'] },
    ],
    ['one attribute in the target', { ...essence, to: 'mn/ae#lbl' }, { ...read, attributeList: ['lbl'] }],
    [
      'response type with an empty list, which asks for no notification',
      { ...essence, rt: { rtv: '2', nu: [] } },
      { ...read, responseType: { responseTypeValue: 2, notificationUri: [] } },
    ],
    [
      'response type as a number, release 1',
      { ...essence, rt: 3 },
      { ...read, responseType: { responseTypeValue: 3 } },
    ],
    [
      'one target for notifications',
      { ...essence, rt: { rtv: 2, nu: 'CAE01' } },
      { ...read, responseType: { responseTypeValue: 2, notificationUri: ['CAE01'] } },
    ],
    ['relative times as numbers', { ...essence, rqet: 5000 }, { ...read, requestExpirationTimestamp: '5000' }],
    ['booleans as text', { ...essence, da: 'true' }, { ...read, deliveryAggregation: true }],
    [
      'members of older releases and of peers, which are ignored',
      { ...essence, rol: 'x', nm: 'y', msu: 'z', user: 'u' },
      read,
    ],
    [
      'an originator that is empty, tinyIoT',
      { ...essence, fr: '' },
      { operation: 2, to: 'mn/ae', requestIdentifier: 'r1' },
    ],
  ]
  for (const [title, wire, expected] of cases) {
    await t.test(title, () => assert.deepEqual(decodeRequest(wire), expected))
  }
})

test('a parameter that is wrong is named, with what came and what was expected', async (t) => {
  const cases: readonly [wire: Json, status: number, text: RegExp][] = [
    [{ ...essence, op: 9 }, 4000, /^op: got 9, expected 1 \(Create\)/],
    [{ ...essence, op: null }, 4000, /^op: got nothing/],
    [{ ...essence, to: null }, 4000, /^to: got nothing/],
    [{ ...essence, to: 7 }, 4000, /^to: got 7, expected a string/],
    [{ ...essence, rqi: '' }, 4000, /^rqi: got nothing/],
    [{ ...essence, rcn: -1 }, 4000, /^rcn: got -1, expected a non-negative integer/],
    [{ ...essence, rcn: '1e3' }, 4000, /^rcn: got "1e3"/],
    [{ ...essence, drt: 3 }, 4000, /^drt: got 3, expected 1 \(structured\) or 2/],
    [{ ...essence, rt: { rtv: 6 } }, 4000, /^rt\.rtv: got 6, expected a response type value from 1 to 5/],
    [{ ...essence, rqet: 'tomorrow' }, 4000, /^rqet: got "tomorrow", expected a time stamp/],
    [{ ...essence, da: 'maybe' }, 4000, /^da: got "maybe", expected true or false/],
    [{ ...essence, pc: [1] }, 4000, /^pc: got \[1\], expected an object/],
    [{ ...essence, fc: { ty: ['x'] } }, 4000, /^fc\.ty: got "x"/],
    [{ ...essence, fc: { frobnicate: 1 } }, 4000, /^fc\.frobnicate/],
    [{ ...essence, frobnicate: 1 }, 5001, /^frobnicate: a request parameter that is not supported/],
    [{ ...essence, aus: ['x'] }, 5001, /^aus/],
    [{ 'm2m:rqp': 5 }, 4000, /^m2m:rqp: got 5/],
    [[], 4000, /^primitive: got \[\]/],
    [null, 4000, /^primitive: got null/],
  ]
  for (const [wire, status, text] of cases) {
    await t.test(JSON.stringify(wire), () =>
      assert.throws(
        () => decodeRequest(wire),
        (error) => error instanceof OneM2MError && error.status === status && text.test(error.message),
      ),
    )
  }
})

test('what is written is strict: integers as numbers, ty only in a CREATE, nothing that is unset', () => {
  assert.equal(
    encodeRequest({
      operation: 2,
      to: 'CAE01',
      originator: '/mn-1',
      requestIdentifier: 'n"1',
      resourceType: 4,
      resultContent: 0,
    }),
    '{"op":2,"to":"CAE01","fr":"/mn-1","rqi":"n\\"1","rcn":0}',
  )
})

test('content that is JSON text is sent as it is', () => {
  const content = new JsonText('{ "m2m:cin": {"con": "1"} }')
  assert.equal(
    encodeResponse({
      responseStatusCode: 2000,
      requestIdentifier: 'r',
      releaseVersionIndicator: '3',
      contentStatus: 1,
      contentOffset: 7,
      content,
    }),
    '{"rsc":2000,"rqi":"r","rvi":"3","cnst":1,"cnot":7,"pc":{ "m2m:cin": {"con": "1"} }}',
  )
})

test('responses are read as peers write them', () => {
  const expected = { responseStatusCode: 2000, requestIdentifier: 'r', contentStatus: 1, contentOffset: 4 }
  assert.deepEqual(
    decodeResponse({ 'm2m:rsp': { rsc: '2000', rqi: 'r', cts: 1, cto: 4, pc: {}, to: '', unheard: 1 } }),
    expected,
  )
  assert.throws(() => decodeResponse({ rqi: 'r' }), /^OneM2MError: rsc: got nothing/)
})

test('requests and responses come back as they were sent', () => {
  fc.assert(fc.property(request, (sent) => assert.deepEqual(decodeRequest(JSON.parse(encodeRequest(sent))), sent)))
  fc.assert(fc.property(response, (sent) => assert.deepEqual(decodeResponse(JSON.parse(encodeResponse(sent))), sent)))
})

test('any JSON value is read, or refused with an error for its sender', () => {
  const members = [
    'op',
    'to',
    'fr',
    'rqi',
    'rvi',
    'ty',
    'pc',
    'fc',
    'rt',
    'rp',
    'rcn',
    'drt',
    'ot',
    'm2m:rqp',
    '__proto__',
  ]
  const nearly = fc.dictionary(
    fc.constantFrom(...members),
    fc.oneof(fc.jsonValue(), fc.constantFrom('1', 2, {}, [], { rtv: {} })),
  )
  fc.assert(
    fc.property(fc.oneof(nearly, fc.jsonValue()), (wire) => {
      for (const decode of [decodeRequest, decodeResponse]) {
        try {
          decode(wire as Json)
        } catch (error) {
          if (!(error instanceof OneM2MError)) throw error
        }
      }
      identifyRequest(wire as Json)
    }),
    { numRuns: 500 },
  )
})

test('the request identifier of a malformed request is found', () => {
  assert.deepEqual(identifyRequest({ rqi: 'r1', rvi: '3', op: 'x' }), {
    requestIdentifier: 'r1',
    releaseVersionIndicator: '3',
  })
  assert.deepEqual(identifyRequest({ 'm2m:rqp': { rqi: 5 } }), { requestIdentifier: '5' })
  assert.deepEqual(identifyRequest({ rqi: {} }), {})
  assert.equal(recoverRequestIdentifier('{"op":1,"rqi" : "r\\u0031", "pc":{'), 'r1')
  assert.equal(recoverRequestIdentifier('{"rqi":17,'), '17')
  assert.equal(recoverRequestIdentifier('{"rqi":"a\\u00'), undefined)
  assert.equal(recoverRequestIdentifier('rqi=5'), undefined)
})
