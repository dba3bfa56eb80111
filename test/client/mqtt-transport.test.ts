import assert from 'node:assert/strict'
import { type Duplex, duplexPair } from 'node:stream'
import { describe, it } from 'node:test'
import { OneM2MClient } from '../../src/client/client.ts'
import { OneM2MHTTPClient, OneM2MMQTTClient } from '../../src/client/connect.ts'
import { parseUrl, readMqttEndpoint } from '../../src/client/endpoint.ts'
import { MqttTransport } from '../../src/client/mqtt-transport.ts'
import { FakeCse } from '../bindings/fixture.ts'
import { TestClient } from '../broker/client.ts'
import { mqttScene } from './mqtt-scene.ts'

describe('the URL of a CSE over MQTT', () => {
  const cases: readonly (readonly [url: string, endpoint: object])[] = [
    ['mqtt://localhost#mn-cse-1', { host: 'localhost', port: 1883, isSecure: false, receiver: 'mn-cse-1' }],
    [
      'mqtt://user:p%40ss@host:1884#in-cse-1',
      { host: 'host', port: 1884, isSecure: false, username: 'user', password: 'p@ss', receiver: 'in-cse-1' },
    ],
    ['mqtts://broker', { host: 'broker', port: 8883, isSecure: true }],
    ['secure-mqtt://broker/#/mn-1', { host: 'broker', port: 8883, isSecure: true, receiver: 'mn-1' }],
    ['mqtt://[::1]:99/site/7', { host: '::1', port: 99, isSecure: false, prefix: 'site/7' }],
  ]
  for (const [url, endpoint] of cases)
    it(`is read: ${url}`, () => {
      const { pointOfAccess, ...read } = readMqttEndpoint(parseUrl(url))
      assert.deepEqual(read, { prefix: '', ...endpoint })
      assert.ok(!pointOfAccess.includes('@'))
    })

  it('decides the client by name', () => {
    assert.throws(() => new OneM2MMQTTClient('http://localhost'), TypeError)
    assert.throws(() => new OneM2MHTTPClient('mqtt://localhost'), TypeError)
    assert.throws(() => new OneM2MMQTTClient('mqtt://#x'), /names no host|not a URL/)
  })
})

describe('a client over MQTT', { timeout: 10_000 }, () => {
  it('takes the receiver from the target when the URL names none', async () => {
    const cse = new FakeCse()
    const { transport } = await mqttScene(cse)
    const client = new OneM2MClient({ transport: transport({}, 'mqtt://localhost'), originator: 'CAE01' })
    await client.retrieve('/mn-cse-1/onem2m')
    await client.retrieve('//openmtc.org/mn-cse-1/onem2m')
    await assert.rejects(client.retrieve('onem2m'), /onem2m: names no CSE; write the CSE-ID into the URL/)
    assert.equal(cse.arrivals.length, 2)
    await client.close()
  })

  it('asks for an identifier on the topic for those who have none, and goes on under the one it got', async () => {
    const cse = new FakeCse({ responseStatusCode: 2001, content: { 'm2m:ae': { aei: 'C7' } } })
    const { broker, transport } = await mqttScene(cse)
    const observer = await TestClient.connect(broker, 'observer')
    await observer.subscribe('/oneM2M/#')
    const client = new OneM2MClient({ transport: transport({ clientId: 'A::thing' }) })
    await client.create('onem2m', 2, { 'm2m:ae': { api: 'Nthing', rr: false } })
    await client.as('//openmtc.org/mn-cse-1/C7').retrieve('onem2m')
    const topics = observer.heard.flatMap((packet) => (packet.cmd === 'publish' ? packet.topic : []))
    assert.deepEqual(topics, [
      '/oneM2M/reg_req/A::thing/mn-cse-1/json',
      '/oneM2M/reg_resp/A::thing/mn-cse-1/json',
      '/oneM2M/req/mn-cse-1:C7/mn-cse-1/json',
      '/oneM2M/resp/mn-cse-1:C7/mn-cse-1/json',
    ])
    await client.close()
  })

  it('publishes what was under way again, as the same request, when the broker is back', async () => {
    const cse = new FakeCse(null)
    const { transport, connections } = await mqttScene(cse)
    const lost: string[] = []
    const client = new OneM2MClient({
      transport: transport({ disconnected: (reason) => lost.push(reason) }),
      originator: 'CAE01',
    })
    const result = client.create('onem2m', 3, { 'm2m:cnt': { rn: 'temp' } })
    while (cse.arrivals.length < 1) await new Promise((resolve) => setImmediate(resolve))
    connections[0]?.destroy(new Error('cable'))
    while (cse.arrivals.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    const [first, second] = cse.arrivals
    assert.deepEqual(second?.request, first?.request)
    second?.respond({ responseStatusCode: 2001, requestIdentifier: second.request.requestIdentifier })
    await result
    assert.deepEqual(lost, ['cable'])
    await client.close()
  })

  it('is notified again after a loss, without being told to subscribe', async () => {
    const { transport, connections, binding } = await mqttScene(new FakeCse())
    let ups = 0
    const client = new OneM2MClient({ transport: transport({ connected: () => ups++ }), originator: 'CAE01' })
    const heard: unknown[] = []
    const pointOfAccess = await client.onNotification(({ subscription }) => void heard.push(subscription))
    connections[0]?.destroy(new Error('cable'))
    while (ups < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    const request = {
      operation: 5,
      to: 'CAE01',
      originator: '/mn-cse-1',
      requestIdentifier: 'n1',
      content: { 'm2m:sgn': { sur: 'sub1' } },
    } as const
    await binding.send({ pointOfAccess, target: 'CAE01', request, timeoutMs: 1000 })
    assert.deepEqual(heard, ['sub1'])
    await client.close()
  })

  it('opens nothing any more once it was closed', async () => {
    const { transport, connections } = await mqttScene(new FakeCse())
    const client = new OneM2MClient({ transport: transport(), originator: 'CAE01' })
    await client.retrieve('onem2m')
    await client.close()
    await assert.rejects(client.retrieve('onem2m'), /this client was closed/)
    await assert.rejects(
      client.onNotification(() => {}),
      /this client was closed/,
    )
    await client.close()
    assert.equal(connections.length, 1)
  })

  it('says why there was no response when there is no broker', async () => {
    const { transport } = await mqttScene(new FakeCse())
    const open = () => {
      throw new Error('no cable')
    }
    const patient = new OneM2MClient({ transport: transport({ open }), originator: 'CAE01' })
    await assert.rejects(patient.retrieve('onem2m', { timeoutMs: 20 }), { responseStatusCode: 5103 })
    const hasty = new OneM2MClient({ transport: transport({ open, awaitsBroker: false }), originator: 'CAE01' })
    await assert.rejects(hasty.retrieve('onem2m'), /mqtt:\/\/localhost:1883: no cable/)
    await patient.close()
    await hasty.close()
  })

  it('leaves a broker that has gone silent, and connects again', async () => {
    const opened: Duplex[] = []
    const open = () => {
      const [near, far] = duplexPair()
      opened.push(far)
      // A broker that lets everybody in, and then says nothing any more.
      far.once('data', () => far.write(Buffer.from([0x20, 2, 0, 0])))
      return near
    }
    const lost: string[] = []
    const transport = new MqttTransport('mqtt://localhost#mn-cse-1', {
      open,
      random: () => 0,
      keepAliveMs: 20,
      disconnected: (reason) => lost.push(reason),
    })
    const client = new OneM2MClient({ transport, originator: 'CAE01' })
    await assert.rejects(client.retrieve('onem2m', { timeoutMs: 10 }), { responseStatusCode: 5103 })
    opened[0]?.write(Buffer.from([0x90, 3, 0, 1, 1]))
    while (opened.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.match(lost[0] ?? '', /silent for \d+ ms/)
    await client.close()
  })

  it('leaves a broker that breaks the protocol', async () => {
    const lost: string[] = []
    const open = () => {
      const [near, far] = duplexPair()
      // A PUBLISH whose topic is longer than the packet.
      far.once('data', () => far.write(Buffer.from([0x20, 2, 0, 0, 0x30, 2, 0xff, 0xff])))
      return near
    }
    const transport = new MqttTransport('mqtt://localhost#mn-cse-1', {
      open,
      disconnected: (reason) => lost.push(reason),
    })
    const client = new OneM2MClient({ transport, originator: 'CAE01' })
    await assert.rejects(client.retrieve('onem2m', { timeoutMs: 30 }), /PUBLISH is shorter than its topic/)
    assert.equal(lost.length, 1)
    await client.close()
  })

  it('speaks to several CSEs on one broker, each under the same name', async () => {
    const [one, two] = [new FakeCse(), new FakeCse()]
    const { open, broker } = await mqttScene(one)
    const { MqttBinding } = await import('../../src/bindings/mqtt.ts')
    const { ManualClock, own, silent } = await import('../bindings/fixture.ts')
    new MqttBinding({
      broker,
      handler: two,
      own: { ...own, cseId: '/in-cse-1' },
      clock: new ManualClock(),
      log: silent,
    }).start()
    const clients = ['mn-cse-1', 'in-cse-1'].map(
      (cse) => new OneM2MMQTTClient(`mqtt://localhost#${cse}`, { open, originator: 'CAE01' }),
    )
    await Promise.all(clients.map((client) => client.retrieve('onem2m')))
    assert.deepEqual([one.arrivals.length, two.arrivals.length], [1, 1])
    for (const client of clients) await client.close()
  })
})
