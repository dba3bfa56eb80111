/** The short version of `npm run soak:fuzz`: an application and a stream of messages lose nothing beside bytes that are no protocol's. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import '../property.ts'
import { FuzzRun } from '../soak/fuzz-run.ts'

test('honest clients lose nothing beside one that sends broken bytes to every listener', {
  timeout: 60_000,
}, async (t) => {
  const seed = Number(fc.readConfigureGlobal()?.seed ?? 1)
  t.diagnostic(`FIELDGATE_SEED=${seed}`)
  const dataDirectory = mkdtempSync(join(tmpdir(), 'fieldgate-fuzz-'))
  const run = await FuzzRun.start({ dataDirectory, seed })
  t.after(async () => {
    await run.stop()
    rmSync(dataDirectory, { recursive: true })
  })
  await run.work(1000)
  const { connections, answered, requests, publications, ...rest } = run.figures()
  t.diagnostic(JSON.stringify({ connections, answered, requests, publications, ...rest }))
  assert.deepEqual(await run.stop(), [])
  assert.ok(requests > 10 && publications > 10)
  assert.ok(answered > connections / 10, `${answered} of ${connections} attacks got as far as an answer`)
})
