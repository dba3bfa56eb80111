/** A broker of somebody else, used as a client: here it is one of ours, at the other end of a pair of streams. */

import assert from 'node:assert/strict'
import { type Duplex, duplexPair } from 'node:stream'
import { beforeEach, describe, it } from 'node:test'
import mqtt from 'mqtt-packet'
import type { Broker } from '../../src/broker/broker.ts'
import { RemoteBroker } from '../../src/broker/remote-broker.ts'
import { ManualClock, silent } from '../bindings/fixture.ts'
import { settle, startBroker, TestClient } from './client.ts'

describe('a remote broker', () => {
  let clock: ManualClock
  let broker: Broker | undefined
  let attempts: number
  let far: Duplex
  let changes: boolean[]
  let complaints: string[]

  beforeEach(async () => {
    clock = new ManualClock()
    broker = (await startBroker()).broker
    attempts = 0
    changes = []
    complaints = []
  })

  /** Answers bytes in the broker's place. */
  const script = (answer: (packet: mqtt.Packet, stream: Duplex) => void) => ({
    handle(stream: Duplex) {
      const parser = mqtt.parser()
      parser.on('packet', (packet) => answer(packet, stream))
      stream.on('data', (chunk) => parser.parse(chunk))
      stream.on('error', () => {})
    },
  })

  function remote(answering?: { handle(stream: Duplex): unknown }): RemoteBroker {
    return new RemoteBroker({
      name: 'broker:1883',
      clientId: 'C::mn-cse-1',
      filters: ['/oneM2M/req/+/mn-cse-1/#'],
      isLocal: false,
      maxPacketBytes: 65_536,
      clock,
      log: { ...silent, warn: (_, fields) => complaints.push(String(fields?.['reason'])) },
      random: () => 0.5,
      changed: (isUp) => changes.push(isUp),
      open() {
        attempts++
        const [near, other] = duplexPair()
        far = other
        near.once('close', () => other.destroy())
        other.once('close', () => near.destroy())
        const target = answering ?? broker
        if (target === undefined) near.destroy(new Error('connection refused'))
        else target.handle(other)
        return near
      },
    })
  }

  it('brings what it subscribes to, acknowledges it when it is taken, and publishes', async () => {
    const link = remote()
    const taken: string[] = []
    const dones: (() => void)[] = []
    link.consume({
      takes: (topic) => topic.startsWith('/oneM2M/'),
      consume: ({ topic, payload, qos, connection }, done) => {
        taken.push(`${topic} ${payload} ${qos} ${connection.clientId} ${connection.isLocal}`)
        dones.push(done)
      },
    })
    assert.equal(link.send({ topic: 't', payload: 'early', qos: 1 }), 'nobody')
    link.start()
    await settle(30)
    assert.deepEqual(changes, [true])
    const other = await TestClient.connect(broker as Broker, 'A::Cae')
    await other.subscribe('/oneM2M/resp/#', 1)
    await other.publish('/oneM2M/req/Cae/mn-cse-1/json', '{}', 1)
    await settle(20)
    assert.deepEqual(taken, ['/oneM2M/req/Cae/mn-cse-1/json {} 1 C::mn-cse-1 false'])
    for (const done of dones) done()
    assert.equal(link.send({ topic: '/oneM2M/resp/Cae/mn-cse-1/json', payload: 'yes', qos: 1 }), 'routed')
    await settle(20)
    assert.deepEqual(other.messages, ['/oneM2M/resp/Cae/mn-cse-1/json yes'])
    link.stop()
    link.stop()
    await settle(20)
    assert.equal(clock.pending, 0)
  })

  it('gets what came for it while it was away', async () => {
    const link = remote()
    const taken: string[] = []
    link.consume({
      takes: () => true,
      consume: ({ payload }, done) => {
        taken.push(String(payload))
        done()
      },
    })
    link.start()
    await settle(30)
    far.destroy()
    await settle(10)
    assert.deepEqual(changes, [true, false])
    const other = await TestClient.connect(broker as Broker, 'A::Cae')
    await other.publish('/oneM2M/req/Cae/mn-cse-1/json', 'late', 1)
    clock.advance(1000)
    await settle(40)
    assert.deepEqual([taken, changes], [['late'], [true, false, true]])
    link.stop()
  })

  it('is tried for ever, less and less often, and complained of once', async () => {
    broker = undefined
    const link = remote()
    link.start()
    await link.attempted
    for (let second = 0; second < 600; second++) {
      clock.advance(1000)
      await settle(3)
    }
    assert.ok(attempts > 20 && attempts < 40, `${attempts} attempts in ten minutes`)
    assert.deepEqual(complaints, ['connection refused'])
    broker = (await startBroker()).broker
    clock.advance(31_000)
    await settle(30)
    assert.deepEqual(changes, [true])
    link.stop()
  })

  it('that is silent is asked, and left when it does not answer: a dead connection is noticed in seconds', async () => {
    let pings = 0
    let wire: Duplex | undefined
    const greet = (packet: mqtt.Packet, stream: Duplex) => {
      wire = stream
      if (packet.cmd === 'connect')
        stream.write(mqtt.generate({ cmd: 'connack', returnCode: 0, sessionPresent: false }))
      if (packet.cmd === 'subscribe')
        stream.write(mqtt.generate({ cmd: 'suback', messageId: packet.messageId as number, granted: [1] }))
      if (packet.cmd === 'pingreq') pings++
    }
    const link = remote(script(greet))
    link.start()
    await settle(20)
    for (let second = 0; second < 23; second++) {
      if (second === 3) wire?.write(mqtt.generate({ cmd: 'pingresp' }))
      await settle(3)
      clock.advance(1000)
      await settle(3)
    }
    assert.deepEqual([pings > 0, changes], [true, [true, false]])
    assert.match(complaints[0] ?? '', /silent for 20000 ms/)
    link.stop()
  })

  const refusals: readonly (readonly [
    what: string,
    answer: (packet: mqtt.Packet) => mqtt.Packet | undefined,
    complaint: RegExp,
  ])[] = [
    [
      'the user',
      ({ cmd }) => (cmd === 'connect' ? { cmd: 'connack', returnCode: 4, sessionPresent: false } : undefined),
      /user or password are wrong/,
    ],
    [
      'the subscription',
      (packet) =>
        packet.cmd === 'connect'
          ? { cmd: 'connack', returnCode: 0, sessionPresent: false }
          : packet.cmd === 'subscribe'
            ? { cmd: 'suback', messageId: packet.messageId as number, granted: [128] }
            : undefined,
      /may not subscribe/,
    ],
  ]
  for (const [what, answer, complaint] of refusals) {
    it(`that refuses ${what} is said to`, async () => {
      const link = remote(
        script((packet, stream) => {
          const reply = answer(packet)
          if (reply !== undefined) stream.write(mqtt.generate(reply))
        }),
      )
      link.start()
      await settle(20)
      assert.match(complaints[0] ?? '', complaint)
      assert.deepEqual(changes, [])
      link.stop()
    })
  }

  it('passes over a message that is too large, and says so, or it would come again for ever', async () => {
    broker = (await startBroker({ limits: { maxPacketBytes: 1_000_000 } })).broker
    const link = remote()
    const taken: string[] = []
    link.consume({
      takes: () => true,
      consume: ({ payload }, done) => {
        taken.push(String(payload))
        done()
      },
    })
    link.start()
    await settle(30)
    const other = await TestClient.connect(broker, 'A::Cae')
    await other.publish('/oneM2M/req/Cae/mn-cse-1/json', 'x'.repeat(100_000), 1)
    await other.publish('/oneM2M/req/Cae/mn-cse-1/json', 'next', 1)
    await settle(30)
    assert.deepEqual([taken, attempts], [['next'], 1])
    assert.match(complaints.join(), /larger/)
    link.stop()
  })

  it('that sends nonsense or too much is left', async () => {
    const link = remote(script((_, stream) => stream.write(Buffer.from([0x20, 0xff, 0xff, 0xff, 0x7f]))))
    link.start()
    await settle(20)
    assert.match(complaints[0] ?? '', /larger than/)
    link.stop()
  })
})
