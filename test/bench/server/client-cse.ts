/**
 * What people build today: the CSE in a process of its own, as a client (mqtt.js) of a broker in another. `client-cse.ts PORT DIRECTORY`; the
 * broker listens there already.
 */

import type { Socket } from 'node:net'
import { connect } from 'mqtt'
import { systemClock } from '../../../src/appliance/system-clock.ts'
import { MqttBinding } from '../../../src/bindings/mqtt.ts'
import type { TopicBroker } from '../../../src/bindings/topic-consumer.ts'
import { log, own, sayReady, startBenchCse } from './bench-cse.ts'

const [port = '', directory = ''] = process.argv.slice(2)
const { cse } = await startBenchCse(directory)
const client = connect(`mqtt://127.0.0.1:${port}`, { clientId: 'cse' })
const broker: TopicBroker = {
  consume(consumer) {
    client.on('message', (topic, payload, { qos, dup }) => {
      if (consumer.takes(topic))
        consumer.consume({ topic, payload, qos, isDuplicate: dup, connection: undefined }, () => {})
    })
  },
  send({ topic, payload, qos }) {
    client.publish(topic, payload, { qos })
    return 'routed'
  },
}
const binding = new MqttBinding({ broker, handler: cse, own, clock: systemClock, log })
binding.start()
cse.use(binding)
client.once('connect', () => {
  // At its best: with Nagle's algorithm each acknowledgement waits 40 ms for the next.
  ;(client.stream as unknown as Socket).setNoDelay(true)
  const topics = ['/oneM2M/req/+/mn-cse-1/+', '/oneM2M/reg_req/+/mn-cse-1/+', '/oneM2M/resp/mn-cse-1/+/+']
  client.subscribe(topics, { qos: 1 }, () => sayReady(Number(port)))
})
