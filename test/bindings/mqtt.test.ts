import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { MqttBinding, type MqttBindingOptions } from '../../src/bindings/mqtt.ts'
import type { Json } from '../../src/onem2m/content.ts'
import { JsonText } from '../../src/onem2m/content.ts'
import { FakeBroker, FakeCse, ManualClock, own, silent } from './fixture.ts'
import '../property.ts'

const retrieve = { op: 2, to: 'onem2m', fr: 'CAE01', rqi: 'r1', rvi: '3' }
const registration = { op: 1, to: 'onem2m', rqi: 'r1', ty: 2, pc: { 'm2m:ae': { api: 'Nx' } } }
const topic = '/oneM2M/req/CAE01/mn-cse-1/json'

function set(options: Partial<MqttBindingOptions> = {}, cse = new FakeCse()) {
  const broker = new FakeBroker()
  const clock = new ManualClock()
  const binding = new MqttBinding({ broker, handler: cse, own, clock, log: silent, ...options })
  binding.start()
  return { broker, clock, binding, cse }
}

test('a response goes to the mirrored topic with the content as it is, and waits for a client that subscribes late', () => {
  const { broker } = set(
    {},
    new FakeCse({ responseStatusCode: 2000, releaseVersionIndicator: '3', content: new JsonText('{"m2m:cb":{}}') }),
  )
  for (const [request, response] of [
    ['/oneM2M/req/CAE01/mn-cse-1/json', '/oneM2M/resp/CAE01/mn-cse-1/json'],
    ['/oneM2M/req/CAE01/mn-cse-1', '/oneM2M/resp/CAE01/mn-cse-1'],
    ['/oneM2M/req/mn-cse-1:CAE01/:mn-cse-1/json', '/oneM2M/resp/mn-cse-1:CAE01/:mn-cse-1/json'],
  ] as const) {
    assert.ok(broker.publish(request, retrieve))
    assert.deepEqual(broker.sent.pop(), {
      topic: response,
      payload: '{"rsc":2000,"rqi":"r1","rvi":"3","pc":{"m2m:cb":{}}}',
      qos: 1,
      parkMs: 2000,
      addressee: request.split('/')[3],
    })
  }
})

test('the response has the quality of service of its request, never 2, unless one is set', () => {
  const { broker } = set()
  for (const [qos, expected] of [
    [0, 0],
    [1, 1],
    [2, 1],
  ] as const) {
    broker.publish(topic, retrieve, { qos })
    assert.equal(broker.sent.pop()?.qos, expected)
  }
  const fixed = set({ responseQos: 0 })
  fixed.broker.publish(topic, retrieve, { qos: 1 })
  assert.equal(fixed.broker.sent.pop()?.qos, 0)
})

test('topics of others are left to the broker', () => {
  const { broker, binding } = set()
  for (const other of [
    '/oneM2M/req/CAE01/mn-cse-10/json',
    '/oneM2M/resp/CAE01/mn-cse-1/json',
    '/oneM2M/reg_resp/x/mn-cse-1/json',
    'sensors/temp',
  ])
    assert.equal(broker.publish(other, retrieve), false, other)
  binding.stop()
  binding.stop()
  assert.equal(broker.publish(topic, retrieve), false)
})

test('the originator in the payload must be the entity of the topic (TS-0010 7)', () => {
  const { broker, cse } = set()
  for (const [level, fr] of [
    ['CAE01', 'CAE01'],
    ['CAE01', '/mn-cse-1/CAE01'],
    ['CAE01', '//openmtc.org/mn-cse-1/CAE01'],
    ['mn-cse-1:CAE01', 'CAE01'],
    ['in-cse-1', '/in-cse-1'],
    ['in-cse-1', '//openmtc.org/in-cse-1'],
    [':in-cse-1', '/in-cse-1'],
  ] as const) {
    broker.publish(`/oneM2M/req/${level}/mn-cse-1/json`, { ...retrieve, fr })
    assert.equal(broker.last['rsc'], 2000, `${level} ${fr}`)
    assert.equal(cse.last?.originator, fr)
  }
  cse.arrivals.length = 0
  for (const [level, fr] of [
    ['CAE02', 'CAE01'],
    ['CAE01', '/in-cse-1/CAE01'],
    ['CAE01', '//other.org/mn-cse-1/CAE01'],
    ['CAE01', 'CAE01 '],
    ['CAE01', 'C'],
    ['CAE01', '/mn-cse-1'],
  ] as const) {
    broker.publish(`/oneM2M/req/${level}/mn-cse-1/json`, { ...retrieve, fr })
    assert.deepEqual(broker.last, {
      rsc: 4106,
      rqi: 'r1',
      rvi: '3',
      pc: { 'm2m:dbg': `fr: got ${JSON.stringify(fr)}, expected the originator of the topic, ${level}` },
    })
  }
  assert.equal(cse.arrivals.length, 0)
})

test('an originator that was found to be right once is still checked against every other topic', () => {
  const { broker } = set()
  for (const [level, status] of [
    ['CAE01', 2000],
    ['CAE02', 4106],
    ['CAE01', 2000],
    ['CAE02', 4106],
  ] as const) {
    broker.publish(`/oneM2M/req/${level}/mn-cse-1/json`, retrieve)
    assert.equal(broker.last['rsc'], status)
  }
})

test('an AE without an identifier registers on req and on reg_req; nothing else is served on reg_req', () => {
  const { broker, cse } = set()
  for (const fr of [undefined, 'C', 'S', '']) {
    for (const kind of ['req', 'reg_req']) {
      broker.publish(`/oneM2M/${kind}/cred-7/mn-cse-1/json`, fr === undefined ? registration : { ...registration, fr })
      assert.equal(broker.sent.at(-1)?.topic, `/oneM2M/${kind === 'req' ? 'resp' : 'reg_resp'}/cred-7/mn-cse-1/json`)
      assert.equal(broker.last['rsc'], 2000)
    }
  }
  const before = cse.arrivals.length
  broker.publish('/oneM2M/reg_req/cred-7/mn-cse-1/json', {
    ...registration,
    fr: '/in-1',
    ty: 16,
    pc: { 'm2m:csr': {} },
  })
  assert.equal(cse.arrivals.length, before + 1)
  for (const wire of [retrieve, { ...registration, ty: 3 }]) {
    broker.publish('/oneM2M/reg_req/cred-7/mn-cse-1/json', wire)
    assert.equal(broker.last['rsc'], 4000)
    assert.match(JSON.stringify(broker.last['pc']), /reg_req topic, expected 1 \(Create\) with ty 2/)
  }
  assert.equal(cse.arrivals.length, before + 1)
})

test('whatever is malformed is answered, with the request identifier where it can be made out', () => {
  const { broker, cse } = set()
  const cases: readonly [payload: string | Json, rsc: number, rqi: string | undefined][] = [
    ['', 4000, undefined],
    ['hello', 4000, undefined],
    ['{"op":2,"to":"onem2m","fr":"CAE01","rqi":"r9"', 4000, 'r9'],
    [[], 4000, undefined],
    [{ rqi: 'r9' }, 4000, 'r9'],
    [{ 'm2m:rqp': { ...retrieve, op: 'read' } }, 4000, 'r1'],
    [{ ...retrieve, op: 8 }, 4000, 'r1'],
    [{ ...retrieve, ghost: 1 }, 5001, 'r1'],
    [`{"rqi":"r9","pc":${'['.repeat(5000)}${']'.repeat(5000)}}`, 4000, 'r9'],
  ]
  for (const [payload, rsc, rqi] of cases) {
    broker.publish(topic, payload)
    assert.equal(broker.sent.at(-1)?.topic, '/oneM2M/resp/CAE01/mn-cse-1/json')
    assert.equal(broker.last['rsc'], rsc, JSON.stringify(payload))
    assert.equal(broker.last['rqi'], rqi)
    assert.equal(typeof (broker.last['pc'] as { 'm2m:dbg': string })['m2m:dbg'], 'string')
  }
  assert.equal(cse.arrivals.length, 0)
})

test('another serialisation than JSON and CBOR is answered on the json topic', () => {
  const { broker } = set()
  broker.publish('/oneM2M/req/CAE01/mn-cse-1/xml', '<m2m:rqp/>')
  assert.equal(broker.sent.at(-1)?.topic, '/oneM2M/resp/CAE01/mn-cse-1/json')
  assert.equal(broker.last['rsc'], 4015)
})

test('any bytes get exactly one answer and never stop the broker', () => {
  const { broker } = set()
  const mutated = fc
    .tuple(fc.nat({ max: 50 }), fc.integer({ min: 0, max: 255 }))
    .map(([at, byte]) => Buffer.from(JSON.stringify(retrieve)).fill(byte, at, at + 1))
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    mutated,
    fc.json().map((text) => Buffer.from(text)),
  )
  fc.assert(
    fc.property(payload, (bytes) => {
      broker.sent.length = 0
      let isDone = false
      broker.publish(topic, bytes, {}, () => {
        isDone = true
      })
      const isNotification = /^\s*\{.*m2m:sgn/.test(bytes.toString())
      return isDone && (isNotification || (broker.sent.length === 1 && typeof broker.last['rsc'] === 'number'))
    }),
    { numRuns: 500 },
  )
})

test('response type 5: the CSE acts and nothing is sent', () => {
  const { broker, cse } = set()
  broker.publish(topic, { ...retrieve, rt: { rtv: 5 } })
  assert.equal(cse.arrivals.length, 1)
  assert.equal(broker.sent.length, 0)
})

test('a notification without its primitive is taken from the entity of its topic, and not answered', () => {
  const { broker, cse } = set()
  broker.publish('/oneM2M/req/tinyiot/mn-cse-1/json', { 'm2m:sgn': { sur: 'a' } })
  broker.publish('/oneM2M/req/CAE01/mn-cse-1/json', { 'm2m:sgn': { sur: 'a' } })
  const [first, second] = cse.arrivals.map((arrival) => arrival.request)
  assert.deepEqual([first?.operation, first?.originator, first?.content], [5, '/tinyiot', { 'm2m:sgn': { sur: 'a' } }])
  assert.equal(second?.originator, 'CAE01')
  assert.notEqual(first?.requestIdentifier, second?.requestIdentifier)
  assert.equal(broker.sent.length, 0)
})

test('the CSE learns where a request came from', () => {
  const { broker, cse } = set()
  const connection = { clientId: 'c', remoteAddress: '10.0.0.7', isLocal: false, principal: undefined }
  broker.publish(topic, retrieve, { connection })
  broker.publish(topic, retrieve, { connection: { ...connection, remoteAddress: '127.0.0.1', isLocal: true } })
  broker.publish(topic, retrieve)
  assert.deepEqual(
    cse.arrivals.map((arrival) => arrival.context),
    [
      { source: 'network', remoteAddress: '10.0.0.7' },
      { source: 'local', remoteAddress: '127.0.0.1' },
      { source: 'network' },
    ],
  )
})

test('with too many requests under way, connections wait until the CSE has caught up', () => {
  const { broker, cse, binding } = set({ maxInFlight: 2 }, new FakeCse(null))
  const goneOn: number[] = []
  for (const n of [1, 2, 3]) broker.publish(topic, { ...retrieve, rqi: `r${n}` }, {}, () => goneOn.push(n))
  assert.deepEqual(goneOn, [1])
  assert.equal(binding.inFlight, 3)
  cse.arrivals[0]?.respond({ responseStatusCode: 2000, requestIdentifier: 'r1' })
  assert.deepEqual(goneOn, [1, 2, 3])
  assert.equal(broker.sent.length, 1)
})

test('while more waits for the disk than should, connections wait for an answer', () => {
  const { broker, cse } = set({}, new FakeCse(null))
  const goneOn: number[] = []
  const ask = (n: number) => broker.publish(topic, { ...retrieve, rqi: `r${n}` }, {}, () => goneOn.push(n))
  cse.isCongested = true
  ask(1)
  ask(2)
  assert.deepEqual(goneOn, [])
  cse.arrivals[0]?.respond({ responseStatusCode: 2000, requestIdentifier: 'r1' })
  assert.deepEqual(goneOn, [1, 2])
  cse.isCongested = false
  ask(3)
  assert.deepEqual(goneOn, [1, 2, 3])
})

test("with a prefix, only prefixed topics are the CSE's", () => {
  const { broker } = set({ prefix: 'plant/7' })
  assert.equal(broker.publish(topic, retrieve), false)
  assert.ok(broker.publish(`plant/7${topic}`, retrieve))
  assert.equal(broker.sent.at(-1)?.topic, 'plant/7/oneM2M/resp/CAE01/mn-cse-1/json')
})

test('many topics and originators do not add up', () => {
  const { broker } = set()
  for (let i = 0; i < 5000; i++) {
    broker.publish(`/oneM2M/req/C${i}/mn-cse-1/json`, { ...retrieve, fr: `C${i}` })
    assert.equal(broker.last['rsc'], 2000)
    broker.sent.length = 0
  }
})

test('a CSE brings requests of those behind it, and is named with them; nobody else does (TS-0010 6.4)', () => {
  const cse = Object.assign(new FakeCse(), {
    speaksFor: (cseId: string, originator: string) => cseId === '/in-cse-1' && originator.startsWith('/in-cse-1'),
  })
  const { broker } = set({}, cse)
  const connection = { clientId: 'C::in-cse-1', remoteAddress: '192.0.2.7', isLocal: false, principal: undefined }
  const bring = (level: string, fr: string) => {
    cse.arrivals.length = 0
    broker.publish(`/oneM2M/req/${level}/mn-cse-1/json`, { ...retrieve, fr }, { connection })
    return cse.arrivals[0]?.context ?? broker.last['rsc']
  }
  const from = { source: 'network', remoteAddress: '192.0.2.7' }
  assert.deepEqual(bring('in-cse-1', '/in-cse-1/CGUI'), { ...from, broughtBy: '/in-cse-1' })
  assert.deepEqual(bring('in-cse-1', '/in-cse-1'), { ...from, broughtBy: '/in-cse-1' })
  assert.deepEqual(bring('CAE01', 'CAE01'), from)
  assert.equal(bring('in-cse-1', '/mn-9/CGUI'), 4106)
  assert.equal(bring('CAE01', '/in-cse-1/CGUI'), 4106)
})
