/** What the files of the project must look like, whoever writes them. */

import assert from 'node:assert/strict'
import { homedir } from 'node:os'
import { describe, it } from 'node:test'
import { readProject, readSources, root } from './source.ts'

const sources = readSources('src')
const withTests = readSources('src', 'test', 'build')

describe('the house rules', () => {
  it('keep files short: nine of ten in src within 300 lines, none over 500', () => {
    const lengths = sources.map(({ text }) => text.split('\n').length - 1).toSorted((a, b) => a - b)
    const ninth = lengths[Math.ceil(lengths.length * 0.9) - 1] ?? 0
    assert.ok(ninth <= 300, `p90 is ${ninth} lines`)
    const tooLong = withTests.filter(({ text }) => text.split('\n').length - 1 > 500).map(({ path }) => path)
    assert.deepEqual(tooLong, [])
  })

  it('give each file a name of its own, in kebab-case', () => {
    const nameless = /(?:^|\/)(?:utils?|common|helpers?|types?|misc|core)(?:\/|\.ts$)/
    const kebab = /^(?:[a-z\d]+(?:-[a-z\d]+)*\/)*[a-z\d]+(?:-[a-z\d]+)*(?:\.test)?\.ts$/
    const wrong = withTests.filter(({ path }) => nameless.test(path) || !kebab.test(path)).map(({ path }) => path)
    assert.deepEqual(wrong, [])
  })

  it('open each file with what it knows', () => {
    const silent = readSources('src', 'build')
      .filter(({ text }) => !/^(?:#!.*\n)?\/[/*]/.test(text))
      .map(({ path }) => path)
    assert.deepEqual(silent, [])
  })

  it('leave no default exports, loosened types or unexplained suppressions in src', () => {
    const loosened =
      /^export default|^(?!\s*(?:\*|\/[/*])).*(?:: any\b|\bas any\b|<any>)|@ts-(?:ignore|expect-error|nocheck)|biome-ignore (?!\S+: \S)/m
    const wrong = sources.filter(({ text }) => loosened.test(text)).map(({ path }) => path)
    assert.deepEqual(wrong, [])
  })

  it('keep the paths of one machine out of the project', () => {
    const paths = [root, `${homedir()}/`]
    const wrong = readProject()
      .filter(({ text }) => paths.some((path) => text.includes(path)))
      .map(({ path }) => path)
    assert.deepEqual(wrong, [])
  })
})
