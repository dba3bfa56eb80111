import assert from 'node:assert/strict'
import test from 'node:test'
import { Kit } from './kit.ts'

test('what a deleted container leaves on the disk is noted in the very group that deletes it', async () => {
  const kit = await Kit.start()
  await kit.withContainer()
  await kit.push('1', '2')
  const deleted = kit.delete('onem2m/app/temp')
  const notes: string[] = []
  for await (const [key] of kit.store.scanText({ from: 'x/', to: 'x0' })) notes.push(key)
  assert.equal(notes.length, 1)
  assert.equal((await deleted).status, 2002)
})
