/** A broker alone in its process: `broker-server.ts ours|aedes|aedes-level PORT DIRECTORY`. */

import { createServer } from 'node:net'
import { join } from 'node:path'
import { Aedes } from 'aedes'
// @ts-expect-error: the package has no types.
import levelPersistence from 'aedes-persistence-level'
import { Level } from 'level'
import { systemClock } from '../../src/appliance/system-clock.ts'
import { Broker } from '../../src/broker/broker.ts'
import type { Log } from '../../src/onem2m/log.ts'
import { LevelStore } from '../../src/store/level-store.ts'

const [name, portText, directory = ''] = process.argv.slice(2)
const port = Number(portText)
const log: Log = { debug() {}, info() {}, warn: console.warn, error: console.error }

// Memory is compared without what the collector has not looked at yet.
process.on('SIGUSR2', () => globalThis.gc?.())

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
  const options =
    name === 'aedes-level' ? { persistence: levelPersistence(new Level(join(directory, 'level')) as never) } : {}
  const broker = new Aedes(options)
  await broker.listen()
  createServer({ noDelay: true }, (socket) => broker.handle(socket)).listen(port, '127.0.0.1')
}
