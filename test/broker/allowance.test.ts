/** How much of the broker anybody may have: who is kept out as a socket, who is read more slowly, and that nobody else notices. */

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import test from 'node:test'
import { Allowances, neighbourOf } from '../../src/broker/allowance.ts'
import { openHouse } from '../../src/broker/authority.ts'
import { Broker, type BrokerLimits, defaultBrokerLimits } from '../../src/broker/broker.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { ManualClock } from '../bindings/fixture.ts'
import { settle, TestClient } from './client.ts'

function listeningLog() {
  const lines: string[] = []
  const note = (message: string, fields?: object) => lines.push(`${message} ${JSON.stringify(fields ?? {})}`)
  return { lines, log: { debug: note, info: note, warn: note, error: note } }
}

/** Sockets as they come, from the addresses that are given. */
function door(limits: Partial<BrokerLimits>) {
  const clock = new ManualClock()
  const refusals: string[] = []
  const allowances = new Allowances({
    limits: { ...defaultBrokerLimits, ...limits },
    clock,
    refused: (bound, remoteAddress) => refusals.push(`${bound} ${remoteAddress}`),
  })
  const come = (remoteAddress?: string) => {
    const socket = Object.assign(new EventEmitter(), { remoteAddress })
    return allowances.admits(socket) ? socket : undefined
  }
  return { clock, refusals, come }
}

test('an address of the network has so many connections; one that closes makes room, and other addresses are not concerned', () => {
  const { come, refusals } = door({ maxConnectionsPerAddress: 2 })
  const first = come('192.0.2.1')
  assert.ok(first)
  assert.ok(come('192.0.2.1'))
  assert.equal(come('192.0.2.1'), undefined)
  assert.deepEqual(refusals, ['max_connections_per_address 192.0.2.1'])
  assert.ok(come('192.0.2.2'))
  first.emit('close')
  assert.ok(come('192.0.2.1'))
  assert.equal(come('192.0.2.1'), undefined)
})

test('an address of the network has so many new connections a second, and five seconds of them at once', () => {
  const { come, clock, refusals } = door({ maxConnectRate: 2 })
  for (let atOnce = 0; atOnce < 10; atOnce++) assert.ok(come('192.0.2.1'))
  for (let knocks = 0; knocks < 10; knocks++) assert.equal(come('192.0.2.1'), undefined)
  assert.equal(refusals[0], 'max_connect_rate 192.0.2.1')
  clock.advance(500)
  assert.ok(come('192.0.2.1'), 'knocking in vain has cost nothing')
  assert.equal(come('192.0.2.1'), undefined)
})

test('who is on this machine comes in however full the network has made it', () => {
  const { come } = door({ maxConnections: 10, maxConnecting: 1, maxConnectRate: 1, maxConnectionsPerAddress: 1 })
  for (let host = 1; host <= 9; host++) assert.ok(come(`192.0.2.${host}`))
  assert.equal(come('192.0.2.10'), undefined)
  assert.ok(come('127.0.0.1'))
  assert.ok(come(undefined), 'over a Unix socket')
  assert.equal(come('::1'), undefined, 'but not without end')
})

test('an address of IPv6 stands for the network that it is in', () => {
  const cases = [
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['2001:db8:1:2::', '2001:db8:1:2'],
    ['fe80::1:2%eth0', 'fe80:0:0:0'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['192.0.2.1', '192.0.2.1'],
  ] as const
  for (const [address, neighbour] of cases) assert.equal(neighbourOf(address), neighbour, address)
})

async function house(t: test.TestContext, limits: Partial<BrokerLimits>) {
  const clock = new ManualClock()
  const { lines, log } = listeningLog()
  const broker = new Broker({ store: new MemoryStore({ clock }), clock, log, listen: [], limits })
  await broker.start()
  t.after(() => broker.stop())
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('#')
  const counted = () => reader.messages.length
  return { broker, clock, lines, reader, counted }
}

const remote = { remoteAddress: '192.0.2.1' }

test('who sends more than the rate is read more slowly, all of its connections together, and loses nothing', async (t) => {
  const { broker, clock, lines, counted } = await house(t, { maxMessageRate: 4 })
  const many = await TestClient.connect(broker, 'many', { remote })
  const more = await TestClient.connect(broker, 'more', { remote })
  const other = await TestClient.connect(broker, 'other', { remote: { remoteAddress: '192.0.2.2' } })
  many.send(...Array.from({ length: 10 }, (_, n) => many.publication('t', `${n}`)))
  await settle()
  assert.equal(counted(), 5, 'what four a second allow, and the one that showed it')
  assert.equal(broker.statistics.paced, 1)
  assert.match(lines.join(), /mqtt\.max_message_rate.*"client":"many"/)
  await other.publish('t', 'other', 1)
  more.send(more.publication('t', 'more'), more.publication('t', 'more again'))
  await settle()
  assert.equal(counted(), 7)
  for (let seconds = 0; seconds < 3; seconds++) {
    clock.advance(1000)
    await settle()
  }
  assert.equal(counted(), 13)
})

test('bytes have a rate of their own', async (t) => {
  const { broker, clock, counted } = await house(t, { maxByteRate: 2000 })
  const many = await TestClient.connect(broker, 'many', { remote })
  const large = 'x'.repeat(1500)
  many.send(...Array.from({ length: 4 }, () => many.publication('t', large)))
  await settle()
  assert.equal(counted(), 2)
  clock.advance(500)
  await settle()
  assert.equal(counted(), 2)
  clock.advance(500)
  await settle()
  assert.equal(counted(), 3)
})

test('a packet that nothing overtakes does not let a sender go on before its time', async (t) => {
  const { broker, clock, counted } = await house(t, { maxMessageRate: 1 })
  const many = await TestClient.connect(broker, 'many', { remote })
  const subscriptions = [{ topic: 'elsewhere', qos: 1 as const }]
  many.send(
    many.publication('t', '1'),
    { cmd: 'subscribe', messageId: 9, subscriptions },
    many.publication('t', '2'),
    many.publication('t', '3'),
  )
  await settle()
  assert.equal(counted(), 1)
  clock.advance(1000)
  await settle()
  assert.equal(counted(), 2)
})

test('each filter of a subscription counts', async (t) => {
  const { broker, clock, counted } = await house(t, { maxMessageRate: 4 })
  const many = await TestClient.connect(broker, 'many', { remote })
  const subscriptions = ['a', 'b', 'c', 'd', 'e', 'f'].map((topic) => ({ topic, qos: 0 as const }))
  many.send({ cmd: 'subscribe', messageId: 9, subscriptions }, many.publication('t', '1'))
  await settle()
  assert.equal(counted(), 0)
  clock.advance(500)
  await settle()
  assert.equal(counted(), 1)
})

test('who owes ten seconds, by way of many connections, is closed', async (t) => {
  const { broker, lines } = await house(t, { maxMessageRate: 1 })
  const clients = await Promise.all(
    Array.from({ length: 14 }, (_, n) => TestClient.connect(broker, `many${n}`, { remote })),
  )
  for (const client of clients) client.send(client.publication('t', 'x'))
  await settle()
  assert.deepEqual(
    clients.map(({ isOpen }) => isOpen),
    clients.map((_, n) => n < 11),
  )
  assert.equal(broker.statistics.closedBeyondBound, 3)
  assert.match(lines.join(), /went beyond a bound.*mqtt\.max_message_rate/)
})

test('on this machine there are no rates but for who has a name', async (t) => {
  const clock = new ManualClock()
  const { log } = listeningLog()
  const broker = new Broker({
    store: new MemoryStore({ clock }),
    clock,
    log,
    listen: [],
    limits: { maxMessageRate: 1 },
    authority: {
      ...openHouse,
      authenticate: ({ username }, decided) => {
        const may = { isAdministrator: false, originators: [], registersOne: false, topics: [] }
        decided({ principal: username === undefined ? undefined : { name: username, ...may } })
      },
    },
  })
  await broker.start()
  t.after(() => broker.stop())
  const nameless = await TestClient.connect(broker, 'nameless')
  const named = await TestClient.connect(broker, 'named', { username: 'barn', password: 'p' })
  const reader = await TestClient.connect(broker, 'reader')
  await reader.subscribe('#')
  for (const client of [nameless, named])
    client.send(...Array.from({ length: 5 }, () => client.publication('t', client === named ? 'named' : 'nameless')))
  await settle()
  assert.equal(reader.messages.filter((message) => message === 't nameless').length, 5)
  assert.equal(reader.messages.filter((message) => message === 't named').length, 2)
})
