/** A broker in this process with a CSE behind it, and clients whose connections are pairs of streams that a test can cut. */

import { type Duplex, duplexPair } from 'node:stream'
import { MqttBinding } from '../../src/bindings/mqtt.ts'
import { MqttTransport, type MqttTransportOptions } from '../../src/client/mqtt-transport.ts'
import type { RequestHandler } from '../../src/cse/handler.ts'
import { own, silent } from '../bindings/fixture.ts'
import { startBroker } from '../broker/client.ts'

export async function mqttScene(handler: RequestHandler, cseId = own.cseId) {
  const { broker, clock } = await startBroker()
  const binding = new MqttBinding({ broker, handler, own: { ...own, cseId }, clock, log: silent })
  binding.start()
  const connections: Duplex[] = []
  const open = (): Duplex => {
    const [near, far] = duplexPair()
    // As a socket does; a pair of streams leaves the other end open.
    far.once('close', () => near.destroy())
    near.once('close', () => far.destroy())
    broker.handle(far)
    connections.push(near)
    return near
  }
  return {
    broker,
    binding,
    /** Made so far, the newest last. */
    connections,
    open,
    transport: (options: MqttTransportOptions = {}, url = 'mqtt://localhost#mn-cse-1') =>
      new MqttTransport(url, { open, random: () => 0, ...options }),
  }
}
