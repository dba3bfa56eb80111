/** The dependency budget: what the gateway may bring along, by name and by weight. Growth shows up in review, as a change of this file. */

import assert from 'node:assert/strict'
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { root } from './source.ts'

interface LockedPackage {
  readonly dev?: boolean
  /** Wanted by a development dependency and, optionally, by another. */
  readonly devOptional?: boolean
  readonly resolved?: string
  readonly integrity?: string
  readonly hasInstallScript?: boolean
}

const direct = [
  '@peculiar/x509',
  'aedes',
  'level',
  'mqtt-packet',
  'reflect-metadata',
  'smol-toml',
  'systeminformation',
  'ws',
]
const native = ['classic-level']
const budget = { packages: 63, kibibytes: 14_200 }

const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
}
const { packages } = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')) as {
  readonly packages: Readonly<Record<string, LockedPackage>>
}
const locked = Object.entries(packages).filter(([path]) => path !== '')
const production = locked.filter(([, { dev, devOptional }]) => dev !== true && devOptional !== true)

function kibibytesBelow(path: string): number {
  const size = readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((name) => lstatSync(`${path}/${name}`))
    .reduce((sum, status) => sum + (status.isFile() ? status.size : 0), 0)
  return size / 1024
}

describe('the dependency budget', () => {
  it('names every direct dependency, ten at most, each pinned', () => {
    assert.deepEqual(Object.keys(manifest.dependencies).toSorted(), direct)
    assert.ok(direct.length <= 10)
    for (const version of Object.values({ ...manifest.dependencies, ...manifest.devDependencies })) {
      assert.match(version, /^\d+\.\d+\.\d+(?:-[\w.]+)?$/)
    }
  })

  it('has one native package', () => {
    const built = production.filter(([, { hasInstallScript }]) => hasInstallScript === true)
    assert.deepEqual(
      built.map(([path]) => path.replace(/^.*node_modules\//, '')),
      native,
    )
  })

  it('holds the size of what is installed for production within a tenth of its snapshot', () => {
    assert.ok(production.length <= budget.packages, `${production.length} packages`)
    const kibibytes = Math.round(production.reduce((sum, [path]) => sum + kibibytesBelow(`${root}${path}`), 0))
    assert.ok(
      Math.abs(kibibytes - budget.kibibytes) <= budget.kibibytes / 10,
      `${kibibytes} KiB, ${budget.kibibytes} in the snapshot`,
    )
  })
})

describe('the scripts', () => {
  it('name files that exist', () => {
    const words = Object.values(manifest.scripts).flatMap((script) => script.split(' '))
    const named = words.filter((word) => /^[\w/-]+\.m?[jt]s$/.test(word))
    assert.ok(named.length > 3)
    assert.deepEqual(
      named.filter((path) => !existsSync(`${root}${path}`)),
      [],
    )
  })
})

describe('the lock file', () => {
  it('pins every package by integrity and names no host', () => {
    const wrong = locked.filter(([, { resolved, integrity }]) => resolved !== undefined || integrity === undefined)
    assert.deepEqual(
      wrong.map(([path]) => path),
      [],
    )
  })
})
