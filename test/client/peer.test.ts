/** What other implementations of oneM2M really put on the wire, as requesters of the CSE here and as CSEs that the client here asks. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OneM2MClient } from '../../src/client/client.ts'
import { isJsonObject, type Json, type JsonObject } from '../../src/onem2m/content.ts'
import { FakeCse } from '../bindings/fixture.ts'
import { TestClient } from '../broker/client.ts'
import requests from '../cases/peer.json' with { type: 'json' }
import responses from '../cases/peer-response.json' with { type: 'json' }
import { Kit } from '../cse/kit.ts'
import { mqttScene } from './mqtt-scene.ts'

interface Message {
  readonly topic: string
  readonly payload: JsonObject
}
interface RequestCase {
  readonly peer: string
  readonly title: string
  readonly subscribe: readonly string[]
  /** A step without an answer is one that none comes to. */
  readonly steps: readonly (Message & { readonly answer?: Message })[]
}
interface ResponseCase {
  readonly peer: string
  readonly title: string
  readonly answers: readonly Message[]
  readonly content?: JsonObject
  readonly status?: number
}

/** Whether everything that is expected is there; what is there beside it does not matter. */
function includes(actual: Json | undefined, expected: Json): boolean {
  if (!isJsonObject(expected)) return JSON.stringify(actual) === JSON.stringify(expected)
  return isJsonObject(actual) && Object.entries(expected).every(([name, value]) => includes(actual[name], value))
}

describe('requests of peers', () => {
  for (const { peer, title, subscribe, steps } of requests as unknown as readonly RequestCase[])
    it(`${peer} ${title}`, { timeout: 5000 }, async () => {
      const kit = await Kit.start()
      const { binding, broker } = await mqttScene(kit.cse)
      kit.cse.use(binding)
      const client = await TestClient.connect(broker, 'peer')
      for (const filter of subscribe) await client.subscribe(filter)
      for (const { topic, payload, answer } of steps) {
        const since = client.heard.length
        await client.publish(topic, JSON.stringify(payload), 1)
        if (answer === undefined) continue
        const isAnswer = (text: string) => includes(JSON.parse(text), answer.payload)
        await client.until(
          (packet) => packet.cmd === 'publish' && packet.topic === answer.topic && isAnswer(String(packet.payload)),
        )
        const others = client.heard
          .slice(since)
          .filter((packet) => packet.cmd === 'publish' && packet.topic.includes('/resp/'))
        assert.ok(others.length <= 1, client.messages.join('\n'))
      }
    })

  it('OpenMTC publishes its first request before it subscribes, in new sessions and in old ones', {
    timeout: 5000,
  }, async () => {
    const kit = await Kit.start()
    const { broker } = await mqttScene(kit.cse)
    for (let count = 0; count < 100; count++) {
      const name = `CFirst${count % 50}`
      const client = new TestClient(broker)
      const request = { op: 2, to: 'onem2m', fr: name, rqi: `r${count}` }
      client.send(
        TestClient.connectPacket(`C::${name}`, { clean: false }),
        client.publication(`/oneM2M/req/${name}/mn-cse-1/json`, JSON.stringify(request), 1),
      )
      await client.subscribe(`/oneM2M/resp/${name}/#`, 1)
      await client.until((packet) => packet.cmd === 'publish' && String(packet.payload).includes(`"r${count}"`))
      client.send({ cmd: 'disconnect' })
    }
  })
})

describe('responses of peers', () => {
  for (const { peer, title, answers, content, status } of responses as unknown as readonly ResponseCase[])
    it(`${peer} ${title}`, { timeout: 5000 }, async () => {
      const { broker, transport } = await mqttScene(new FakeCse())
      const cse = await TestClient.connect(broker, 'peer')
      await cse.subscribe('/oneM2M/req/+/peer/#')
      const client = new OneM2MClient({ transport: transport({}, 'mqtt://localhost#peer'), originator: 'CAE01' })
      const result = client.retrieve('onem2m').catch((error) => error)
      const request = await cse.until((packet) => packet.cmd === 'publish')
      assert.ok(request.cmd === 'publish')
      const wire = JSON.parse(String(request.payload)) as JsonObject
      // Nothing that one of them refuses: no parameter beyond need, numbers as numbers, a release.
      assert.deepEqual({ ...wire, rqi: '' }, { op: 2, to: 'onem2m', fr: 'CAE01', rqi: '', rvi: '3' })
      for (const { topic, payload } of answers)
        await cse.publish(topic, JSON.stringify(payload).replace('RQI', String(wire['rqi'])), 1)
      if (status === undefined) assert.deepEqual(await result, content)
      else assert.equal((await result).responseStatusCode, status)
      await client.close()
    })
})
