import assert from 'node:assert/strict'
import test from 'node:test'
import type { JsonObject } from '../../src/onem2m/content.ts'
import { Kit } from './kit.ts'

/** A group of an AE that never answers and, perhaps, a container that takes no notifications. */
async function withGroup(mid: readonly string[]): Promise<Kit> {
  const kit = await (await Kit.start()).withContainer()
  kit.answerDelivery = () => new Promise(() => {})
  await kit.create('onem2m/app', 9, { 'm2m:grp': { rn: 'g', mnm: 5, mid } })
  return kit
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('members that do not respond in time are left out (TS-0004 7.4.14)', async () => {
  const kit = await withGroup(['onem2m/app', 'onem2m/app/temp'])
  const asked = kit.ask({
    operation: 5,
    to: 'onem2m/app/g/fopt',
    content: { 'm2m:sgn': {} },
    resultExpirationTimestamp: '500',
  })
  await turn()
  kit.clock.advance(500)
  const { status, content } = await asked
  assert.equal(status, 2000)
  const aggregate = content as { readonly 'm2m:agr': { readonly 'm2m:rsp': readonly JsonObject[] } }
  assert.deepEqual(
    aggregate['m2m:agr']['m2m:rsp'].map(({ rsc, fr }) => [rsc, fr]),
    [[4005, 'onem2m/app/temp']],
  )
})

test('when none responds in time the request says so', async () => {
  const kit = await withGroup(['onem2m/app'])
  const asked = kit.ask({
    operation: 5,
    to: 'onem2m/app/g/fopt',
    content: { 'm2m:sgn': {} },
    requestExpirationTimestamp: '500',
  })
  await turn()
  kit.clock.advance(500)
  assert.equal((await asked).status, 5209)
})
