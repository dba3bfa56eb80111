import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import fc from 'fast-check'
import { WebSocketBinding, type WebSocketBindingOptions } from '../../src/bindings/websocket.ts'
import { decodeCbor, encodeCbor } from '../../src/onem2m/cbor.ts'
import { type JsonObject, JsonText } from '../../src/onem2m/content.ts'
import { FakeCse, ManualClock, own, silent } from './fixture.ts'
import { httpBinding } from './http-client.ts'
import { openWebSocket } from './websocket-client.ts'
import '../property.ts'

const retrieve = { op: 2, to: 'onem2m', fr: 'CAE01', rqi: 'r-1', rvi: '3' }
const notification = {
  operation: 5 as const,
  to: 'CAE01',
  originator: '/mn-cse-1',
  requestIdentifier: 'n1',
  content: { 'm2m:sgn': { sur: 'x' } },
}

function set(cse = new FakeCse(), options: Partial<WebSocketBindingOptions> = {}) {
  const clock = new ManualClock()
  const binding = new WebSocketBinding({ handler: cse, own, clock, log: silent, ...options })
  binding.start()
  const server = httpBinding(cse, { upgrade: binding })
  const connect = (protocols?: string[], headers?: Record<string, string>) => openWebSocket(server, protocols, headers)
  const notify = (target: string | undefined = 'CAE01', over = {}) =>
    binding.send({ pointOfAccess: 'ws:', target, request: { ...notification, ...over }, timeoutMs: 1000 })
  return { binding, clock, cse, connect, notify }
}

const unreachable = { status: 5103 }

test('requests and responses are bare primitives, in the serialisation that the sub-protocol names', async () => {
  const { cse, connect } = set(
    new FakeCse({ responseStatusCode: 2000, content: new JsonText('{"m2m:cb":{"rn":"x"}}') }),
  )
  const answer = { rsc: 2000, rqi: 'r-1', pc: { 'm2m:cb': { rn: 'x' } } }
  const inJson = await connect()
  assert.deepEqual(await inJson.ask(retrieve), answer)
  assert.equal(cse.last?.originator, 'CAE01')

  const inCbor = await connect(['other', 'oneM2M.cbor', 'oneM2M.json'])
  assert.equal(inCbor.client.protocol, 'oneM2M.cbor')
  inCbor.client.send(encodeCbor(retrieve))
  assert.deepEqual(decodeCbor(await inCbor.next(), 'answer'), answer)
})

test('what is no request is answered and the connection stays', async () => {
  const { cse, connect } = set()
  const { client, nextJson, ask } = await connect()
  client.send('{"rqi":"r-9", garbage')
  assert.deepEqual(await nextJson().then(({ rsc, rqi }) => [rsc, rqi]), [4000, 'r-9'])
  client.send('{"rsc":"x","rqi":"nobody waits"}')
  assert.equal((await ask({ ...retrieve, to: 7 }))['rsc'], 4000)
  assert.equal((await ask(retrieve))['rsc'], 2000)
  client.send(JSON.stringify({ ...retrieve, rqi: 'silent', rt: { rtv: 5 } }))
  assert.equal((await ask({ ...retrieve, rqi: 'last' }))['rqi'], 'last')
  assert.equal(cse.arrivals.length, 3)
})

test('a message in more pieces than there is reason for ends its connection', async () => {
  const { connect } = set()
  const { client } = await connect()
  const closed = once(client, 'close')
  for (let sent = 0; sent < 2000; sent++) client.send(sent === 0 ? '{' : ' ', { fin: false })
  const [code] = await closed
  assert.equal(code, 1008)
  const { ask } = await connect()
  assert.equal((await ask(retrieve))['rsc'], 2000)
})

test('any bytes are answered in either serialisation', async () => {
  const { connect } = set()
  for (const protocol of ['oneM2M.json', 'oneM2M.cbor']) {
    const { client, next } = await connect([protocol])
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), async (bytes) => {
        client.send(bytes)
        assert.ok((await next()).length > 0)
      }),
      { numRuns: 50 },
    )
  }
})

test('a notification comes back on the connection that its target used last, and its response ends it', async () => {
  const { connect, notify, clock } = set()
  const first = await connect()
  await first.ask(retrieve)
  const second = await connect(['oneM2M.cbor'])
  second.client.send(encodeCbor({ ...retrieve, fr: '/mn-cse-1/CAE01' }))
  await second.next()

  const response = notify()
  const { op, rqi, pc } = decodeCbor(await second.next(), 'request') as JsonObject
  assert.deepEqual([op, rqi, pc], [5, 'n1', notification.content])
  second.client.send(encodeCbor({ rsc: 2000, rqi: 'n1' }))
  assert.equal((await response).responseStatusCode, 2000)

  await first.ask(retrieve)
  const late = notify()
  await first.nextJson()
  clock.advance(1000)
  await assert.rejects(late, { status: 4008 })
})

test('only what was granted says who is behind a connection; a registering AE is known by what it was given', async () => {
  const cse = new FakeCse({ responseStatusCode: 4103 })
  const { connect, notify } = set(cse)
  const { ask, client, nextJson } = await connect()
  await ask(retrieve)
  await assert.rejects(notify(), unreachable)

  cse.response = { responseStatusCode: 2001, content: { 'm2m:ae': { aei: 'CAE07' } } }
  await ask({ ...retrieve, op: 1, ty: 2, fr: 'C', pc: { 'm2m:ae': { api: 'N.x', rr: true } } })
  const response = notify('CAE07')
  assert.equal((await nextJson())['op'], 5)
  client.close()
  await assert.rejects(response, unreachable)
  await assert.rejects(notify('CAE07'), unreachable)
})

test('a connection is for those who name a sub-protocol that is spoken here, and whose page is welcome', async () => {
  const { connect, binding } = set()
  for (const [protocols, headers, status] of [
    [[], {}, 400],
    [['mqtt'], {}, 400],
    [['oneM2M.xml'], {}, 400],
    [['oneM2M.json'], { Origin: 'https://evil.example' }, 403],
  ] as const)
    await assert.rejects(connect([...protocols], headers), new RegExp(`${status}`))
  assert.equal((await connect(['oneM2M.R2.0.json'])).client.protocol, 'oneM2M.R2.0.json')
  await binding.stop()
  await assert.rejects(connect(), /503/)
})

test('a message that is too long closes its connection', async () => {
  const { connect } = set(new FakeCse(), { maxMessageBytes: 1000 })
  const { client } = await connect()
  client.send('x'.repeat(1001))
  assert.equal((await once(client, 'close'))[0], 1009)
})

test('a connection is read no further while too many of its requests are under way', async () => {
  const cse = new FakeCse(null)
  const { connect } = set(cse, { maxInFlight: 1 })
  const { client, nextJson } = await connect()
  const identifiers = ['r-1', 'r-2', 'r-3']
  // So long that no two of them come in one read.
  for (const rqi of identifiers) client.send(JSON.stringify({ ...retrieve, rqi, vsi: 'x'.repeat(100_000) }))
  for (const rqi of identifiers) {
    for (let turn = 0; turn < 20 || cse.arrivals.length === 0; turn++)
      await new Promise((resolve) => setImmediate(resolve))
    assert.equal(cse.arrivals.length, 1)
    const { respond } = cse.arrivals.shift() as (typeof cse.arrivals)[number]
    respond({ responseStatusCode: 2000, requestIdentifier: rqi })
    assert.equal((await nextJson())['rqi'], rqi)
  }
})

test('who does not answer a ping until the next one is gone, and nobody is pinged when nobody is there', async () => {
  const { connect, binding, clock } = set()
  const alive = await connect()
  const dead = await connect()
  const closed = once(dead.client, 'close')
  dead.client.pong = () => {}
  for (let round = 0; round < 2; round++) {
    const pinged = once(alive.client, 'ping')
    clock.advance(60_000)
    await pinged
    await alive.ask(retrieve)
  }
  assert.equal((await closed)[0], 1006)
  assert.equal(binding.connections, 1)
  alive.client.close()
  await once(alive.client, 'close')
  while (binding.connections > 0) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(clock.pending, 0)
})

test('the stop answers what is under way, says why it closes, and waits for it', async () => {
  const cse = new FakeCse(null)
  const { connect, binding, clock } = set(cse)
  const { client, nextJson } = await connect()
  client.send(JSON.stringify(retrieve))
  while (cse.arrivals.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const closed = once(client, 'close')
  const stopped = binding.stop()
  client.send(JSON.stringify({ ...retrieve, rqi: 'too late' }))
  cse.arrivals[0]?.respond({ responseStatusCode: 2000, requestIdentifier: 'r-1' })
  assert.equal((await nextJson())['rqi'], 'r-1')
  const [code, reason] = await closed
  assert.deepEqual([code, String(reason)], [1001, 'the gateway stops'])
  await stopped
  await binding.stop()
  assert.deepEqual([binding.connections, clock.pending, cse.arrivals.length], [0, 0, 1])
})

test('the stop cuts whoever holds it up', async () => {
  const { connect, binding, clock, cse } = set(new FakeCse(null))
  const { client } = await connect()
  client.send(JSON.stringify(retrieve))
  while (cse.arrivals.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const closed = once(client, 'close')
  const stopped = binding.stop()
  clock.advance(2000)
  await stopped
  assert.equal((await closed)[0], 1006)
})
