import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import test from 'node:test'
import fc from 'fast-check'
import { decodeCbor, encodeCbor } from '../../src/onem2m/cbor.ts'
import { JsonText } from '../../src/onem2m/content.ts'
import { FakeCse } from './fixture.ts'
import { httpBinding, message, sendRaw } from './http-client.ts'
import '../property.ts'

const origin = { 'X-M2M-Origin': 'CAE01', 'X-M2M-RI': '42', 'X-M2M-RVI': '3' }

test('a response is one write with length, status code and request identifier (TS-0009 6.4)', async () => {
  const cse = new FakeCse({
    responseStatusCode: 2001,
    releaseVersionIndicator: '3',
    createdAt: 'onem2m/ae1/temp/c1',
    content: new JsonText('{"m2m:cin":{"con":"°"}}'),
  })
  const body = '{"m2m:cin":{"con":"°"}}'
  const headers = { ...origin, 'Content-Type': 'application/json;ty=4' }
  const answer = await sendRaw(httpBinding(cse), message('POST', '/onem2m/ae1/temp', headers, body))
  const { date, connection, ...rest } = answer.headers
  assert.deepEqual(rest, {
    'x-m2m-rsc': '2001',
    'x-m2m-ri': '42',
    'x-m2m-rvi': '3',
    'content-location': '/onem2m/ae1/temp/c1',
    'content-type': 'application/json',
    'content-length': '24',
  })
  assert.deepEqual([answer.status, answer.body, answer.writes], [201, body, 1])
})

test('a person who leaves out the originator is told what to type', async () => {
  const answer = await sendRaw(httpBinding(new FakeCse()), message('GET', '/onem2m'))
  assert.equal(answer.status, 400)
  assert.deepEqual([answer.headers['x-m2m-rsc'], answer.headers['x-m2m-ri']], ['4000', 'generated'])
  assert.match(JSON.parse(answer.body)['m2m:dbg'], /^X-M2M-Origin: missing.*curl -H "X-M2M-Origin: CAE01"/)
})

test('a request without X-M2M-RI gets an identifier', async () => {
  const cse = new FakeCse()
  const answer = await sendRaw(httpBinding(cse), message('GET', '/onem2m', { 'X-M2M-Origin': 'CAE01' }))
  assert.equal(cse.last?.requestIdentifier, 'generated')
  assert.deepEqual(
    [answer.status, answer.headers['x-m2m-ri'], answer.headers['content-length']],
    [200, 'generated', '0'],
  )
})

test('methods that mean nothing in oneM2M are refused with those that do', async () => {
  const binding = httpBinding(new FakeCse())
  for (const method of ['HEAD', 'PATCH', 'TRACE', 'PROPFIND']) {
    const answer = await sendRaw(binding, message(method, '/onem2m', origin))
    assert.deepEqual(
      [answer.status, answer.headers['allow'], answer.headers['x-m2m-rsc'], answer.headers['x-m2m-ri']],
      [405, 'GET, POST, PUT, DELETE, OPTIONS', '4005', '42'],
      method,
    )
  }
  const connect = await sendRaw(binding, 'CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n')
  assert.deepEqual([connect.status, connect.headers['x-m2m-rsc']], [405, '4005'])
  const options = await sendRaw(binding, message('OPTIONS', '/onem2m', origin))
  assert.deepEqual(
    [options.status, options.headers['allow'], options.body],
    [204, 'GET, POST, PUT, DELETE, OPTIONS', ''],
  )
})

test('a body beyond the limit is refused: by its declared length before it is read, or when it has grown too long', async () => {
  const cse = new FakeCse()
  const binding = httpBinding(cse, { maxBodyBytes: 1000 })
  const declared = await sendRaw(
    binding,
    'PUT /onem2m HTTP/1.1\r\nX-M2M-Origin: C\r\nX-M2M-RI: 42\r\nContent-Length: 1001\r\n\r\n',
  )
  const chunk = `3e8\r\n${'x'.repeat(1000)}\r\n`
  const chunked = await sendRaw(
    binding,
    `PUT /onem2m HTTP/1.1\r\nX-M2M-Origin: C\r\nX-M2M-RI: 42\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${chunk}${chunk}`,
  )
  for (const answer of [declared, chunked])
    assert.deepEqual(
      [answer.status, answer.headers['x-m2m-rsc'], answer.headers['x-m2m-ri'], answer.headers['connection']],
      [413, '4000', '42', 'close'],
    )
  assert.equal(cse.arrivals.length, 0)
})

test('a message that is not HTTP, or has too much of a head, is answered too', async () => {
  const binding = httpBinding(new FakeCse(), { maxHeaderBytes: 1024 })
  for (const [bytes, status] of [
    ['GARBAGE\r\n\r\n', 400],
    ['GET / HTTP/9.9\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nX-Long: ${'x'.repeat(3000)}\r\n\r\n`, 431],
    ['POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n', 400],
    ['POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
  ] as const) {
    const answer = await sendRaw(binding, bytes)
    assert.deepEqual([answer.status, answer.headers['x-m2m-rsc']], [status, '4000'], bytes.slice(0, 40))
    assert.equal(typeof JSON.parse(answer.body)['m2m:dbg'], 'string')
  }
})

test('a client that leaves in the middle of its request, or before its response, harms nobody', async () => {
  const cse = new FakeCse(null)
  const binding = httpBinding(cse)
  for (const bytes of [
    'PUT /onem2m HTTP/1.1\r\nX-M2M-Origin: C\r\nContent-Length: 10\r\n\r\n{"m2',
    message('GET', '/onem2m', origin),
  ]) {
    const [near, far] = duplexPair()
    binding.createServer().emit('connection', far)
    near.write(bytes)
    await new Promise((resolve) => setImmediate(resolve))
    const closed = new Promise((resolve) => far.once('close', resolve))
    near.destroy()
    far.destroy()
    await closed
  }
  assert.equal(cse.arrivals.length, 1)
  cse.arrivals[0]?.respond({ responseStatusCode: 2000, requestIdentifier: '42', content: { 'm2m:cb': {} } })
  await new Promise((resolve) => setImmediate(resolve))
})

test('a connection that breaks while it is refused a tunnel or a WebSocket breaks alone', async () => {
  const upgrade = { accept: () => assert.fail('nobody is let in') }
  const binding = httpBinding(new FakeCse(), { upgrade, identify: () => ({ refusal: 'no such user' }) })
  for (const bytes of [
    'CONNECT example.org:443 HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  ]) {
    const [near, far] = duplexPair()
    binding.createServer().emit('connection', far)
    const closed = new Promise((resolve) => far.once('close', resolve))
    near.once('data', () => far.destroy(new Error('write ECONNRESET')))
    near.write(bytes)
    await closed
  }
})

test("response type 5 gets an empty acceptance: HTTP can't be silent", async () => {
  const cse = new FakeCse({ responseStatusCode: 2000, content: { 'm2m:cb': {} } })
  const answer = await sendRaw(httpBinding(cse), message('GET', '/onem2m?rt=5', origin))
  assert.deepEqual([answer.status, answer.headers['x-m2m-rsc'], answer.body], [202, '1000', ''])
})

test('any head and body get a whole answer with a response status code', async () => {
  const binding = httpBinding(new FakeCse(), { maxBodyBytes: 500 })
  const piece = fc.oneof(
    fc.stringMatching(/^[!-~ ]{0,20}$/),
    fc.constantFrom('%', '?', 'application/json;ty=4', 'fu=1&ty=', '~', '/_/'),
  )
  const head = fc.tuple(
    fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'get', ''),
    piece.map((text) => `/${text.replaceAll(' ', '')}`),
    fc.dictionary(
      fc.constantFrom(
        'X-M2M-Origin',
        'X-M2M-RI',
        'X-M2M-RTU',
        'Content-Type',
        'Accept',
        'X-M2M-RET',
        'Authorization',
        'bad name',
        '',
      ),
      piece,
    ),
    fc.oneof(fc.json(), piece),
  )
  await fc.assert(
    fc.asyncProperty(head, async ([method, path, headers, body]) => {
      const answer = await sendRaw(binding, message(method, path, headers, body))
      assert.ok(answer.status >= 200 && answer.status < 600)
      assert.match(answer.headers['x-m2m-rsc'] ?? '', /^\d{4}$/)
    }),
    { numRuns: 150 },
  )
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 60 }), async (bytes) => {
      const answer = await sendRaw(binding, Buffer.concat([Buffer.from('X'), bytes, Buffer.from('\r\n\r\n\r\n')]))
      assert.match(answer.headers['x-m2m-rsc'] ?? '', /^\d{4}$/)
    }),
    { numRuns: 100 },
  )
})

test('content goes both ways in CBOR, and an Accept that can not be met is refused before anything happens', async () => {
  const cse = new FakeCse({ responseStatusCode: 2001, content: new JsonText('{"m2m:cin":{"con":"21.5"}}') })
  const body = encodeCbor({ 'm2m:cin': { con: '21.5' } })
  const created = await sendRaw(
    httpBinding(cse),
    message('POST', '/onem2m/a', { ...origin, 'Content-Type': 'application/cbor;ty=4' }, body),
  )
  assert.deepEqual(cse.last?.content, { 'm2m:cin': { con: '21.5' } })
  assert.equal(created.headers['content-type'], 'application/cbor')
  assert.deepEqual(decodeCbor(created.bytes, 'answer'), { 'm2m:cin': { con: '21.5' } })

  const refused = await sendRaw(httpBinding(cse), message('GET', '/onem2m', { ...origin, Accept: 'application/xml' }))
  assert.deepEqual([refused.status, refused.headers['x-m2m-rsc'], cse.arrivals.length], [406, '5207', 1])
})

test('a representation that the client has already is not sent again (RFC 9110 13.1.2)', async () => {
  const cse = new FakeCse({ responseStatusCode: 2000, content: new JsonText('{"m2m:cb":{"rn":"x"}}') })
  const binding = httpBinding(cse, { digest: (body) => Buffer.from(body).toString('base64url') })
  const retrieve = (ifNoneMatch?: string, accept?: string) =>
    sendRaw(binding, message('GET', '/onem2m', { ...origin, 'If-None-Match': ifNoneMatch, Accept: accept }))
  const tag = (await retrieve()).headers['etag'] ?? ''
  assert.match(tag, /^"[\w-]+"$/)
  for (const list of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
    const { status, headers, body } = await retrieve(list)
    assert.deepEqual(
      [status, headers['x-m2m-rsc'], headers['etag'], headers['content-length'], headers['content-type'], body],
      [304, '2000', tag, undefined, undefined, ''],
      list,
    )
  }
  assert.equal((await retrieve(tag, 'application/cbor')).status, 200)
  cse.response = { responseStatusCode: 2000, content: { 'm2m:cb': { rn: 'y' } } }
  assert.equal((await retrieve(tag)).status, 200)
  cse.response = { responseStatusCode: 4004, content: { 'm2m:dbg': 'none' } }
  assert.deepEqual([(await retrieve('*')).status, (await retrieve()).headers['etag']], [404, undefined])
})

test('a body may come in any number of pieces', async () => {
  const cse = new FakeCse()
  const body = JSON.stringify({ 'm2m:cin': { con: 'x'.repeat(2000) } })
  const headers = { ...origin, 'Content-Type': 'application/json;ty=4', 'Transfer-Encoding': 'chunked' }
  const chunks = [...body].map((character) => `1\r\n${character}\r\n`).join('')
  const { status } = await sendRaw(httpBinding(cse), `${message('POST', '/onem2m', headers)}${chunks}0\r\n\r\n`)
  assert.equal(status, 200)
  assert.deepEqual(cse.last?.content, JSON.parse(body))
})
