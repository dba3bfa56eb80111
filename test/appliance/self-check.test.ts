/** The self-check on a real broker, CSE and store, and what it says when one of them does not do its part. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type CheckedParts, checkSelf } from '../../src/appliance/self-check.ts'
import { Broker } from '../../src/broker/broker.ts'
import { type Store, StoreError } from '../../src/store/store.ts'
import { silent } from '../bindings/fixture.ts'
import { Kit, settings } from '../cse/kit.ts'

async function startParts(): Promise<CheckedParts & { readonly store: Store }> {
  const { cse, store, clock } = await Kit.start()
  const broker = new Broker({ store, clock, log: silent, listen: [] })
  await broker.start()
  let number = 0
  const { cseBaseName, cseId } = settings
  return { broker, cse, store, cseBaseName, originator: cseId, randomId: () => `check-${number++}` }
}

function failing(reason: 'full' | 'io'): CheckedParts['store'] {
  return { write: (_, participant) => participant.failed(new StoreError(reason, `${reason}!`)) }
}

describe('the self-check', () => {
  it('publishes, requests and commits, each time anew', async () => {
    const parts = await startParts()
    assert.equal(await checkSelf(parts), 'publishes, answers and keeps')
    assert.equal(parts.store.getText('m/self-check'), 'check-0')
    await checkSelf(parts)
    assert.equal(parts.store.getText('m/self-check'), 'check-1')
  })

  it('lives with a full disk, and says so', async () => {
    assert.match(await checkSelf({ ...(await startParts()), store: failing('full') }), /the disk is full/)
  })

  it('fails with a store that can not be written', async () => {
    await assert.rejects(checkSelf({ ...(await startParts()), store: failing('io') }), /io!/)
  })

  it('fails with a CSE that does not know its base', async () => {
    await assert.rejects(checkSelf({ ...(await startParts()), cseBaseName: 'other' }), /RETRIEVE of its base with 4004/)
  })

  it('does not end while a message does not arrive', async () => {
    const parts = await startParts()
    const broker: CheckedParts['broker'] = { subscribe: () => () => undefined, publish: (_, done) => done() }
    let hasEnded = false
    void checkSelf({ ...parts, broker }).then(() => {
      hasEnded = true
    })
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(hasEnded, false)
  })
})
