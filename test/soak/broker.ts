/**
 * A long load on the broker, with everything at once that wears brokers out: clients that come and go by the hundred, a subscriber that never
 * reads, retained topics that change and are forgotten. Meanwhile a numbered stream at QoS 1 and 2 goes to a persistent session that comes and
 * goes as well, of which nothing may be missing, twice or out of order. Memory, sockets and listeners are looked at; they have to stay flat.
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
    stay: { type: 'string', default: '5' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (options.help) {
  process.stdout.write(`npm run soak -- [--minutes 60] [--clients 1000] [--stay 5]

  --minutes N   how long
  --clients N   clients that come and go
  --stay N      seconds that the longest of them stays before it goes
`)
  process.exit(0)
}

const side = await BrokerSide.start('ours')
const { port } = side
const startMs = performance.now()
const endMs = startMs + Number(options.minutes) * 60_000
const isOver = () => performance.now() > endMs
let comings = 0
let sent = 0
let acknowledged = 0
/** Times that the broker closed the subscriber that does not read. */
let freezes = 0
let outOfOrder = 0
let twice = 0
let last = 0
const arrived = new Set<number>()

const packet = (topic: string, payload: string, qos: 0 | 1 | 2, retain = false, messageId = 1) =>
  mqtt.generate({ cmd: 'publish', topic, payload, qos, retain, dup: false, ...(qos > 0 ? { messageId } : {}) })

/** Pauses that end with the run. */
const pause = (ms: number) => wait(Math.max(0, Math.min(ms, endMs - performance.now() + 1)))

async function comeAndGo(index: number): Promise<void> {
  const clientId = `soak${index}`
  await pause((index % 100) * 10 * Number(options.stay))
  while (!isOver()) {
    const peer = await Peer.open({ port, clientId, clean: index % 3 !== 0 })
    comings++
    await peer.subscribe(`soak/${index % 50}/#`, (index % 3) as 0)
    peer.write(packet(`soak/${index % 50}/x`, 'hello', 1))
    peer.write(packet(`kept/${index}/${comings % 7}`, comings % 3 === 0 ? '' : 'x'.repeat(200), 0, true))
    await pause((0.1 + (index % 10) * 0.1) * 1000 * Number(options.stay))
    await peer.close()
  }
  // Nothing of it is left: no session, no retained message. Not all at once, which the broker would refuse.
  await wait(index * 5)
  const peer = await Peer.open({ port, clientId })
  for (let n = 0; n < 7; n++) peer.write(packet(`kept/${index}/${n}`, '', 0, true))
  await peer.close()
}

/** Subscribes to everything, and reads nothing; the broker closes it, and it comes again. */
async function freeze(): Promise<void> {
  while (!isOver()) {
    const socket = connect({ port, host: '127.0.0.1' })
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
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
    // A socket that reads nothing does not hear either that it was closed: writing tells.
    socket.pause()
    const ping = setInterval(() => socket.write(mqtt.generate({ cmd: 'pingreq' })), 1000)
    const wasClosed = await Promise.race([closed.then(() => true), pause(300_000).then(() => false)])
    if (wasClosed) freezes++
    clearInterval(ping)
    socket.destroy()
  }
}

/** What fills the frozen one's buffers. */
async function fill(): Promise<void> {
  const peer = await Peer.open({ port, clientId: 'filler' })
  while (!isOver()) {
    peer.write(packet('filler', 'x'.repeat(8192), 0))
    await wait(50)
  }
  await peer.close()
}

async function publishStream(): Promise<void> {
  const peer = await Peer.open({ port, clientId: 'stream' })
  peer.onAcknowledged = () => acknowledged++
  while (!isOver()) {
    if (sent - acknowledged < 50) {
      sent++
      peer.write(packet('stream', `number ${sent}`, sent % 2 === 0 ? 2 : 1, false, (sent % 60_000) + 1))
    }
    await wait(20)
  }
  while (acknowledged < sent) await wait(10)
  await peer.close()
}

function takeStream(chunk: Buffer, start: number, end: number): void {
  const number = Number(/number (\d+)$/.exec(chunk.toString('latin1', start, end))?.[1])
  const isDuplicate = ((chunk[start] as number) & 8) !== 0
  if (arrived.has(number)) {
    // At QoS 1 it may come again, and at QoS 2 when our PUBREC was lost with the connection: both say so.
    if (!isDuplicate) twice++
    return
  }
  if (number < last) outOfOrder++
  last = number
  arrived.add(number)
}

async function readStream(): Promise<void> {
  const open = () => Peer.open({ port, clientId: 'stream-reader', clean: false, onPublish: takeStream })
  while (!isOver() || arrived.size < sent) {
    const peer = await open()
    await peer.subscribe('stream', 2)
    await wait(1500)
    await peer.close()
    await wait(200)
    if (performance.now() > endMs + 30_000) break
  }
}

/** Between the first and the last tenth: what is needed once is there by then. */
const rssMiB: number[] = []

async function watch(): Promise<void> {
  const every = Math.min(60_000, Number(options.minutes) * 3000)
  while (!isOver()) {
    await pause(every)
    const { heapMiB, sockets, listeners } = await side.facts()
    rssMiB.push(side.rssKiB / 1024)
    const facts = [
      `${((performance.now() - startMs) / 60_000).toFixed(1)} min`,
      `${(side.rssKiB / 1024).toFixed(1)} MiB resident`,
      `${heapMiB.toFixed(1)} MiB heap`,
      `${sockets} sockets`,
      `${listeners} listeners`,
      `${comings} connections`,
      `${freezes} frozen ones closed`,
      `${arrived.size} of ${sent} arrived`,
    ]
    process.stdout.write(`${facts.join(', ')}\n`)
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

try {
  // The session is there before the first message is.
  const first = await Peer.open({ port, clientId: 'stream-reader', clean: false })
  await first.subscribe('stream', 2)
  await first.close()
  const before = await side.facts()
  const clients = Array.from({ length: Number(options.clients) }, (_, index) => comeAndGo(index))
  await Promise.all([...clients, freeze(), fill(), publishStream(), readStream(), watch()])
  await wait(1000)
  const after = await side.facts()
  const tenth = Math.ceil(rssMiB.length / 10)
  // The first tenth fills tables and caches.
  const early = mean(rssMiB.slice(tenth, 3 * tenth))
  const late = mean(rssMiB.slice(-2 * tenth))
  const faults = [
    ...(sent === arrived.size ? [] : [`${sent - arrived.size} of ${sent} are missing`]),
    ...(twice === 0 ? [] : [`${twice} came twice`]),
    ...(outOfOrder === 0 ? [] : [`${outOfOrder} came out of order`]),
    ...(after.sockets > before.sockets ? [`${after.sockets} sockets are left of ${before.sockets}`] : []),
    ...(after.listeners > before.listeners ? [`${after.listeners} listeners are left of ${before.listeners}`] : []),
    ...(after.warnings > 0 ? [`Node warned ${after.warnings} times`] : []),
    ...(late > early * 1.1 ? ['memory grows'] : []),
  ]
  process.stdout.write(
    `${sent} messages, ${comings} connections, ${freezes} frozen ones closed; resident ${early.toFixed(1)} MiB early, ${late.toFixed(1)} late; ` +
      `heap at the end ${after.heapMiB.toFixed(1)} MiB: ${faults.length === 0 ? 'sound' : faults.join(', ')}\n`,
  )
  process.exitCode = faults.length === 0 ? 0 : 1
} finally {
  await side.stop()
}
