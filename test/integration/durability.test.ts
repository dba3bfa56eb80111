/** What was acknowledged is kept: over a kill and over an orderly end, each under sixteen concurrent creates. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { killRounds } from '../soak/kill.ts'
import { type Book, missing, pour, prepare } from '../soak/load.ts'
import { startGateway } from './gateway-process.ts'

const root = mkdtempSync(join(tmpdir(), 'fieldgate-durability-'))
after(() => rmSync(root, { recursive: true, force: true }))
const environment = { FIELDGATE_ADAPTERS_SYSTEM_ENABLED: 'false', FIELDGATE_ADAPTERS_NODE_ENABLED: 'false' }

describe('what was acknowledged', () => {
  it('is there after SIGKILL under load, three times over', async () => {
    const directory = mkdtempSync(join(root, 'kill-'))
    let before = 0
    for await (const result of killRounds(directory, 3, (round) => round * 60)) {
      assert.deepEqual([result.missing, result.complaints], [[], []])
      assert.ok(result.acknowledged >= before + result.round * 60)
      before = result.acknowledged
    }
  })

  it('is there after SIGTERM under load, and the process ends with 0', async () => {
    const dataDirectory = mkdtempSync(join(root, 'term-'))
    const first = await startGateway({ dataDirectory, environment })
    await prepare(first)
    const book: Book = new Map()
    let ended: Promise<unknown> | undefined
    await pour(first, book, 'term', () => {
      if (book.size >= 100) ended ??= first.end('SIGTERM')
    })
    assert.equal(await ended, 0)
    const over = (binding: string) => [...book.values()].filter((con) => con.includes(` ${binding} `)).length
    assert.ok(over('http') > 0 && over('mqtt') > 0, 'both bindings acknowledged')
    const second = await startGateway({ dataDirectory, environment })
    assert.deepEqual(await missing(second, book), [])
    await second.end('SIGTERM')
  })
})
