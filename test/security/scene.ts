/** Alice has registered an AE, Eve has an account as well, and somebody is on the machine without any. */

import assert from 'node:assert/strict'
import { settle, TestClient } from '../broker/client.ts'
import { accountsOf, House, network } from './house.ts'

/** ORIGINATOR_NOT_AUTHENTICATED, TS-0004 table 6.6.3.4-1. */
export const impostor = 4106

export const accounts = accountsOf(
  { name: 'alice', registersOne: true, topics: [{ filter: 'barn/#', access: 'readwrite' }] },
  {
    name: 'eve',
    registersOne: true,
    originators: ['Ceve*'],
    topics: [{ filter: 'field/%u/#', access: 'readwrite' }],
  },
  { name: 'root', isAdministrator: true },
)

export const certificateOfEve = '//openmtc.org/mn-cse-1/Ceve'

export const registration = (originator: string, name: string) => ({
  op: 1,
  to: 'onem2m',
  fr: originator,
  rqi: `register-${name}`,
  rvi: '3',
  ty: 2,
  pc: { 'm2m:ae': { rn: name, api: 'Ntest', rr: true, srv: ['3'] } },
})

/** Over MQTT: sends a request on an originator's topic, and resolves with what comes back on its response topic, or undefined. */
export async function ask(
  client: TestClient,
  level: string,
  request: object,
  kind = 'req',
): Promise<number | undefined> {
  const answers = kind === 'req' ? 'resp' : 'reg_resp'
  await client.subscribe(`/oneM2M/${answers}/${level}/mn-cse-1/json`)
  const before_ = client.messages.length
  await client.publish(`/oneM2M/${kind}/${level}/mn-cse-1/json`, JSON.stringify(request), 1)
  await settle(30)
  const answer = client.messages.slice(before_).find((message) => message.startsWith(`/oneM2M/${answers}/`))
  return answer === undefined ? undefined : (JSON.parse(answer.slice(answer.indexOf(' '))) as { rsc: number }).rsc
}

/** A house in which Alice is registered, listens, and nobody else has come yet. */
export async function withAlice(): Promise<{ readonly house: House; readonly alice: TestClient }> {
  const house = await House.open(await accounts)
  const alice = await house.login('alice')
  assert.equal(await ask(alice, 'Calice', registration('Calice', 'alice')), 2001)
  await alice.subscribe('/oneM2M/req/+/Calice/#')
  return { house, alice }
}

export const retrieval = { op: 2, to: 'onem2m/alice', fr: 'Calice', rqi: 'r1', rvi: '3' }

/** Who comes in over MQTT, and is not Alice. */
export const visitors: Readonly<Record<string, (house: House) => Promise<TestClient>>> = {
  'an account': (house) => house.login('eve'),
  'a certificate': (house) =>
    TestClient.connect(house.broker, 'eve-device', {
      remote: { remoteAddress: network, certificateUris: [certificateOfEve] },
    }),
  'loopback without credentials': (house) => TestClient.connect(house.broker, 'local-device'),
}
