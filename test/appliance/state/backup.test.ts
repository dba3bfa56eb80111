/** Backup, restore and factory reset of a state directory, at the command line. */

import assert from 'node:assert/strict'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { runCommandLine } from '../../../src/appliance/command-line.ts'
import { openDatabase } from '../../../src/store/database.ts'

const root = mkdtempSync(join(tmpdir(), 'fieldgate-state-'))
after(() => rmSync(root, { recursive: true, force: true }))

async function type(...words: readonly string[]) {
  const said: string[] = []
  const exitCode = await runCommandLine(words, {
    environment: {},
    isTerminal: false,
    print: (line) => said.push(line),
    complain: (line) => said.push(line),
    readInput: async () => '',
  })
  return { exitCode, said: said.join('\n') }
}

async function makeState(value: string): Promise<{ readonly data: string; readonly config: string }> {
  const place = mkdtempSync(join(root, 'gateway-'))
  const data = join(place, 'data')
  mkdirSync(join(data, 'adapters'), { recursive: true })
  writeFileSync(join(data, 'adapters/kept'), value)
  writeFileSync(join(data, 'classic-level-1.node'), 'can be made anew')
  const database = await openDatabase(join(data, 'store'), 1_048_576, 1_048_576)
  await database.put('key', value)
  await database.close()
  const config = join(place, 'fieldgate.toml')
  writeFileSync(config, `[cse]\nname = "${value}"\n`)
  return { data, config }
}

async function read({ data }: { readonly data: string }): Promise<string> {
  const database = await openDatabase(join(data, 'store'), 1_048_576, 1_048_576)
  const value = await database.get('key')
  await database.close()
  return Buffer.from(value as Uint8Array).toString()
}

describe('a backup', () => {
  it('brings back state and configuration in the place of others', async () => {
    const before = await makeState('before')
    const file = join(root, 'whole.tar.gz')
    assert.equal((await type('backup', file, '--data-dir', before.data, '--config', before.config)).exitCode, 0)
    const other = await makeState('other')
    const restored = await type('restore', file, '--yes', '--data-dir', other.data, '--config', other.config)
    assert.equal(restored.exitCode, 0, restored.said)
    assert.equal(await read(other), 'before')
    assert.equal(readFileSync(join(other.data, 'adapters/kept'), 'utf8'), 'before')
    assert.match(readFileSync(other.config, 'utf8'), /"before"/)
    assert.deepEqual(readdirSync(other.data).toSorted(), ['adapters', 'store'])
  })

  const spoiled: readonly (readonly [what: string, spoil: (file: string) => void, sentence: RegExp])[] = [
    ['that is cut off', (file) => truncateSync(file, 400), /can't be unpacked: it is damaged or no backup\./],
    [
      'that is something else',
      (file) => writeFileSync(file, 'text'),
      /can't be unpacked: it is damaged or no backup\./,
    ],
    ['that is not there', (file) => rmSync(file), /there is no such file\./],
  ]
  for (const [what, spoil, sentence] of spoiled) {
    it(`${what} is refused, and the state is untouched`, async () => {
      const state = await makeState('mine')
      const file = join(root, 'spoiled.tar.gz')
      await type('backup', file, '--data-dir', state.data, '--config', state.config)
      spoil(file)
      const { exitCode, said } = await type(
        'restore',
        file,
        '--yes',
        '--data-dir',
        state.data,
        '--config',
        state.config,
      )
      assert.equal(exitCode, 1)
      assert.match(said, sentence)
      assert.equal(said.includes('\n'), false)
      assert.equal(await read(state), 'mine')
      assert.deepEqual(readdirSync(state.data).toSorted(), ['adapters', 'classic-level-1.node', 'store'])
    })
  }

  it('is not made, and not restored, while a gateway runs', async () => {
    const state = await makeState('mine')
    const database = await openDatabase(join(state.data, 'store'), 1_048_576, 1_048_576)
    for (const words of [
      ['backup', 'x'],
      ['restore', 'x', '--yes'],
      ['factory-reset', '--yes'],
    ]) {
      const { exitCode, said } = await type(...words, '--data-dir', state.data)
      assert.equal(exitCode, 1)
      assert.match(said, /a gateway uses the state in .*: stop it first/)
    }
    await database.close()
  })

  it('is not restored by accident', async () => {
    assert.equal((await type('restore', 'x', '--data-dir', root)).exitCode, 64)
  })
})

describe('a factory reset', () => {
  it('leaves nothing behind', async () => {
    const { data } = await makeState('canary')
    cpSync(join(data, 'store'), join(data, 'store.damaged-1'), { recursive: true })
    assert.equal((await type('factory-reset', '--data-dir', data)).exitCode, 64)
    assert.ok(existsSync(join(data, 'store')))
    assert.equal((await type('factory-reset', '--yes', '--data-dir', data)).exitCode, 0)
    assert.deepEqual(readdirSync(data), [])
  })
})
