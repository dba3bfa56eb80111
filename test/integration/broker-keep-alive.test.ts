/** Keep-alive in real time: node:test's timers do not know `refresh`, which is what each packet does. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { settle, startBroker, TestClient } from '../broker/client.ts'

test('a client that is silent for one and a half times its keep-alive is gone, with its will [MQTT-3.1.2-24]', async () => {
  const { broker } = await startBroker()
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('will')
  const client = new TestClient(broker)
  const will = { topic: 'will', payload: Buffer.from('gone'), qos: 0 as const, retain: false }
  client.send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId: 'c',
    clean: true,
    keepalive: 1,
    will,
  })
  await client.until((packet) => packet.cmd === 'connack')
  await wait(1000)
  // Any packet counts, also one that Aedes never sees.
  client.send(client.publication('t', 'x'))
  await wait(900)
  assert.equal(client.isOpen, true)
  await client.closed()
  await settle()
  assert.deepEqual(reader.messages, ['will gone'])
})
