/**
 * Nobody speaks for somebody else: every way in, and on each every way to pretend. Alice has registered an AE, Eve has an account as well, and
 * somebody is on the machine without any. TS-0010 clause 7, TS-0004 7.3.2.1.
 */

import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { settle, type TestClient } from '../broker/client.ts'
import { accountsOf, basic, House, network } from './house.ts'

const impostor = 4106

let accounts: Awaited<ReturnType<typeof accountsOf>>
before(async () => {
  accounts = await accountsOf(
    { name: 'alice', registersOne: true, topics: [{ filter: 'barn/#', access: 'readwrite' }] },
    {
      name: 'eve',
      registersOne: true,
      originators: ['Ceve*'],
      topics: [{ filter: 'field/%u/#', access: 'readwrite' }],
    },
    { name: 'root', isAdministrator: true },
  )
})

const registration = (originator: string, name: string) => ({
  op: 1,
  to: 'onem2m',
  fr: originator,
  rqi: `register-${name}`,
  rvi: '3',
  ty: 2,
  pc: { 'm2m:ae': { rn: name, api: 'Ntest', rr: true, srv: ['3'] } },
})

/** Sends a request on an originator's topic, and resolves with what comes back on its response topic, or undefined. */
async function ask(client: TestClient, level: string, request: object, kind = 'req'): Promise<number | undefined> {
  const answers = kind === 'req' ? 'resp' : 'reg_resp'
  await client.subscribe(`/oneM2M/${answers}/${level}/mn-cse-1/json`)
  const before_ = client.messages.length
  await client.publish(`/oneM2M/${kind}/${level}/mn-cse-1/json`, JSON.stringify(request), 1)
  await settle(30)
  const answer = client.messages.slice(before_).find((message) => message.startsWith(`/oneM2M/${answers}/`))
  return answer === undefined ? undefined : (JSON.parse(answer.slice(answer.indexOf(' '))) as { rsc: number }).rsc
}

/** A house in which Alice is registered, listens, and nobody else has come yet. */
async function withAlice(): Promise<{ readonly house: House; readonly alice: TestClient }> {
  const house = await House.open(accounts)
  const alice = await house.login('alice')
  assert.equal(await ask(alice, 'Calice', registration('Calice', 'alice')), 2001)
  await alice.subscribe('/oneM2M/req/+/Calice/#')
  return { house, alice }
}

const retrieval = { op: 2, to: 'onem2m/alice', fr: 'Calice', rqi: 'r1', rvi: '3' }

/** Who pretends, and how it comes in. */
const visitors: Readonly<Record<string, (house: House) => Promise<TestClient>>> = {
  'an account': (house) => house.login('eve'),
  'a certificate': async (house) => {
    const { TestClient: Client } = await import('../broker/client.ts')
    return Client.connect(house.broker, 'eve-device', {
      remote: { remoteAddress: network, certificateUris: ['//openmtc.org/mn-cse-1/Ceve'] },
    })
  },
  'loopback without credentials': async (house) => {
    const { TestClient: Client } = await import('../broker/client.ts')
    return Client.connect(house.broker, 'local-device')
  },
}

describe('over MQTT', () => {
  for (const [visitor, connect] of Object.entries(visitors)) {
    it(`${visitor} does not speak on another's topic`, async () => {
      const { house, alice } = await withAlice()
      const eve = await connect(house)
      const heard = alice.messages.length
      assert.equal(await ask(eve, 'Calice', retrieval), undefined)
      assert.equal(alice.messages.length, heard, 'nor is anything answered to the other')
      assert.equal(house.broker.statistics.refusedMessages, 1)
      assert.match(house.warnings.at(-1)?.message ?? '', /refused/)
    })

    it(`${visitor} does not name another in fr`, async () => {
      const { house } = await withAlice()
      const eve = await connect(house)
      assert.equal(await ask(eve, 'Ceve', retrieval), impostor)
    })

    it(`${visitor} does not name another in fr in its absolute form, or of another provider`, async () => {
      const { house } = await withAlice()
      const eve = await connect(house)
      const absolute = { ...retrieval, fr: '//openmtc.org/mn-cse-1/Calice' }
      assert.equal(await ask(eve, 'Ceve', absolute), impostor)
      assert.equal(await ask(eve, 'Ceve', { ...retrieval, rqi: 'r2', fr: '//other.org/mn-cse-1/Calice' }), impostor)
    })

    it(`${visitor} does not register another's AE-ID, here or where nobody has an identifier yet`, async () => {
      const { house } = await withAlice()
      const eve = await connect(house)
      assert.equal(await ask(eve, 'Ceve', registration('Calice', 'stolen')), impostor)
      assert.equal(await ask(eve, 'device-9', registration('Calice', 'stolen2'), 'reg_req'), impostor)
    })

    it(`${visitor} hears neither another's responses nor its notifications, whatever it subscribes to`, async () => {
      const { house, alice } = await withAlice()
      const eve = await connect(house)
      for (const filter of ['#', '/oneM2M/#', '/oneM2M/resp/Calice/#', '/oneM2M/req/+/Calice/json'])
        assert.notEqual(await eve.subscribe(filter), 128)
      assert.equal(await ask(alice, 'Calice', retrieval), 2000)
      house.broker.send({ topic: '/oneM2M/req/mn-cse-1/Calice/json', payload: '{}', qos: 1 })
      await settle()
      assert.deepEqual(eve.messages, [])
    })

    it(`${visitor} does not answer what another was asked`, async () => {
      const { house, alice } = await withAlice()
      const container = { ...retrieval, op: 1, ty: 3, rqi: 'c1', pc: { 'm2m:cnt': { rn: 'data' } } }
      assert.equal(await ask(alice, 'Calice', container), 2001)
      const subscription = { 'm2m:sub': { rn: 'sub', nu: ['Calice'], enc: { net: [3] } } }
      assert.equal(
        await ask(alice, 'Calice', { ...container, to: 'onem2m/alice/data', ty: 23, rqi: 'c2', pc: subscription }),
        2001,
      )
      const instance = { ...container, to: 'onem2m/alice/data', ty: 4, rqi: 'c3', pc: { 'm2m:cin': { con: '1' } } }
      assert.equal(await ask(alice, 'Calice', instance), 2001)
      const notification = alice.messages.find((message) => message.includes('m2m:sgn')) ?? ''
      const { rqi } = JSON.parse(notification.slice(notification.indexOf(' '))) as { rqi: string }
      const eve = await connect(house)
      const answer = JSON.stringify({ rsc: 2000, rqi, rvi: '3' })
      await eve.publish('/oneM2M/resp/mn-cse-1/Calice/json', answer, 1)
      await settle()
      assert.equal(house.broker.statistics.refusedMessages, 1)
    })

    it(`${visitor} leaves no will, and nothing retained, on another's topic`, async () => {
      const { house, alice } = await withAlice()
      const eve = await connect(house)
      await eve.publish('/oneM2M/req/Calice/mn-cse-1/json', JSON.stringify(retrieval), 1, { retain: true })
      assert.equal(house.broker.retainedMessages, 0)
      const heard = alice.messages.length
      eve.drop()
      await settle()
      assert.equal(alice.messages.length, heard)
    })

    it(`${visitor} does not take over another's session by its client identifier`, async () => {
      const { house, alice } = await withAlice()
      await assert.rejects(async () => {
        const { TestClient: Client } = await import('../broker/client.ts')
        const eve = await (visitor === 'an account'
          ? house.login('eve', { clientId: 'alice-device', clean: false })
          : Client.connect(house.broker, 'alice-device', {
              clean: false,
              remote:
                visitor === 'a certificate'
                  ? { remoteAddress: network, certificateUris: ['//openmtc.org/mn-cse-1/Ceve'] }
                  : {},
            }))
        const connack = eve.heard.find(({ cmd }) => cmd === 'connack')
        assert.equal(connack?.cmd === 'connack' && connack.returnCode, 2)
        throw new Error('refused')
      }, /refused|closed/)
      assert.equal(alice.isOpen, true)
      assert.equal(await ask(alice, 'Calice', { ...retrieval, rqi: 'after' }), 2000)
    })
  }

  it("a will on another's topic is not published", async () => {
    const { house, alice } = await withAlice()
    const will = {
      topic: '/oneM2M/req/Calice/mn-cse-1/json',
      payload: Buffer.from(JSON.stringify(retrieval)),
      qos: 1,
      retain: false,
    } as const
    const eve = await house.login('eve', { will })
    const heard = alice.messages.length
    eve.drop()
    await settle()
    assert.equal(alice.messages.length, heard)
    assert.equal(house.broker.statistics.refusedMessages, 1)
  })

  it('a client identifier that names the AE of somebody else is rejected', async () => {
    const { house } = await withAlice()
    const eve = await house.login('eve', { clientId: 'A::Calice' }).catch((error: Error) => error)
    assert.ok(eve instanceof Error || eve.heard.some((packet) => packet.cmd === 'connack' && packet.returnCode === 2))
    const alice = await house.login('alice', { clientId: 'A::Calice' })
    assert.equal(await ask(alice, 'Calice', { ...retrieval, rqi: 'again' }), 2000)
  })

  it('without credentials nobody comes in from the network; with wrong ones nobody at all', async () => {
    const { house } = await withAlice()
    const { TestClient: Client } = await import('../broker/client.ts')
    const codeOf = async (options: object) => {
      const client = await Client.connect(house.broker, 'visitor', { remote: { remoteAddress: network }, ...options })
      const connack = client.heard.find(({ cmd }) => cmd === 'connack')
      return connack?.cmd === 'connack' ? connack.returnCode : undefined
    }
    assert.equal(await codeOf({}), 5)
    assert.equal(await codeOf({ username: 'alice', password: 'guess' }), 4)
    assert.equal(await codeOf({ username: 'nobody', password: 'guess' }), 4)
    assert.equal(await codeOf({ username: 'alice', password: 'guess', remote: {} }), 4)
  })

  it('plain topics are those that an account has', async () => {
    const { house, alice } = await withAlice()
    const eve = await house.login('eve')
    await alice.subscribe('#')
    await eve.subscribe('#')
    await alice.publish('barn/temperature', '21', 1)
    await eve.publish('barn/temperature', '99', 1)
    await eve.publish('field/eve/light', 'on', 1)
    await eve.publish('field/alice/light', 'on', 1)
    await settle()
    assert.deepEqual(
      alice.messages.filter((text) => !text.startsWith('/')),
      ['barn/temperature 21'],
    )
    assert.deepEqual(eve.messages, ['field/eve/light on'])
    assert.equal(house.broker.statistics.refusedMessages, 2)
  })

  it('one AE is registered and kept, also over a restart; another is not', async () => {
    const { house, alice } = await withAlice()
    assert.equal(await ask(alice, 'Csecond', registration('Csecond', 'second')), undefined)
    assert.equal(house.broker.statistics.refusedMessages, 1)
    assert.equal(await ask(alice, 'Calice', { ...registration('Csecond', 'second'), rqi: 'other' }), impostor)
    await house.stop()
    const again = await House.open(accounts, house.store.data)
    const eve = await again.login('eve')
    assert.equal(await ask(eve, 'Ceve2', registration('Calice', 'x')), impostor)
    const back = await again.login('alice')
    assert.equal(await ask(back, 'Calice', { ...retrieval, rqi: 'again' }), 2000)
  })

  it('one AE that has forgotten its AE-ID is told which it was, and gets it back when it is gone', async () => {
    const house = await House.open(accounts)
    const register = async (name: string, fr = 'C') => {
      const headers = { Authorization: basic('alice'), 'X-M2M-Origin': fr, 'Content-Type': 'application/json;ty=2' }
      const { responseStatusCode, body } = await house.http('/onem2m', headers, { body: registration('', name).pc })
      return { responseStatusCode, body: JSON.parse(body) }
    }
    const first = await register('first')
    assert.equal(first.responseStatusCode, 2001)
    const aeId: string = first.body['m2m:ae'].aei
    const again = await register('second')
    assert.equal(again.responseStatusCode, 4117)
    assert.match(again.body['m2m:dbg'], new RegExp(`${aeId} is registered already`))
    assert.equal((await register('second', 'Cother')).responseStatusCode, impostor)
    const alice = { Authorization: basic('alice'), 'X-M2M-Origin': aeId }
    assert.equal((await house.http('/onem2m/first', alice, { method: 'DELETE' })).responseStatusCode, 2002)
    const third = await register('third', '')
    assert.deepEqual([third.responseStatusCode, third.body['m2m:ae']?.aei], [2001, aeId])
  })

  it('an administrator is a principal, and may do everything', async () => {
    const { house } = await withAlice()
    const root = await house.login('root')
    assert.equal(await ask(root, 'Calice', { ...retrieval, rqi: 'as-alice' }), 2000)
    await root.subscribe('/oneM2M/#')
    assert.equal(await ask(root, 'Croot', { op: 4, to: 'onem2m/alice', fr: 'Croot', rqi: 'd', rvi: '3' }), 2002)
  })
})

describe('over HTTP', () => {
  const ways: Readonly<Record<string, { readonly headers: Record<string, string>; readonly remoteAddress: string }>> = {
    'a name and a password': { headers: { Authorization: basic('eve') }, remoteAddress: network },
    'a token': { headers: { Authorization: 'Bearer token-eve' }, remoteAddress: network },
    'loopback without credentials': { headers: {}, remoteAddress: '127.0.0.1' },
  }
  for (const [way, { headers, remoteAddress }] of Object.entries(ways))
    for (const originator of ['Calice', '/mn-cse-1/Calice', '//openmtc.org/mn-cse-1/Calice'])
      it(`${way} does not make X-M2M-Origin ${originator} somebody else's`, async () => {
        const { house } = await withAlice()
        const answer = await house.http('/onem2m/alice', { ...headers, 'X-M2M-Origin': originator }, { remoteAddress })
        assert.deepEqual([answer.status, answer.responseStatusCode], [403, impostor])
        assert.match(house.warnings.at(-1)?.message ?? '', /somebody else/)
      })

  it('without credentials from the network, or with wrong ones, is 401', async () => {
    const { house } = await withAlice()
    for (const Authorization of [undefined, basic('alice', 'guess'), 'Bearer guess', 'Negotiate x']) {
      const headers = { 'X-M2M-Origin': 'Calice', ...(Authorization === undefined ? {} : { Authorization }) }
      const answer = await house.http('/onem2m/alice', headers)
      assert.deepEqual([answer.status, answer.responseStatusCode], [401, impostor])
      assert.match(String(answer.headers['www-authenticate']), /Basic/)
    }
  })

  it("gives the honest what is theirs, and not the answer to another's request", async () => {
    const { house } = await withAlice()
    const alice = { Authorization: basic('alice'), 'X-M2M-Origin': 'Calice', 'X-M2M-RI': 'same' }
    const body = { 'm2m:cnt': { rn: 'secret' } }
    const type = { 'Content-Type': 'application/json;ty=3' }
    assert.equal((await house.http('/onem2m/alice', { ...alice, ...type }, { body })).status, 201)
    const eve = await house.http('/onem2m/alice', { ...alice, ...type, Authorization: basic('eve') }, { body })
    assert.deepEqual([eve.status, eve.responseStatusCode], [403, impostor])
  })

  it('leaves who guesses waiting, and nobody else', async () => {
    const { house } = await withAlice()
    const guess = () => house.http('/onem2m', { Authorization: basic('alice', 'guess'), 'X-M2M-Origin': 'Calice' })
    for (let count = 0; count < 5; count++) assert.equal((await guess()).status, 401)
    assert.match((await guess()).body, /too many/)
    const elsewhere = { headers: { Authorization: basic('alice'), 'X-M2M-Origin': 'Calice' } }
    assert.equal((await house.http('/onem2m/alice', elsewhere.headers, { remoteAddress: '192.0.2.8' })).status, 200)
  })
})
