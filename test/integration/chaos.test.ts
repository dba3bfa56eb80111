/** The short version of `npm run chaos`: each of the three is killed once or twice. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { runChaos } from '../chaos/chaos.ts'
import { withoutMosquitto } from './neighbour-process.ts'

it('nothing acknowledged is missing at the backend, and nothing is there twice, when gateway, backend and broker were killed', {
  skip: withoutMosquitto,
  timeout: 90_000,
}, async (t) => {
  const { kills, missing, repeated, acknowledged } = await runChaos({
    durationMs: 2000,
    seed: 7,
    everyMs: 700,
    report: (line) => t.diagnostic(line),
  })
  assert.ok(Object.values(kills).every((count) => count > 0))
  assert.ok(acknowledged > 10, `${acknowledged} acknowledged`)
  assert.deepEqual(missing, { notified: [], announced: [] })
  assert.deepEqual(repeated, { notified: [], announced: [] })
})
