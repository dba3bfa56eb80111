import assert from 'node:assert/strict'
import test from 'node:test'
import { type Exchange, HttpRequester } from '../../src/bindings/http-requester.ts'
import { decodeCbor, encodeCbor } from '../../src/onem2m/cbor.ts'
import type { HttpResponse } from '../../src/onem2m/http-mapping.ts'

const request = {
  operation: 5 as const,
  to: 'CAE01',
  originator: '/mn-cse-1',
  requestIdentifier: 'n1',
  releaseVersionIndicator: '3',
  content: { 'm2m:sgn': { sur: 'x' } },
}

function set(answer: Partial<HttpResponse> | Error) {
  const sent: { url: string; method: string; headers: object; body: Buffer | string; timeoutMs: number }[] = []
  const exchange: Exchange = {
    async send(url, { method, headers, body }, { timeoutMs }) {
      sent.push({ url: url.href, method, headers, body, timeoutMs })
      if (answer instanceof Error) throw answer
      return { status: 200, headers: {}, body: '', ...answer }
    },
  }
  const requester = new HttpRequester({ exchange })
  const send = (pointOfAccess: string, target?: string) =>
    requester.send({ pointOfAccess, target, request, timeoutMs: 700 })
  return { sent, send }
}

test('a notification is a POST without ty', async () => {
  const { sent, send } = set({ headers: { 'x-m2m-rsc': '2000', 'x-m2m-ri': 'n1' } })
  assert.deepEqual(await send('http://10.0.0.7:9000/in?ct=json'), { responseStatusCode: 2000, requestIdentifier: 'n1' })
  assert.deepEqual(sent, [
    {
      url: 'http://10.0.0.7:9000/in',
      method: 'POST',
      headers: {
        Accept: 'application/json',
        'X-M2M-Origin': '/mn-cse-1',
        'X-M2M-RI': 'n1',
        'X-M2M-RVI': '3',
        'Content-Type': 'application/json',
      },
      body: '{"m2m:sgn":{"sur":"x"}}',
      timeoutMs: 700,
    },
  ])
})

test('user and password go to the host and port that they are for, and to no other', async () => {
  const seen: [string, unknown][] = []
  const exchange: Exchange = {
    async send(url, { headers }) {
      seen.push([url.href, headers.Authorization])
      return { status: 200, headers: {}, body: '' }
    },
  }
  const requester = new HttpRequester({ exchange, credentials: ['http://barn%407:a:b%2F@h:1/x', 'http://other:2'] })
  for (const pointOfAccess of ['http://h:1', 'http://h:2', 'https://h:1', 'http://other:2'])
    await requester.send({ pointOfAccess, target: 'CAE01', request, timeoutMs: 700 })
  assert.deepEqual(seen, [
    ['http://h:1/CAE01', `Basic ${Buffer.from('barn@7:a:b/').toString('base64')}`],
    ['http://h:2/CAE01', undefined],
    ['https://h:1/CAE01', undefined],
    ['http://other:2/CAE01', undefined],
  ])
})

test('a point of access is extended by the target, a notification URI is not (TS-0009 6.2.2)', async () => {
  for (const [pointOfAccess, target, url] of [
    ['http://h:1/a?x=1&ct=json', undefined, 'http://h:1/a?x=1'],
    ['http://h:1/a?ct=json&x=1', undefined, 'http://h:1/a?x=1'],
    ['http://h:1', undefined, 'http://h:1/'],
    ['http://h:1', 'CAE01', 'http://h:1/CAE01'],
    ['http://h:1/base/', 'CAE01', 'http://h:1/base/CAE01'],
  ] as const) {
    const { sent, send } = set({})
    await send(pointOfAccess, target)
    assert.equal(sent[0]?.url, url)
  }
})

test('a web hook that knows nothing of oneM2M answers by its status', async () => {
  for (const [status, code] of [
    [200, 2000],
    [204, 2000],
    [404, 4004],
    [500, 5000],
    [301, 5103],
  ] as const)
    assert.equal((await set({ status, body: 'OK' }).send('http://h/')).responseStatusCode, code)
})

test('no answer, and a URL that is none, make the target unreachable', async () => {
  await assert.rejects(set(new Error('connect ECONNREFUSED')).send('http://h:1/x'), {
    status: 5103,
    message: 'http://h:1/x: connect ECONNREFUSED',
  })
  await assert.rejects(set({}).send('http://'), { status: 5103, message: /not a URL/ })
})

test('a notification goes out in the serialisation that its target asks for', async () => {
  for (const [pointOfAccess, serialization] of [
    ['http://h/in?ct=cbor', undefined],
    ['http://h/in', 'cbor'],
  ] as const) {
    const sent: { href: string; headers: Readonly<Record<string, string>>; body: Buffer | string }[] = []
    const requester = new HttpRequester({
      exchange: {
        async send(url, { headers, body }) {
          sent.push({ href: url.href, headers, body })
          const answer = encodeCbor({ 'm2m:dbg': 'none' })
          return { status: 404, headers: { 'content-type': 'application/cbor' }, body: answer }
        },
      },
    })
    const response = await requester.send({
      pointOfAccess,
      target: undefined,
      request,
      timeoutMs: 700,
      ...(serialization === undefined ? {} : { serialization }),
    })
    assert.equal(sent[0]?.href, 'http://h/in')
    assert.equal(sent[0]?.headers['Content-Type'], 'application/cbor')
    assert.deepEqual(decodeCbor(sent[0]?.body as Buffer, 'body'), request.content)
    assert.deepEqual(response.content, { 'm2m:dbg': 'none' })
  }
})
