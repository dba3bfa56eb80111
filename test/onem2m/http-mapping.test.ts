import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import {
  decodeHttpRequest,
  decodeHttpResponse,
  encodeHttpRequest,
  encodeHttpResponse,
  type HttpHeaders,
  pathToTarget,
  targetToPath,
} from '../../src/onem2m/http-mapping.ts'
import { httpStatusOf } from '../../src/onem2m/http-status.ts'
import { OneM2MError, Status } from '../../src/onem2m/status.ts'
import { request, response, target } from './arbitrary.ts'
import '../property.ts'

const lowerCase = (headers: Readonly<Record<string, string>>): HttpHeaders =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

const get = (path: string, headers: HttpHeaders = {}) =>
  decodeHttpRequest({ method: 'GET', target: path, headers: { 'x-m2m-origin': 'CAE01', ...headers } }, '', 'f1')

test('paths and targets of all three scopes, TS-0009 6.2.2.1', () => {
  for (const [to, path] of [
    ['mn/ae1/temp', '/mn/ae1/temp'],
    ['cin08', '/cin08'],
    ['/in-1/in/x', '/~/in-1/in/x'],
    ['//sp.org/in-1/in/x', '/_/sp.org/in-1/in/x'],
    ['//sp.org/in-1/-/x', '/_/sp.org/in-1/-/x'],
  ] as const) {
    assert.equal(pathToTarget(path), to)
    assert.equal(targetToPath(to), path)
  }
  assert.equal(pathToTarget('/mn/ae1/'), 'mn/ae1')
  fc.assert(fc.property(target, (to) => assert.equal(pathToTarget(targetToPath(to)), to)))
})

test('query arguments become parameters and filter criteria, TS-0009 6.2.2.2', async (t) => {
  const cases: readonly [query: string, expected: object][] = [
    [
      'fu=1&ty=3&lbl=temp&lim=20&drt=2',
      {
        desiredIdentifierResultType: 2,
        filterCriteria: { filterUsage: 1, resourceType: [3], labels: ['temp'], limit: 20 },
      },
    ],
    ['fu=1&ty=2+3+4', { filterCriteria: { filterUsage: 1, resourceType: [2, 3, 4] } }],
    ['fu=1&ty=2&ty=3', { filterCriteria: { filterUsage: 1, resourceType: [2, 3] } }],
    ['lbl=a+b&lbl=c', { filterCriteria: { labels: ['a', 'b', 'c'] } }],
    ['lbl=living%20room', { filterCriteria: { labels: ['living room'] } }],
    ['cty=application/vnd.x%2Bjson', { filterCriteria: { contentType: ['application/vnd.x+json'] } }],
    ['rcn=4&lvl=1', { resultContent: 4, filterCriteria: { level: 1 } }],
    ['atrl=lbl+et', { attributeList: ['lbl', 'et'] }],
    ['rt=1&rp=P1DT2H', { responseType: { responseTypeValue: 1 }, resultPersistence: 'P1DT2H' }],
    [
      'fu=1&api=Norg.*&rn=a+b',
      {
        filterCriteria: {
          filterUsage: 1,
          attribute: [
            { name: 'api', value: 'Norg.*' },
            { name: 'rn', value: 'a b' },
          ],
        },
      },
    ],
    [
      'c.rn=x&p.rn=y',
      {
        filterCriteria: { childAttribute: [{ name: 'rn', value: 'x' }], parentAttribute: [{ name: 'rn', value: 'y' }] },
      },
    ],
    ['da=1&sqi=false', { deliveryAggregation: true, semanticQueryIndicator: false }],
    ['', {}],
    ['&&', {}],
  ]
  for (const [query, expected] of cases) {
    await t.test(query, () =>
      assert.deepEqual(get(`/mn?${query}`), {
        operation: 2,
        to: 'mn',
        originator: 'CAE01',
        requestIdentifier: 'f1',
        ...expected,
      }),
    )
  }
})

test('method and content type say the operation: POST creates exactly when there is a ty', () => {
  const operation = (method: string, contentType?: string, body = '{"m2m:cnt":{"rn":"x"}}') => {
    const headers = { 'x-m2m-origin': 'CAE01', 'content-type': contentType }
    const { operation, resourceType } = decodeHttpRequest({ method, target: '/mn', headers }, body, 'f1')
    return [operation, resourceType]
  }
  assert.deepEqual(operation('POST', 'application/json;ty=3'), [1, 3])
  assert.deepEqual(operation('POST', 'application/vnd.onem2m-res+json; charset=utf-8; ty=3'), [1, 3])
  assert.deepEqual(operation('POST', 'application/json'), [5, undefined])
  assert.deepEqual(operation('PUT', 'application/json'), [3, undefined])
  assert.deepEqual(operation('PUT'), [3, undefined])
  assert.deepEqual(operation('DELETE', undefined, ''), [4, undefined])
})

test('headers become parameters; Authorization with a scheme is no token', () => {
  const read = get('http://host:8000/~/in-1/x', {
    'x-m2m-ri': '42',
    'x-m2m-rvi': '3',
    'x-m2m-rtu': 'http://a/b&CAE01',
    'x-m2m-ret': '5000',
    'x-m2m-gid': 'g',
    authorization: 'Bearer abc',
  })
  assert.deepEqual(read, {
    operation: 2,
    to: '/in-1/x',
    originator: 'CAE01',
    requestIdentifier: '42',
    releaseVersionIndicator: '3',
    groupRequestIdentifier: 'g',
    requestExpirationTimestamp: '5000',
    responseType: { responseTypeValue: 3, notificationUri: ['http://a/b', 'CAE01'] },
  })
  assert.deepEqual(get('/mn', { authorization: 'a+b' }).tokens, ['a', 'b'])
})

test('what is wrong is named, with an example where a person may have typed it', () => {
  const refused = (method: string, path: string, headers: HttpHeaders, body: string, status: number, text: RegExp) =>
    assert.throws(
      () => decodeHttpRequest({ method, target: path, headers }, body, 'f1'),
      (error) => error instanceof OneM2MError && error.status === status && text.test(error.message),
    )
  const origin = { 'x-m2m-origin': 'CAE01' }
  refused('GET', '/mn', {}, '', 4000, /^X-M2M-Origin: missing, .*curl -H "X-M2M-Origin: CAE01"/)
  refused('POST', '/mn', { 'content-type': 'application/json;ty=3' }, '{}', 4000, /^X-M2M-Origin/)
  refused('PATCH', '/mn', origin, '', 4005, /^method: got PATCH/)
  refused(
    'POST',
    '/mn',
    { ...origin, 'content-type': 'application/x-www-form-urlencoded' },
    'x',
    4015,
    /^Content-Type: .*application\/json;ty=3/,
  )
  refused('POST', '/mn', { ...origin, 'content-type': 'application/json;ty=x' }, '{}', 4000, /^ty: got "x"/)
  refused('POST', '/mn', { ...origin, 'content-type': 'application/json;ty=3' }, '{"a"', 4000, /^body: not JSON/)
  refused('GET', '/mn%zz', origin, '', 4000, /^request path: .*percent-encoding/)
  refused('GET', '/mn?lbl=%', origin, '', 4000, /^lbl: /)
  refused('GET', '/mn?lim=many', origin, '', 4000, /^fc\.lim: got "many"/)
  refused('GET', '/', origin, '', 4000, /^to: /)
})

test('an AE may register without an originator', () => {
  const head = { method: 'POST', target: '/mn', headers: { 'content-type': 'application/json; ty=2' } }
  assert.equal(decodeHttpRequest(head, '{"m2m:ae":{}}', 'f1').originator, undefined)
})

test('requests and responses come back as they were sent', () => {
  fc.assert(
    fc.property(request, (sent) => {
      const { method, path, headers, body } = encodeHttpRequest(sent)
      assert.deepEqual(decodeHttpRequest({ method, target: path, headers: lowerCase(headers) }, body, 'f1'), sent)
    }),
  )
  fc.assert(
    fc.property(response, (sent) => {
      const message = encodeHttpResponse(sent)
      assert.deepEqual(decodeHttpResponse({ ...message, headers: lowerCase(message.headers) }, 'f1'), sent)
    }),
  )
})

test('any request head is read, or refused with an error for its sender', () => {
  const name = fc.constantFrom(
    'x-m2m-origin',
    'x-m2m-ri',
    'x-m2m-rtu',
    'x-m2m-ret',
    'x-m2m-ec',
    'content-type',
    'accept',
    'authorization',
  )
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('application/json;ty=4', '*/*', '%', 'a=b&c.=1&fu=', '__proto__=1&ty=2'),
  )
  fc.assert(
    fc.property(
      fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'X'),
      text,
      text,
      fc.dictionary(name, text),
      fc.oneof(fc.json(), text),
      (method, path, query, headers, body) => {
        try {
          decodeHttpRequest({ method, target: `/${path}?${query}`, headers }, body, 'f1')
        } catch (error) {
          if (!(error instanceof OneM2MError)) throw error
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('response status codes have their HTTP status, and the created resource its place', () => {
  for (const [code, status] of [
    [2000, 200],
    [2001, 201],
    [2002, 200],
    [1001, 202],
    [4000, 400],
    [4103, 403],
    [4106, 403],
    [4004, 404],
    [5103, 404],
    [4005, 405],
    [5207, 406],
    [4105, 409],
    [4015, 415],
    [5000, 500],
    [5001, 501],
    [4001, 501],
    [4008, 504],
    [4999, 400],
    [6999, 500],
  ] as const)
    assert.equal(httpStatusOf(code), status, String(code))
  const { headers } = encodeHttpResponse({
    responseStatusCode: Status.CREATED,
    requestIdentifier: 'r\r\nX-Evil: 1',
    createdAt: 'mn/ae1/é',
  })
  assert.deepEqual(headers, { 'X-M2M-RSC': '2001', 'X-M2M-RI': 'r??X-Evil: 1', 'Content-Location': '/mn/ae1/%C3%A9' })
})

test('an answer of a server that knows nothing of oneM2M goes by its HTTP status', () => {
  for (const [status, code] of [
    [200, 2000],
    [204, 2000],
    [201, 2001],
    [302, 5103],
    [404, 4004],
    [418, 4000],
    [503, 5103],
    [599, 5000],
  ] as const)
    assert.deepEqual(decodeHttpResponse({ status, headers: {}, body: '<html>' }, 'r'), {
      responseStatusCode: code,
      requestIdentifier: 'r',
    })
})

test('a request whose parameters no header can hold is refused, not bent', () => {
  assert.throws(
    () => encodeHttpRequest({ operation: 2, to: 'a', originator: 'C\n', requestIdentifier: 'r' }),
    /^OneM2MError: fr: /,
  )
})
