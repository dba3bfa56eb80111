/**
 * Makes `dist/client`, the package that applications install: the client, what it is made of, and its types, as JavaScript for Node 20 and later.
 * Nothing else comes along, and it depends on nothing.
 */

import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly engines: object
}

/** Makes the package in `directory` anew. */
export function makeClientPackage(directory: string): void {
  rmSync(directory, { recursive: true, force: true })
  const compiler = `${root}node_modules/typescript/bin/tsc`
  const emission = ['--noEmit', 'false', '--declaration', '--rewriteRelativeImportExtensions', '--sourceMap', 'false']
  const place = ['--rootDir', `${root}src`, '--outDir', directory]
  const settings = ['--target', 'es2023', '--lib', 'es2024', '--module', 'nodenext', '--types', 'node', '--strict']
  const manners = ['--skipLibCheck', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--ignoreConfig']
  execFileSync(process.execPath, [compiler, ...emission, ...place, ...settings, ...manners, `${root}src/index.ts`], {
    stdio: 'inherit',
  })
  const { name, version, license, engines } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as Manifest
  const manifest = {
    ...{ name, version, description: 'Client and application framework for oneM2M over MQTT and HTTP', license },
    ...{ type: 'module', engines, sideEffects: false },
    exports: { '.': { types: './index.d.ts', default: './index.js' } },
  }
  writeFileSync(`${directory}/package.json`, `${JSON.stringify(manifest, undefined, 2)}\n`)
  for (const file of ['LICENSE', 'docs/client.md'])
    writeFileSync(`${directory}/${file === 'LICENSE' ? file : 'README.md'}`, readFileSync(`${root}${file}`))
}
