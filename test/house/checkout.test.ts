/** What starts everything in a checkout. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

test('a script that build/checkout.mjs runs is the main one, and gets the arguments', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'fieldgate-checkout-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const script = join(directory, 'script.ts')
  writeFileSync(script, 'console.log(import.meta.main, process.argv.slice(2).join())')
  const checkout = fileURLToPath(new URL('../../build/checkout.mjs', import.meta.url))
  const { stdout, stderr } = spawnSync(process.execPath, [checkout, script, 'a', '--b'], { encoding: 'utf8' })
  assert.equal(stdout, 'true a,--b\n', stderr)
})
