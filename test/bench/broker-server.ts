/** A broker alone in its process: `broker-server.ts ours|aedes PORT DIRECTORY`. */

import { EventEmitter } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Aedes } from 'aedes'
import { systemClock } from '../../src/appliance/system-clock.ts'
import { Broker } from '../../src/broker/broker.ts'
import type { Log } from '../../src/onem2m/log.ts'
import { LevelStore } from '../../src/store/level-store.ts'

const [name, portText, directory = ''] = process.argv.slice(2)
const port = Number(portText)
/** Each once, as the appliance's log would say it once a minute. */
const said = new Set<string>()
const say = (message: string) => {
  if (!said.has(message)) console.error(message)
  said.add(message)
}
const log: Log = { debug() {}, info() {}, warn: say, error: say }

// Memory is compared without what the collector has not looked at yet.
let warnings = 0
process.on('warning', () => warnings++)
process.on('message', () => {
  globalThis.gc?.()
  const handles = Reflect.apply(Reflect.get(process, '_getActiveHandles'), process, []) as object[]
  const emitters = [process, ...handles].filter((handle) => handle instanceof EventEmitter)
  const listeners = emitters.flatMap((emitter) => emitter.eventNames().map((event) => emitter.listenerCount(event)))
  process.send?.({
    heapMiB: process.memoryUsage().heapUsed / 1_048_576,
    sockets: process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length,
    warnings,
    listeners: listeners.reduce((sum, count) => sum + count, 0),
  })
})

if (name === 'ours') {
  const store = new LevelStore({
    directory: join(directory, 'store'),
    durability: 'power-cut',
    log,
    clock: systemClock,
  })
  await store.start()
  const listen = [{ host: '127.0.0.1', port }]
  const limits = { maxConnections: 10_000, maxConnecting: 1000 }
  await new Broker({ store, clock: systemClock, log, listen, limits }).start()
} else {
  const broker = new Aedes()
  await broker.listen()
  createServer({ noDelay: true }, (socket) => broker.handle(socket)).listen(port, '127.0.0.1')
}
