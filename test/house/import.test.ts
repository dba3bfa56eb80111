/** Imports point one way: what each folder of src may import, as a table. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readSources } from './source.ts'

interface Rule {
  /** Folders it may import values and types from. */
  readonly from?: readonly string[]
  /** Folders it may import types from. */
  readonly typesFrom?: readonly string[]
  /** Built-in modules, without `node:`; `any` for what a sensor needs. */
  readonly node?: readonly string[] | 'any'
  readonly packages?: readonly string[]
  /** Packages it may import types from. */
  readonly packageTypes?: readonly string[]
}

const everything = [
  'adapters',
  'appliance',
  'bindings',
  'broker',
  'client',
  'cse',
  'mqtt',
  'onem2m',
  'resources',
  'security',
  'store',
]

const rules: Readonly<Record<string, Rule>> = {
  onem2m: {},
  mqtt: { node: ['buffer'] },
  resources: { from: ['onem2m'] },
  cse: { from: ['onem2m', 'resources'], typesFrom: ['store'] },
  security: { from: ['onem2m'], node: ['crypto', 'fs', 'tls'], packages: ['@peculiar/x509', 'reflect-metadata'] },
  store: {
    from: ['onem2m'],
    node: ['fs', 'fs/promises', 'path'],
    packages: ['level'],
    packageTypes: ['classic-level'],
  },
  broker: {
    from: ['mqtt', 'store'],
    typesFrom: ['onem2m'],
    node: ['buffer', 'crypto', 'fs', 'http', 'https', 'net', 'stream', 'tls'],
    packages: ['aedes', 'aedes-persistence-level', 'mqtt-packet', 'ws'],
  },
  bindings: {
    from: ['onem2m'],
    typesFrom: ['broker', 'cse'],
    node: ['http', 'https', 'stream', 'tls'],
    packages: ['ws'],
  },
  client: { from: ['mqtt', 'onem2m', 'resources'], node: ['http', 'https', 'net', 'stream', 'tls'] },
  adapters: { from: ['onem2m'], typesFrom: ['client'], node: 'any', packages: ['systeminformation'] },
  appliance: { from: everything, node: 'any', packages: ['smol-toml'] },
  training: { from: ['index.ts'], node: 'any' },
  'main.ts': { from: ['appliance'], node: ['process', 'stream/consumers'] },
  'index.ts': { from: ['client', 'onem2m', 'resources'] },
}

interface Import {
  readonly target: string
  readonly isTypeOnly: boolean
}

/** Static and dynamic imports, and re-exports. */
export function readImports(text: string): readonly Import[] {
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?'([^']+)'/gm)
  const calls = text.matchAll(/\bimport\('([^']+)'\)/g)
  return [
    ...[...statements].map(([, type, target = '']) => ({ target, isTypeOnly: type !== undefined })),
    ...[...calls].map(([, target = '']) => ({ target, isTypeOnly: false })),
  ]
}

/** Why an import is against the rules, or undefined. */
function objection(path: string, { target, isTypeOnly }: Import): string | undefined {
  const place = path.split('/')[1] ?? ''
  const rule = rules[place]
  if (!rule) return `${path}: ${place} is not in the table of folders`
  if (target.startsWith('node:')) {
    const name = target.slice('node:'.length)
    return rule.node === 'any' || rule.node?.includes(name) ? undefined : `${path} imports ${target}`
  }
  if (!target.startsWith('.')) {
    const name = target.split('/', target.startsWith('@') ? 2 : 1).join('/')
    const isAllowed = rule.packages?.includes(name) || (isTypeOnly && rule.packageTypes?.includes(name))
    return isAllowed ? undefined : `${path} imports the package ${name}`
  }
  const [, folder = ''] = new URL(target, `file:///${path}`).pathname.slice(1).split('/')
  if (folder === place || rule.from?.includes(folder) || (isTypeOnly && rule.typesFrom?.includes(folder)))
    return undefined
  // Where the project's manifest tells the version.
  if (place === 'appliance' && target.endsWith('/package.json')) return undefined
  // Data about boards.
  if (place === 'appliance' && target.startsWith('../../../firmware-profiles/')) return undefined
  return `${path} imports ${isTypeOnly ? 'types' : 'values'} from ${folder}`
}

describe('imports', () => {
  it('point one way through the folders of src', () => {
    const sources = readSources('src')
    const objections = sources.flatMap(({ path, text }) => readImports(text).map((found) => objection(path, found)))
    assert.ok(sources.length > 30)
    assert.deepEqual(objections.filter(Boolean), [])
  })

  const wrong: readonly (readonly [path: string, statement: string])[] = [
    ['src/onem2m/a.ts', "import { readFileSync } from 'node:fs'"],
    ['src/onem2m/a.ts', "import type { Cse } from '../cse/cse.ts'"],
    ['src/cse/a.ts', "import { StoreError } from '../store/store.ts'"],
    ['src/cse/a.ts', "import { type Store } from '../store/store.ts'"],
    ['src/store/a.ts', "import aedes from 'aedes'"],
    ['src/adapters/system/a.ts', "import { connect } from '../../client/connect.ts'"],
    ['src/client/a.ts', "export * from '../broker/broker.ts'"],
    ['src/resources/a.ts', "const cse = await import('../cse/cse.ts')"],
    ['src/misplaced/a.ts', "import '../onem2m/log.ts'"],
  ]
  for (const [path, statement] of wrong) {
    it(`are refused: ${path}: ${statement}`, () => {
      assert.equal(
        readImports(statement)
          .map((found) => objection(path, found))
          .filter(Boolean).length,
        1,
      )
    })
  }

  it('of types only are let through where types may be imported', () => {
    const [found] = readImports("import type {\n  Store,\n} from '../store/store.ts'")
    assert.ok(found)
    assert.equal(objection('src/cse/a.ts', found), undefined)
  })
})
