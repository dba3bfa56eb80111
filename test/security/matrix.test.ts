/**
 * Nobody speaks for somebody else: every way in, and on each every way to pretend. Each is refused with the same response status code, counted
 * and logged once, and Alice, who comes in the same way, notices nothing. TS-0010 clause 7, TS-0004 7.3.2.1.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestClient } from '../broker/client.ts'
import { basic, type House } from './house.ts'
import { ask, certificateOfEve, impostor, registration, retrieval, visitors, withAlice } from './scene.ts'

interface Primitive {
  readonly op: number
  readonly to: string
  readonly fr: string
  readonly rqi: string
  readonly ty?: number
  readonly pc?: object
}

/** Sends a request by the one connection or account, and resolves with its response status code. */
type Way = (house: House) => Promise<(request: Primitive) => Promise<number | undefined>>

/** Two of a kind: how somebody who pretends comes in, and how Alice does. */
interface Pair {
  readonly eve: Way
  readonly alice: Way
}

const certificateOfAlice = '//openmtc.org/mn-cse-1/Calice'
const loopback = '127.0.0.1'

/** On the topics of an AE-ID, which is the connection's own. */
const mqtt =
  (connect: (house: House) => Promise<TestClient>, level: string): Way =>
  async (house) => {
    const client = await connect(house)
    return (request) => ask(client, level, { rvi: '3', ...request })
  }

const http =
  (
    headers: Readonly<Record<string, string>>,
    from: { readonly remoteAddress?: string; readonly certificateUri?: string } = {},
  ): Way =>
  async (house) =>
  async ({ op, to, fr, rqi, ty, pc }) => {
    const method = ['', 'POST', 'GET', 'PUT', 'DELETE', 'POST'][op] ?? ''
    const type = op === 1 ? { 'Content-Type': `application/json;ty=${ty}` } : {}
    const ofPrimitive = { 'X-M2M-Origin': fr, 'X-M2M-RI': rqi, 'X-M2M-RVI': '3', ...type }
    const options = { ...from, method, ...(pc === undefined ? {} : { body: pc }) }
    return (await house.http(`/${to}`, { ...headers, ...ofPrimitive }, options)).responseStatusCode
  }

const websocket =
  (
    headers: Readonly<Record<string, string>>,
    from: { readonly remoteAddress?: string; readonly certificateUri?: string } = {},
  ): Way =>
  async (house) => {
    const { ask: askBySocket } = await house.websocket(headers, from)
    return async (request) => Number((await askBySocket({ rvi: '3', ...request }))['rsc'])
  }

const byAccount = { eve: { Authorization: basic('eve') }, alice: { Authorization: basic('alice') } }
const byToken = { eve: { Authorization: 'Bearer token-eve' }, alice: { Authorization: 'Bearer token-alice' } }
const byCertificate = { eve: { certificateUri: certificateOfEve }, alice: { certificateUri: certificateOfAlice } }

const ways: Readonly<Record<string, Pair>> = {
  ...Object.fromEntries(
    Object.entries(visitors).map(([visitor, connect]) => [
      `MQTT, ${visitor}`,
      {
        eve: mqtt(connect, 'Ceve'),
        alice: mqtt((house) => house.login('alice', { clientId: 'alice-second' }), 'Calice'),
      },
    ]),
  ),
  'HTTP, a name and a password': { eve: http(byAccount.eve), alice: http(byAccount.alice) },
  'HTTP, a token': { eve: http(byToken.eve), alice: http(byToken.alice) },
  'HTTP, a certificate': { eve: http({}, byCertificate.eve), alice: http(byAccount.alice) },
  'HTTP, loopback without credentials': { eve: http({}, { remoteAddress: loopback }), alice: http(byAccount.alice) },
  'WebSocket, a name and a password': { eve: websocket(byAccount.eve), alice: websocket(byAccount.alice) },
  'WebSocket, a token': { eve: websocket(byToken.eve), alice: websocket(byToken.alice) },
  'WebSocket, a certificate': { eve: websocket({}, byCertificate.eve), alice: websocket(byAccount.alice) },
  'WebSocket, loopback without credentials': {
    eve: websocket({}, { remoteAddress: loopback }),
    alice: websocket(byAccount.alice),
  },
}

const { rvi: _, ...retrieve } = retrieval
const container = { ...retrieve, op: 1, ty: 3, pc: { 'm2m:cnt': { rn: 'data' } } }

const pretences: Readonly<Record<string, Primitive>> = {
  "another's AE-ID": retrieve,
  "another's AE-ID, relative to the service provider": { ...retrieve, fr: '/mn-cse-1/Calice' },
  "another's AE-ID, absolute": { ...retrieve, fr: '//openmtc.org/mn-cse-1/Calice' },
  "another's AE-ID, to write": container,
  "another's AE-ID, to change": { ...retrieve, op: 3, pc: { 'm2m:ae': { lbl: ['stolen'] } } },
  "another's AE-ID, to delete": { ...retrieve, op: 4 },
  "another's AE-ID, to notify": { ...retrieve, op: 5, pc: { 'm2m:sgn': { sur: 'onem2m/alice/sub' } } },
  "another's AE-ID, to register with": registration('Calice', 'stolen'),
}

/** Whoever shows no credentials may be from anywhere that nobody here has taken; an account or a certificate says where somebody is from. */
const fromElsewhere: typeof pretences = {
  "another's AE-ID at another service provider": { ...retrieve, fr: '//other.org/mn-cse-1/Calice' },
  "another's AE-ID at another CSE": { ...retrieve, fr: '/other-cse/Calice' },
}

for (const [way, { eve, alice }] of Object.entries(ways))
  describe(`over ${way}`, () => {
    for (const [pretence, request] of Object.entries(
      /without credentials/.test(way) ? pretences : { ...pretences, ...fromElsewhere },
    ))
      it(`nobody uses ${pretence}`, async () => {
        const { house } = await withAlice()
        const warned = house.warnings.length
        assert.equal(await (await eve(house))({ ...request, rqi: 'pretended' }), impostor)
        assert.equal(house.cse.statistics.impostors, 1)
        assert.deepEqual(
          house.warnings.slice(warned).map(({ message, fields }) => [message, fields['claimed']]),
          [['somebody was refused who spoke in the name of somebody else', request.fr]],
        )
        const ask = await alice(house)
        assert.equal(await ask({ ...retrieve, rqi: 'honest' }), 2000)
        assert.equal(await ask({ ...container, rqi: 'honest too' }), 2001)
      })
  })
