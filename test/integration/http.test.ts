import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect as connectSocket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { HttpRequester } from '../../src/bindings/http-requester.ts'
import { connect } from '../../src/client/connect.ts'
import { HttpExchange } from '../../src/client/http-exchange.ts'
import { FakeCse } from '../bindings/fixture.ts'
import { httpBinding } from '../bindings/http-client.ts'

const listeners = [{ host: '127.0.0.1', port: 0 }]

async function set(t: TestContext, cse: FakeCse) {
  const binding = httpBinding(cse, { listeners })
  await binding.start()
  const url = `http://127.0.0.1:${binding.addresses[0]?.port}`
  const client = connect(url, { originator: 'CAE01' })
  t.after(async () => {
    await client.close()
    await binding.stop()
    await binding.stop()
  })
  return { binding, url, client }
}

test('a client speaks to the CSE over HTTP, several requests on one connection', async (t) => {
  const cse = new FakeCse({ responseStatusCode: 2001, content: { 'm2m:cin': { con: '°C' } } })
  const { client } = await set(t, cse)
  for (let i = 0; i < 3; i++)
    assert.deepEqual(await client.create('onem2m/a b', 4, { 'm2m:cin': { con: '°C' } }), { 'm2m:cin': { con: '°C' } })
  assert.equal(cse.arrivals.length, 3)
  const { request, context } = cse.arrivals[0] ?? {}
  assert.deepEqual(
    [request?.to, request?.resourceType, request?.content],
    ['onem2m/a b', 4, { 'm2m:cin': { con: '°C' } }],
  )
  assert.deepEqual(context, { source: 'local', remoteAddress: '127.0.0.1' })
})

test('stop lets a request under way finish and accepts no other', async (t) => {
  const cse = new FakeCse(null)
  const { binding, client } = await set(t, cse)
  const arrived = new Promise<void>((resolve) => {
    const keep = cse.handle.bind(cse)
    cse.handle = (...parameters) => {
      keep(...parameters)
      resolve()
    }
  })
  const response = client.retrieve('onem2m')
  await arrived
  const stopped = binding.stop()
  cse.arrivals[0]?.respond({ responseStatusCode: 2000, requestIdentifier: 'x', content: { 'm2m:cb': {} } })
  assert.deepEqual(await response, { 'm2m:cb': {} })
  await stopped
  await assert.rejects(client.retrieve('onem2m'), { responseStatusCode: 5103 })
})

test('a port that is taken is an error, and nothing stays open', async (t) => {
  const { binding } = await set(t, new FakeCse())
  const taken = binding.addresses[0] as { host: string; port: number }
  const second = httpBinding(new FakeCse(), { listeners: [...listeners, taken] })
  await assert.rejects(second.start(), { code: 'EADDRINUSE' })
  assert.deepEqual(second.addresses, [])
})

test('an answer that does not come, or is too long, is given up', async (t) => {
  const server = createServer((incoming, outgoing) => {
    if (incoming.url === '/long') outgoing.end('x'.repeat(5000))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const exchange = new HttpExchange({ maxBodyBytes: 1000 })
  t.after(() => {
    exchange.close()
    server.closeAllConnections()
    server.close()
  })
  const requester = new HttpRequester({ exchange })
  const send = (path: string) =>
    requester.send({
      pointOfAccess: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${path}`,
      target: undefined,
      request: { operation: 5, to: 'x', originator: '/mn', requestIdentifier: 'n1', content: { 'm2m:sgn': {} } },
      timeoutMs: 100,
    })
  await assert.rejects(send('silent'), { status: 5103, message: /timeout/ })
  await assert.rejects(send('long'), { status: 5103, message: /longer than 1000 bytes/ })
})

test('a head or a body that comes byte by byte is cut off, counted, and costs its neighbour nothing', async (t) => {
  const binding = httpBinding(new FakeCse(), { listeners, headersTimeoutMs: 100, requestTimeoutMs: 200 })
  await binding.start()
  t.after(() => binding.stop())
  const port = binding.addresses[0]?.port ?? 0
  const drip = (begin: string) =>
    new Promise<string>((resolve) => {
      let answer = ''
      const socket = connectSocket({ port, host: '127.0.0.1' })
      const timer = setInterval(() => socket.write('x'), 10)
      socket.on('data', (chunk) => {
        answer += chunk
      })
      socket.on('error', () => {})
      socket.once('close', () => {
        clearInterval(timer)
        resolve(answer)
      })
      socket.write(begin)
    })
  const head = drip('GET /onem2m HTTP/1.1\r\nX-M2M-Origin: ')
  const body = drip('POST /onem2m HTTP/1.1\r\nX-M2M-Origin: C\r\nContent-Length: 1000\r\n\r\n')
  const client = connect(`http://127.0.0.1:${port}`, { originator: 'CAE01' })
  await client.retrieve('onem2m')
  await client.close()
  assert.match(await head, /^HTTP\/1\.1 408 /)
  assert.match(await body, /^HTTP\/1\.1 408 /)
  assert.equal(binding.statistics.httpUnreadable, 2)
})

test('a socket that may not stay is closed before anything is read from it', async (t) => {
  let isFull = true
  const allowance = { maxOutstanding: 1, admits: () => !isFull, take: () => 0 }
  const binding = httpBinding(new FakeCse(), { listeners, allowance })
  await binding.start()
  t.after(() => binding.stop())
  const url = `http://127.0.0.1:${binding.addresses[0]?.port}`
  await assert.rejects(fetch(url))
  isFull = false
  assert.equal((await fetch(url)).status, 400)
})

test('a connection too many is closed at once and counted; the others are served', async (t) => {
  const binding = httpBinding(new FakeCse(), { listeners, maxConnections: 1 })
  await binding.start()
  const port = binding.addresses[0]?.port ?? 0
  const open = () => connectSocket({ host: '127.0.0.1', port })
  const first = open()
  t.after(async () => {
    first.destroy()
    await binding.stop()
  })
  await once(first, 'connect')
  const second = open()
  second.on('error', () => {})
  await once(second, 'close')
  assert.equal(binding.statistics.httpRefusedConnections, 1)
  first.write('GET /onem2m HTTP/1.1\r\nX-M2M-Origin: CAE01\r\nX-M2M-RI: r\r\nX-M2M-RVI: 3\r\n\r\n')
  const [answer] = (await once(first, 'data')) as [Buffer]
  assert.match(String(answer), /^HTTP\/1.1 200 /)
})
