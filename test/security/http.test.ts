/** Credentials over HTTP: none, wrong ones, guesses; and answers that are not for everybody. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { basic } from './house.ts'
import { impostor, withAlice } from './scene.ts'

describe('over HTTP', () => {
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
