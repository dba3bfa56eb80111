/** The gateway without its fast path: requests and responses take the way that every MQTT message takes. `generic-path.ts DIRECTORY` */

import { systemClock } from '../../../src/appliance/system-clock.ts'
import { MqttBinding } from '../../../src/bindings/mqtt.ts'
import { Broker } from '../../../src/broker/broker.ts'
import { log, own, sayReady, startBenchCse } from './bench-cse.ts'

const { store, cse } = await startBenchCse(process.argv[2] ?? '')
const listen = [{ host: '127.0.0.1', port: 0 }]
const broker = new Broker({ store, clock: systemClock, log, listen, fastPath: false })
const binding = new MqttBinding({ broker, handler: cse, own, clock: systemClock, log })
binding.start()
cse.use(binding)
const [address] = await broker.start()
sayReady(address?.port ?? 0)
