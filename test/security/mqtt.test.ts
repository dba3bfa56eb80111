/** What only MQTT has to pretend with: topics, subscriptions, wills, retained messages, sessions. TS-0010 clause 7. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { settle, TestClient } from '../broker/client.ts'
import { basic, House, network } from './house.ts'
import { accounts, ask, certificateOfEve, impostor, registration, retrieval, visitors, withAlice } from './scene.ts'

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
        const eve = await (visitor === 'an account'
          ? house.login('eve', { clientId: 'alice-device', clean: false })
          : TestClient.connect(house.broker, 'alice-device', {
              clean: false,
              remote:
                visitor === 'a certificate' ? { remoteAddress: network, certificateUris: [certificateOfEve] } : {},
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
    const codeOf = async (options: object) => {
      const client = await TestClient.connect(house.broker, 'visitor', {
        remote: { remoteAddress: network },
        ...options,
      })
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
    const again = await House.open(await accounts, house.store.data)
    const eve = await again.login('eve')
    assert.equal(await ask(eve, 'Ceve2', registration('Calice', 'x')), impostor)
    const back = await again.login('alice')
    assert.equal(await ask(back, 'Calice', { ...retrieval, rqi: 'again' }), 2000)
  })

  it('one AE that has forgotten its AE-ID is told which it was, and gets it back when it is gone', async () => {
    const house = await House.open(await accounts)
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
