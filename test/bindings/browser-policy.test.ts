import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import test from 'node:test'
import { BrowserPolicy } from '../../src/bindings/browser-policy.ts'
import { FakeCse } from './fixture.ts'
import { httpBinding, message, sendRaw } from './http-client.ts'

const panel = 'https://panel.example'
const asked = {
  Origin: panel,
  'Access-Control-Request-Method': 'POST',
  'Access-Control-Request-Headers': 'x-m2m-origin,x-m2m-ri',
}

test('a page of a listed origin may ask what to send, and read what comes back', async () => {
  const binding = httpBinding(new FakeCse(), { browsers: new BrowserPolicy([panel]) })
  const preflight = await sendRaw(binding, message('OPTIONS', '/onem2m', asked))
  assert.equal(preflight.status, 204)
  assert.equal(preflight.headers['access-control-allow-origin'], panel)
  assert.match(preflight.headers['access-control-allow-methods'] ?? '', /POST, PUT, DELETE/)
  for (const name of ['X-M2M-Origin', 'X-M2M-RI', 'X-M2M-RVI', 'X-M2M-RTU', 'Content-Type'])
    assert.match(preflight.headers['access-control-allow-headers'] ?? '', new RegExp(`\\b${name}\\b`))

  for (const [headers, status] of [
    [{ Origin: panel, 'X-M2M-Origin': 'CAE01' }, 200],
    [{ Origin: panel }, 400],
  ] as const) {
    const answer = await sendRaw(binding, message('GET', '/onem2m', headers))
    assert.deepEqual(
      [answer.status, answer.headers['access-control-allow-origin'], answer.headers['vary']],
      [status, panel, 'Origin'],
    )
    assert.match(answer.headers['access-control-expose-headers'] ?? '', /X-M2M-RSC.*X-M2M-CTO/)
  }
})

test('pages of other origins, and all pages where none is listed, get nothing that lets them read', async () => {
  for (const [origins, origin] of [
    [[panel], 'https://evil.example'],
    [[panel], `${panel}.evil.example`],
    [[panel], 'null'],
    [[], panel],
  ] as const) {
    const binding = httpBinding(new FakeCse(), { browsers: new BrowserPolicy(origins) })
    for (const method of ['OPTIONS', 'GET']) {
      const answer = await sendRaw(
        binding,
        message(method, '/onem2m', { ...asked, Origin: origin, 'X-M2M-Origin': 'C' }),
      )
      assert.deepEqual(
        Object.keys(answer.headers).filter((name) => name.startsWith('access-control')),
        [],
      )
    }
  }
  const open = await sendRaw(
    httpBinding(new FakeCse(), { browsers: new BrowserPolicy(['*']) }),
    message('OPTIONS', '/onem2m', asked),
  )
  assert.equal(open.headers['access-control-allow-origin'], panel)
})

test('over loopback only names that no stranger can own are answered', () => {
  const policy = new BrowserPolicy([panel, 'http://[fd00::1]:8000'])
  for (const [host, localAddress, isAllowed] of [
    ['localhost:8000', '127.0.0.1', true],
    ['LOCALHOST', '::1', true],
    ['127.0.0.1:8000', '127.0.0.1', true],
    ['[::1]:8000', '::1', true],
    ['[::ffff:127.0.0.1]:8000', '::ffff:127.0.0.1', true],
    ['raspberrypi:8000', '127.0.1.1', true],
    ['gateway.local', '127.0.0.1', true],
    ['panel.example', '127.0.0.1', true],
    [undefined, '127.0.0.1', true],
    ['evil.example:8000', '127.0.0.1', false],
    ['evil.example', '::ffff:127.0.0.1', false],
    ['local.evil.example', '::1', false],
    ['127.0.0.1.evil.example', '127.0.0.1', false],
    ['evil.example', '192.168.1.7', true],
  ] as const)
    assert.equal(policy.allowsHost(host === undefined ? {} : { host }, localAddress), isAllowed, host)
})

test('a page whose name was made to point here is refused before its request is read', async () => {
  const cse = new FakeCse()
  const [near, far] = duplexPair()
  httpBinding(cse)
    .createServer()
    .emit('connection', Object.assign(far, { localAddress: '127.0.0.1' }))
  near.write(message('GET', '/onem2m', { Host: 'evil.example', 'X-M2M-Origin': 'CAE01' }))
  const chunks: Buffer[] = []
  for await (const chunk of near) chunks.push(chunk as Buffer)
  assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 403 .*X-M2M-RSC: 4103.*"Host: got evil\.example/s)
  assert.equal(cse.arrivals.length, 0)
})

test('WebSockets are for listed origins, for pages from here, and for what is no browser', () => {
  const policy = new BrowserPolicy([panel])
  for (const [origin, isAllowed] of [
    [undefined, true],
    [panel, true],
    ['http://gateway:8000', true],
    ['http://gateway:8001', false],
    ['https://evil.example', false],
    ['null', false],
  ] as const)
    assert.equal(
      policy.allowsOrigin({ host: 'gateway:8000', ...(origin === undefined ? {} : { origin }) }),
      isAllowed,
      origin,
    )
})
