/**
 * The power goes at any moment of a session's life: what the store has committed is all that is left. The writer then sends again what was not
 * acknowledged, as a client has to; the reader comes back, or was away. Nothing may be missing, out of order, or there twice at QoS 2.
 */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { IPublishPacket } from 'mqtt-packet'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { ManualClock } from '../bindings/fixture.ts'
import { type Heard, settle, startBroker, TestClient } from './client.ts'

const schedules = process.env['FIELDGATE_LONG'] === '1' ? 2000 : 60

interface Sent {
  readonly number: number
  readonly qos: 1 | 2
  readonly messageId: number
  readonly topic: string
  state: 'sent' | 'received' | 'done'
}

function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
}

/** The two clients over several lives of the broker. */
class Schedule {
  readonly below: (bound: number) => number
  readonly sent: Sent[] = []
  /** What the reader heard over all its connections. */
  readonly heard: Heard[] = []
  #store = new MemoryStore({ clock: new ManualClock() })
  #broker: Awaited<ReturnType<typeof startBroker>>['broker'] | undefined
  #writer: TestClient | undefined
  #reader: TestClient | undefined

  constructor(seed: number) {
    this.below = random(seed)
  }

  async start(): Promise<void> {
    this.#broker = (await startBroker({ store: this.#store, limits: { maxInflight: 1 + this.below(20) } })).broker
    const writer = await TestClient.connect(this.#broker, 'writer', { clean: false })
    this.#writer = writer
    for (const { messageId, state, ...each } of this.sent)
      if (state === 'received') writer.send({ cmd: 'pubrel', messageId })
      else if (state === 'sent') writer.send(this.#packet({ messageId, state, ...each }, true))
  }

  /** Subscribes, before anything is sent. */
  async begin(): Promise<void> {
    this.read()
    await this.#reader?.until(({ cmd }) => cmd === 'connack')
    await this.#reader?.subscribe('#', 2)
  }

  /** The reader comes, or comes back. */
  read(): void {
    if (this.#broker === undefined || this.#reader !== undefined) return
    this.#reader = new TestClient(this.#broker)
    this.#reader.send(TestClient.connectPacket('reader', { clean: false }))
  }

  leave(): void {
    this.heard.push(...(this.#reader?.heard.splice(0) ?? []))
    this.#reader?.drop()
    this.#reader = undefined
  }

  write(count: number): void {
    const fresh = Array.from({ length: count }, () => {
      const number = this.sent.length
      const slot = this.below(9)
      const topic = slot < 3 ? `retained/${slot}` : 'queued'
      // One topic, one QoS: a message of QoS 1 that comes again after one of QoS 2 that does not is the newer one by then.
      const qos = slot < 3 ? (slot % 2) + 1 : this.below(2) + 1
      const each: Sent = { number, messageId: number + 1, qos: qos === 1 ? 1 : 2, topic, state: 'sent' }
      this.sent.push(each)
      return this.#packet(each, false)
    })
    this.#writer?.send(...fresh)
  }

  delayDisk(): void {
    if (this.below(2) === 0) this.#store.hold()
    else this.#store.release()
  }

  cut(): void {
    this.#note()
    this.leave()
    this.#writer?.drop()
    this.#store = new MemoryStore({ clock: new ManualClock(), data: new Map(this.#store.data) })
  }

  /** Resolves when everything that was sent is acknowledged, and heard as far as it will be. */
  async finish(): Promise<readonly string[]> {
    this.read()
    while (this.sent.some(({ state }) => state !== 'done')) {
      await settle()
      this.#note()
    }
    // A window of one takes a few turns for each message.
    for (let before = -1; before !== this.#reader?.heard.length; ) {
      before = this.#reader?.heard.length ?? 0
      await settle(40)
    }
    this.leave()
    const late = await TestClient.connect(this.#broker as never, 'late')
    await late.subscribe('retained/#')
    await settle()
    return late.messages
  }

  #note(): void {
    for (const packet of this.#writer?.heard.splice(0) ?? []) {
      const each = this.sent.find(({ messageId }) => messageId === packet.messageId)
      if (each === undefined) continue
      if (packet.cmd === 'puback' || packet.cmd === 'pubcomp') each.state = 'done'
      else if (packet.cmd === 'pubrec') each.state = 'received'
    }
  }

  #packet({ number, qos, messageId, topic }: Sent, dup: boolean): IPublishPacket {
    return { cmd: 'publish', topic, payload: String(number), qos, messageId, dup, retain: topic !== 'queued' }
  }
}

/** What a reader passes on that knows, as it has to, which messages of QoS 2 it has and has not been told to forget. */
function passedOn(heard: readonly Heard[]): { readonly number: number; readonly qos: number }[] {
  const pending = new Set<number>()
  return heard.flatMap((packet) => {
    if (packet.cmd === 'pubrel') pending.delete(packet.messageId ?? 0)
    if (packet.cmd !== 'publish') return []
    if (packet.qos === 2) {
      if (pending.has(packet.messageId ?? 0)) return []
      pending.add(packet.messageId ?? 0)
    }
    return [{ number: Number(packet.payload), qos: packet.qos }]
  })
}

async function play(seed: number): Promise<void> {
  const schedule = new Schedule(seed)
  const { below } = schedule
  await schedule.start()
  await schedule.begin()
  for (let life = 0; life < 4; life++) {
    for (let step = below(12); step > 0; step--) {
      const what = below(8)
      if (what < 4) schedule.write(1 + below(4))
      else if (what === 4) schedule.delayDisk()
      else if (what === 5) schedule.leave()
      else if (what === 6) schedule.read()
      await settle(below(5))
    }
    schedule.cut()
    await schedule.start()
  }
  const retained = await schedule.finish()

  const numbers = passedOn(schedule.heard)
  const first = numbers.filter(({ number }, index) => numbers.findIndex((other) => other.number === number) === index)
  assert.deepEqual(
    first.map(({ number }) => number),
    schedule.sent.map(({ number }) => number),
    `schedule ${seed}: all, in order`,
  )
  const exactlyOnce = numbers.filter(({ qos }) => qos === 2).map(({ number }) => number)
  assert.equal(new Set(exactlyOnce).size, exactlyOnce.length, `schedule ${seed}: once at QoS 2`)
  const last = new Map(schedule.sent.map(({ topic, number }) => [topic, `${topic} ${number}`]))
  last.delete('queued')
  assert.deepEqual([...retained].sort(), [...last.values()].sort(), `schedule ${seed}: what is retained`)
}

test('what was acknowledged survives the power being cut at any moment', async () => {
  for (let seed = 1; seed <= schedules; seed++) await play(seed)
})
