import { LocalTransport } from '../../src/client/local-transport.ts'
import type { Delivery } from '../../src/cse/handler.ts'
import type { ResponsePrimitive } from '../../src/onem2m/primitive.ts'
import { testTransport } from '../conformance/transport.ts'
import { mqttScene } from './mqtt-scene.ts'

testTransport('in this process', async (cse) => {
  let send: ((delivery: Delivery) => Promise<ResponsePrimitive>) | undefined
  const local = {
    handle: cse.handle.bind(cse),
    use: (requester: { send: NonNullable<typeof send> }) => {
      send = requester.send
    },
  }
  return {
    transport: new LocalTransport({ cse: local }),
    async deliver(pointOfAccess, target, request) {
      if (send === undefined) throw new Error('nobody serves')
      return send({ pointOfAccess, target, request, timeoutMs: 1000 })
    },
    async end() {},
  }
})

for (const serialization of ['json', 'cbor'] as const)
  testTransport(`MQTT, ${serialization}`, async (cse) => {
    const { transport, binding } = await mqttScene(cse)
    return {
      transport: transport({ serialization }),
      deliver: (pointOfAccess, target, request) =>
        binding.send({ pointOfAccess, target, request, timeoutMs: 1000, serialization }),
      async end() {},
    }
  })
