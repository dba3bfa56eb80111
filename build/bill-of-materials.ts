/** What is inside a binary and under which licence: the packages whose files went into the bundle, LevelDB below one of them, and Node. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Metafile } from 'esbuild'

export interface Component {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly licenseText: string
  /** As the package registry knows it; absent for what is part of another package. */
  readonly packageUrl?: string
  /** From the lock file: `sha512-...` in base64. */
  readonly integrity?: string
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license?: string
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly integrity?: string } | undefined>>
}

/** Parts of classic-level's and Node's packages that are projects of their own. */
const vendored = [
  {
    name: 'leveldb',
    version: '1.20',
    license: 'BSD-3-Clause',
    path: 'classic-level/deps/leveldb/leveldb-1.20/LICENSE',
  },
  { name: 'snappy', version: '1.1.7', license: 'BSD-3-Clause', path: 'classic-level/deps/snappy/snappy/COPYING' },
] as const

/** Fieldgate itself first, then by name. `nodePackage` is the folder of the package that Node came in. */
export function listComponents(root: string, metafile: Metafile, nodePackage: string): readonly Component[] {
  const { packages } = readJson(`${root}package-lock.json`) as Lock
  const folders = new Set(
    Object.keys(metafile.inputs).flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
  )
  const bundled = [...folders].map((folder) => describe(root, folder, packages[folder]?.integrity))
  const parts = vendored.map(({ path, ...component }) => ({
    ...component,
    licenseText: readFileSync(`${root}node_modules/${path}`, 'utf8'),
  }))
  return [
    { ...describe(root, '.', undefined), packageUrl: 'pkg:generic/fieldgate' },
    ...[...bundled, ...parts].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    describeNode(root, nodePackage),
  ]
}

function describe(root: string, folder: string, integrity: string | undefined): Component {
  const { name, version, license = 'UNKNOWN' } = readJson(`${root}${folder}/package.json`) as Manifest
  const file = readdirSync(`${root}${folder}`).find((entry) => /^(?:licen[cs]e|copying)/i.test(entry))
  return {
    name,
    version,
    license,
    licenseText: file ? readFileSync(`${root}${folder}/${file}`, 'utf8') : `Licence: ${license}\n`,
    packageUrl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    ...(integrity === undefined ? {} : { integrity }),
  }
}

/** Its licence names all that is part of it: V8, OpenSSL, libuv, ICU and the rest. */
function describeNode(root: string, nodePackage: string): Component {
  const { name, version } = readJson(`${nodePackage}/package.json`) as Manifest
  const lockFile = `${dirname(dirname(nodePackage))}/package-lock.json`
  const { packages } = readJson(existsSync(lockFile) ? lockFile : `${root}package-lock.json`) as Lock
  const integrity = packages[`node_modules/${name}`]?.integrity
  return {
    name,
    version,
    license: 'MIT',
    licenseText: readFileSync(`${nodePackage}/LICENSE`, 'utf8'),
    packageUrl: `pkg:npm/${name}@${version}`,
    ...(integrity === undefined ? {} : { integrity }),
  }
}

/** What `fieldgate licenses` prints. */
export function writeLicenses(components: readonly Component[]): string {
  const list = components.map(({ name, version, license }) => `${name} ${version}: ${license}`)
  const texts = components.map(
    ({ name, version, licenseText }) => `${'='.repeat(80)}\n${name} ${version}\n\n${licenseText.trim()}\n`,
  )
  return `This program contains:\n\n${list.join('\n')}\n\n${texts.join('\n')}`
}

/** A CycloneDX 1.6 document, without a time or a number of its own so that the same sources give the same bytes. */
export function writeBillOfMaterials(components: readonly Component[]): string {
  const [program, ...others] = components.map(({ name, version, license, packageUrl, integrity }, index) => ({
    type: index === 0 ? 'application' : 'library',
    'bom-ref': packageUrl ?? `${name}@${version}`,
    name,
    version,
    licenses: [{ license: { id: license } }],
    ...(packageUrl === undefined ? {} : { purl: packageUrl }),
    ...(integrity === undefined
      ? {}
      : { hashes: [{ alg: 'SHA-512', content: Buffer.from(integrity.slice(7), 'base64').toString('hex') }] }),
  }))
  const document = { bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, metadata: { component: program } }
  return `${JSON.stringify({ ...document, components: others }, undefined, 2)}\n`
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}
