/**
 * A long load on the broker, with everything at once that wears brokers out: clients that come and go by the hundred, a subscriber that never
 * reads, retained topics that change and are forgotten. Meanwhile a numbered stream at QoS 1 goes to a persistent session that comes and goes
 * as well, of which nothing may be missing. Memory is printed; it has to stay flat.
 */

import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import mqtt from 'mqtt-packet'
import { Peer } from '../bench/broker-load.ts'
import { BrokerSide } from '../bench/broker-side.ts'

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    clients: { type: 'string', default: '1000' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (options.help) {
  process.stdout.write('node test/soak/broker.ts [--minutes 60] [--clients 1000]\n')
  process.exit(0)
}

const side = await BrokerSide.start('ours')
const { port } = side
const endMs = performance.now() + Number(options.minutes) * 60_000
const isOver = () => performance.now() > endMs
let comings = 0
let sent = 0
let acknowledged = 0
/** Numbers that arrived; QoS 1 may bring one twice. */
const arrived = new Set<number>()

const packet = (topic: string, payload: string, qos: 0 | 1, retain = false, messageId = 1) =>
  mqtt.generate({ cmd: 'publish', topic, payload, qos, retain, dup: false, ...(qos > 0 ? { messageId } : {}) })

async function comeAndGo(index: number): Promise<void> {
  while (!isOver()) {
    const peer = await Peer.open({ port, clientId: `soak${index}`, clean: index % 3 !== 0 })
    comings++
    await peer.subscribe(`soak/${index % 50}/#`, (index % 2) as 0)
    peer.write(packet(`soak/${index % 50}/x`, 'hello', 1))
    peer.write(packet(`kept/${index}/${comings % 7}`, comings % 3 === 0 ? '' : 'x'.repeat(200), 0, true))
    await wait(200 + (index % 10) * 400)
    await peer.close()
  }
}

/** Subscribes to everything, and reads nothing; the broker closes it, and it comes again. */
async function freeze(): Promise<void> {
  while (!isOver()) {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('error', () => {})
    socket.write(
      Buffer.concat([
        mqtt.generate({
          cmd: 'connect',
          clientId: 'frozen',
          clean: true,
          keepalive: 0,
          protocolId: 'MQTT',
          protocolVersion: 4,
        }),
        mqtt.generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 1 }] }),
      ]),
    )
    socket.pause()
    await wait(20_000)
    socket.destroy()
  }
}

async function publishStream(): Promise<void> {
  const peer = await Peer.open({ port, clientId: 'stream' })
  peer.onAcknowledged = () => acknowledged++
  while (!isOver()) {
    if (sent - acknowledged < 50) {
      sent++
      peer.write(packet('stream', `number ${sent}`, 1, false, (sent % 60_000) + 1))
    }
    await wait(5)
  }
  while (acknowledged < sent) await wait(10)
  await peer.close()
}

async function readStream(): Promise<void> {
  const open = () =>
    Peer.open({
      port,
      clientId: 'stream-reader',
      clean: false,
      onPublish: (chunk, start, end) =>
        arrived.add(Number(/number (\d+)$/.exec(chunk.toString('latin1', start, end))?.[1])),
    })
  while (!isOver() || arrived.size < sent) {
    const peer = await open()
    await peer.subscribe('stream', 1)
    await wait(1500)
    await peer.close()
    await wait(200)
    if (performance.now() > endMs + 30_000) break
  }
}

async function watch(): Promise<void> {
  while (!isOver()) {
    await wait(Math.min(10_000, endMs - performance.now() + 1))
    await side.collectGarbage()
    const facts = [
      `${(side.rssKiB / 1024).toFixed(0)} MiB`,
      `${comings} connections`,
      `${sent} sent`,
      `${arrived.size} arrived`,
    ]
    process.stdout.write(`${facts.join(', ')}\n`)
  }
}

try {
  const clients = Array.from({ length: Number(options.clients) }, (_, index) => comeAndGo(index))
  // The session is there before the first message is.
  const first = await Peer.open({ port, clientId: 'stream-reader', clean: false })
  await first.subscribe('stream', 1)
  await first.close()
  await Promise.all([...clients, freeze(), publishStream(), readStream(), watch()])
  const missing = sent - arrived.size
  process.stdout.write(missing === 0 ? `nothing of ${sent} is missing\n` : `${missing} of ${sent} are MISSING\n`)
  process.exitCode = missing === 0 ? 0 : 1
} finally {
  await side.stop()
}
