import assert from 'node:assert/strict'
import test from 'node:test'
import { MqttBinding } from '../../src/bindings/mqtt.ts'
import type { Delivery } from '../../src/cse/handler.ts'
import { decodeCbor, encodeCbor } from '../../src/onem2m/cbor.ts'
import { OneM2MError } from '../../src/onem2m/status.ts'
import { FakeBroker, FakeCse, ManualClock, own, silent } from './fixture.ts'

function set() {
  const broker = new FakeBroker()
  const clock = new ManualClock()
  const binding = new MqttBinding({ broker, handler: new FakeCse(), own, clock, log: silent })
  binding.start()
  const notify = (over: Partial<Delivery> & { rqi?: string } = {}) =>
    binding.send({
      pointOfAccess: 'mqtt://localhost:1883',
      target: 'CAE01',
      timeoutMs: 1000,
      request: {
        operation: 5,
        to: 'CAE01',
        originator: '/mn-cse-1',
        requestIdentifier: over.rqi ?? 'n1',
        releaseVersionIndicator: '3',
        content: { 'm2m:sgn': { sur: 'x' } },
      },
      ...over,
    })
  const answer = (topic: string, rsc = 2000, rqi = 'n1') => broker.publish(topic, { rsc, rqi })
  return { broker, clock, binding, notify, answer }
}

const refused = (status: number, text: RegExp) => (error: unknown) =>
  error instanceof OneM2MError && error.status === status && text.test(error.message)
const unreachable = (text: RegExp) => refused(5103, text)

test('a notification goes to the request topic of its target and ends with the first response', async () => {
  const { broker, clock, notify, answer } = set()
  const response = notify()
  assert.deepEqual(broker.sent, [
    {
      topic: '/oneM2M/req/mn-cse-1/CAE01/json',
      payload: '{"op":5,"to":"CAE01","fr":"/mn-cse-1","rqi":"n1","rvi":"3","pc":{"m2m:sgn":{"sur":"x"}}}',
      qos: 1,
      addressee: 'CAE01',
    },
  ])
  assert.ok(answer('/oneM2M/resp/mn-cse-1/CAE01'), 'OpenMTC leaves the type level out')
  answer('/oneM2M/resp/mn-cse-1/CAE01/json', 4000)
  assert.deepEqual(await response, { responseStatusCode: 2000, requestIdentifier: 'n1' })
  assert.equal(clock.pending, 0)
})

test('a response counts only from the entity that was asked, in any of its spellings', async () => {
  const { notify, answer } = set()
  const response = notify()
  answer('/oneM2M/resp/mn-cse-1/CAE02/json', 4103)
  answer('/oneM2M/resp/mn-cse-1/CAE01/json', 4103, 'n2')
  answer('/oneM2M/resp/mn-cse-1/mn-cse-1:CAE01', 2000)
  assert.equal((await response).responseStatusCode, 2000)
})

test('an AE is reached under the level that it uses itself, or else under the one it subscribed to', async () => {
  const { broker, notify } = set()
  broker.subscribed = new Set(['/oneM2M/req/mn-cse-1/mn-cse-1:CAE01/json'])
  void notify().catch(() => {})
  assert.equal(broker.sent.at(-1)?.topic, '/oneM2M/req/mn-cse-1/mn-cse-1:CAE01/json')
  broker.subscribed = undefined
  broker.publish('/oneM2M/req/mn-cse-1:CAE01/mn-cse-1/json', { op: 2, to: 'x', fr: 'CAE01', rqi: '1' })
  void notify({ rqi: 'n2' }).catch(() => {})
  assert.equal(broker.sent.at(-1)?.topic, '/oneM2M/req/mn-cse-1/mn-cse-1:CAE01/json')
  broker.publish('/oneM2M/req/CAE01/mn-cse-1/json', { op: 2, to: 'x', fr: 'CAE01', rqi: '1' })
  void notify({ rqi: 'n3' }).catch(() => {})
  assert.equal(broker.sent.at(-1)?.topic, '/oneM2M/req/mn-cse-1/CAE01/json')
})

test('a target that has not subscribed yet is waited for, then given up', async () => {
  const { broker, clock, notify } = set()
  broker.subscribed = new Set()
  const response = notify()
  assert.deepEqual([broker.sent.length, broker.sent[0]?.parkMs], [1, 2000])
  const refusal = assert.rejects(response, refused(4008, /^CAE01: no response in 1000 ms/))
  clock.advance(1000)
  await refusal
})

test('where somebody waits for the response, a target that has not subscribed is not waited for', async () => {
  const { broker, notify } = set()
  const parked: unknown[] = []
  broker.send = ({ parkMs = 0 }) => {
    if (parkMs === 0) return 'nobody'
    parked.push(parkMs)
    return 'parked'
  }
  await assert.rejects(notify({ isPatient: false }), unreachable(/nobody subscribes/))
  assert.deepEqual(parked, [])
})

test('nobody there at all: the request fails at once and leaves nothing behind', async () => {
  const { broker, clock, notify } = set()
  broker.send = () => 'nobody'
  await assert.rejects(notify(), unreachable(/^CAE01: nobody subscribes/))
  assert.equal(clock.pending, 0)
})

test('a plain MQTT URL is a topic, and no response is waited for (TS-0004 7.3.1.3)', async () => {
  const { broker, notify } = set()
  const response = await notify({ pointOfAccess: 'mqtt://localhost/alarms/7', target: undefined })
  assert.equal(response.responseStatusCode, 2000)
  assert.equal(broker.sent[0]?.topic, 'alarms/7')
  await assert.rejects(notify({ pointOfAccess: 'mqtt://localhost', target: undefined }), unreachable(/expected a path/))
})

test('one identifier can wait once for one target, and for two targets side by side', async () => {
  const { notify, answer } = set()
  const first = notify()
  const other = notify({ target: '/in-cse-1' })
  await assert.rejects(notify(), unreachable(/request n1 waits/))
  answer('/oneM2M/resp/mn-cse-1/in-cse-1/json', 4004)
  answer('/oneM2M/resp/mn-cse-1/CAE01/json', 2000)
  assert.deepEqual([(await first).responseStatusCode, (await other).responseStatusCode], [2000, 4004])
})

test('what waits is bounded: beyond, notifications are sent and nobody waits for what their targets say', async () => {
  const { binding, broker, notify } = set()
  const waiting = Array.from({ length: 4096 }, (_, n) => notify({ rqi: `n${n}` }))
  const ended = Promise.allSettled(waiting)
  assert.equal((await notify({ rqi: 'more' })).responseStatusCode, 2000)
  assert.equal(broker.sent.length, 4097)
  binding.stop()
  assert.ok((await ended).every((result) => result.status === 'rejected'))
})

test('a malformed response is dropped and its request still waits', async () => {
  const { broker, notify, answer } = set()
  const response = notify()
  for (const payload of ['', 'x', '[]', '{"rqi":"n1"}', '{"rsc":"no","rqi":"n1"}'])
    broker.publish('/oneM2M/resp/mn-cse-1/CAE01/json', payload)
  answer('/oneM2M/resp/mn-cse-1/CAE01/json', 2000)
  assert.equal((await response).responseStatusCode, 2000)
})

test('who asks for CBOR is notified on the cbor topic and answers there', async () => {
  const { broker, notify } = set()
  const response = notify({ serialization: 'cbor' })
  const { topic, payload } = broker.sent[0] as (typeof broker.sent)[number]
  assert.equal(topic, '/oneM2M/req/mn-cse-1/CAE01/cbor')
  const { pc } = decodeCbor(payload as Buffer, 'payload') as { pc: object }
  assert.deepEqual(pc, { 'm2m:sgn': { sur: 'x' } })
  broker.publish('/oneM2M/resp/mn-cse-1/CAE01/cbor', encodeCbor({ rsc: 2000, rqi: 'n1' }))
  assert.equal((await response).responseStatusCode, 2000)

  await notify({ pointOfAccess: 'mqtt://h/some/topic?ct=cbor', target: undefined })
  assert.equal(broker.sent[1]?.topic, 'some/topic')
  assert.ok(Buffer.isBuffer(broker.sent[1]?.payload))
})
