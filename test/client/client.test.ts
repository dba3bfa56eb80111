import assert from 'node:assert/strict'
import test from 'node:test'
import { OneM2MClient } from '../../src/client/client.ts'
import { connect } from '../../src/client/connect.ts'
import { LocalTransport } from '../../src/client/local-transport.ts'
import { OneM2MResponseError } from '../../src/client/transport.ts'
import { JsonText } from '../../src/onem2m/content.ts'
import { FakeCse } from '../bindings/fixture.ts'

function set(cse: FakeCse) {
  let count = 0
  const transport = new LocalTransport({ cse, patienceMs: 50 })
  return new OneM2MClient({
    transport,
    originator: 'CAE01',
    newRequestIdentifier: () => `r${++count}`,
    timeoutMs: 10_000,
  })
}

const known = (count: number) => ({ originator: 'CAE01', requestIdentifier: `r${count}`, releaseVersionIndicator: '3' })

test('the five operations and discovery are requests of the originator', async () => {
  const cse = new FakeCse({
    responseStatusCode: 2000,
    content: new JsonText('{"m2m:cnt":{"rn":"temp"},"m2m:uril":["a/b"]}'),
  })
  const client = set(cse)
  const content = { 'm2m:cnt': { rn: 'temp' } }
  assert.deepEqual((await client.create('onem2m', 3, content, { resultContent: 1 }))['m2m:cnt'], { rn: 'temp' })
  assert.deepEqual((await client.retrieve('onem2m/temp'))['m2m:cnt'], { rn: 'temp' })
  await client.update('onem2m/temp', content)
  await client.delete('onem2m/temp', { originator: 'CAE02' })
  await client.notify('CAE03', content)
  assert.deepEqual(await client.discover('onem2m', { labels: ['x'] }), ['a/b'])
  assert.deepEqual(
    cse.arrivals.map((arrival) => arrival.request),
    [
      { ...known(1), operation: 1, to: 'onem2m', resourceType: 3, content, resultContent: 1 },
      { ...known(2), operation: 2, to: 'onem2m/temp' },
      { ...known(3), operation: 3, to: 'onem2m/temp', content },
      { ...known(4), operation: 4, to: 'onem2m/temp', originator: 'CAE02' },
      { ...known(5), operation: 5, to: 'CAE03', content },
      { ...known(6), operation: 2, to: 'onem2m', filterCriteria: { labels: ['x'], filterUsage: 1 } },
    ],
  )
  assert.deepEqual(cse.arrivals[0]?.context, { source: 'internal', patienceMs: 50 })
})

test('a refusal is an error with its code, the name of the code and the reason', async () => {
  const client = set(new FakeCse({ responseStatusCode: 4105, content: { 'm2m:dbg': 'rn: "temp" is taken' } }))
  await assert.rejects(client.create('onem2m', 3, {}), (error) => {
    assert.ok(error instanceof OneM2MResponseError)
    assert.deepEqual([error.responseStatusCode, error.message], [4105, '4105 CONFLICT - rn: "temp" is taken'])
    return error.response?.requestIdentifier === 'r1'
  })
})

test('a request that nobody answers fails in time, and an aborted one at once', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const client = set(new FakeCse(null))
  const late = assert.rejects(client.retrieve('onem2m', { timeoutMs: 300 }), {
    responseStatusCode: 5103,
    message: 'no response in 300 ms',
  })
  t.mock.timers.tick(300)
  await late
  const controller = new AbortController()
  const aborted = assert.rejects(client.retrieve('onem2m', { signal: controller.signal }), { message: 'enough' })
  controller.abort(new Error('enough'))
  await aborted
  await assert.rejects(client.retrieve('onem2m', { signal: controller.signal }), { message: 'enough' })
})

test('a URL that no transport serves is refused with what would do', () => {
  assert.throws(() => connect('localhost'), /localhost: not a URL/)
  assert.throws(
    () => connect('coap://localhost'),
    /coap:\/\/localhost: this client speaks mqtt:\/\/, mqtts:\/\/, http:\/\/ and https:\/\//,
  )
})
