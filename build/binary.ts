/**
 * Makes the programs that are shipped: for each architecture one file that holds Node, the bundle and LevelDB's native part, with a bill
 * of materials, the licences and checksums beside them. The same sources give the same bytes, on any Linux machine.
 */

import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { brotliCompressSync, constants, zstdCompressSync } from 'node:zlib'
import { listComponents, writeBillOfMaterials, writeLicenses } from './bill-of-materials.ts'
import { makeBundle, partsApart, root } from './bundle.ts'
import { stripSymbols } from './elf-symbols.ts'
import { run } from './program.ts'
import { runtimeFlags } from './runtime-flags.ts'
import { refuse } from './script.ts'

export const architectures = ['x64', 'arm64'] as const
export type Architecture = (typeof architectures)[number]

const postject = `${root}node_modules/postject/dist/cli.js`

/** Marks the place in Node's file that says whether something was injected. */
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

function nodePackage(architecture: Architecture): string {
  return `${root}build/runtime/node_modules/node-linux-${architecture}`
}

/** `npm ci` has done that already, unless it was told to run no scripts. */
function installRuntimes(): void {
  if (architectures.every((architecture) => existsSync(nodePackage(architecture)))) return
  run('npm', ['run', '--silent', 'install-runtimes'], { cwd: root })
}

/** In Latin-1, which takes one byte a character in V8's memory, where UTF-8 would become two. */
function compressScript(name: string): Buffer {
  const text = readFileSync(`${root}dist/${name}`, 'utf8')
  const bytes = Buffer.from(text, 'latin1')
  if (bytes.toString('latin1') !== text) throw new Error(`${name} has characters beyond Latin-1`)
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 19 } })
}

/** The blob that Node finds in itself: written by a Node of the same version, for any architecture. Returns its path. */
function writeBlob(architecture: Architecture, licenses: Buffer, scratch: string): string {
  const addon = readFileSync(`${root}dist/classic-level-linux-${architecture}.node`)
  const scripts = ['fieldgate', ...partsApart].map((name) => `${name}.cjs`)
  const assets = {
    ...Object.fromEntries(scripts.map((name) => [`${name}.zst`, compressScript(name)])),
    'classic-level.node.br': brotliCompressSync(addon),
    'classic-level.sha256': Buffer.from(createHash('sha256').update(addon).digest('hex')),
    'licenses.txt.br': licenses,
  }
  for (const [name, content] of Object.entries(assets)) writeFileSync(join(scratch, name), content)
  const blob = join(scratch, 'blob')
  const recipe = {
    // The path becomes part of the blob: relative, so that it is the same wherever the sources lie.
    main: 'build/unpacking.cjs',
    output: relative(root, blob),
    disableExperimentalSEAWarning: true,
    execArgv: runtimeFlags,
    execArgvExtension: 'env',
    assets: Object.fromEntries(Object.keys(assets).map((name) => [name, join(scratch, name)])),
  }
  writeFileSync(join(scratch, 'recipe.json'), JSON.stringify(recipe))
  run(process.execPath, ['--experimental-sea-config', join(scratch, 'recipe.json')], { cwd: root })
  return blob
}

function makeBinary(architecture: Architecture, licenses: Buffer): void {
  const scratch = mkdtempSync(join(tmpdir(), 'fieldgate-binary-'))
  const path = `${root}dist/fieldgate-linux-${architecture}`
  const draft = join(scratch, 'fieldgate')
  try {
    writeFileSync(draft, stripSymbols(readFileSync(`${nodePackage(architecture)}/bin/node`)))
    const blob = writeBlob(architecture, licenses, scratch)
    run(process.execPath, [postject, draft, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse])
    // A copy as an installation makes one: a file written in one piece lies in the page cache in large pages, which count more as resident.
    copyFileSync(draft, path)
    chmodSync(path, 0o755)
  } finally {
    rmSync(scratch, { recursive: true })
  }
  console.log(`dist/fieldgate-linux-${architecture}: ${(statSync(path).size / 1e6).toFixed(1)} MB`)
}

/** Makes the binaries of all architectures, their licences, their bill of materials and their checksums in `dist`. */
export async function makeBinaries(): Promise<void> {
  installRuntimes()
  const { version } = JSON.parse(readFileSync(`${nodePackage('x64')}/package.json`, 'utf8')) as { version: string }
  if (process.version !== `v${version}`)
    refuse(
      `binaries hold Node ${version} and are made by the same: this is ${process.version}; npm run build takes the right one`,
    )
  const components = listComponents(root, await makeBundle(), nodePackage('x64'))
  const licenses = writeLicenses(components)
  writeFileSync(`${root}dist/licenses.txt`, licenses)
  writeFileSync(`${root}dist/fieldgate.cdx.json`, writeBillOfMaterials(components))
  for (const architecture of architectures) makeBinary(architecture, brotliCompressSync(licenses))
  const shipped = [...architectures.map((architecture) => `fieldgate-linux-${architecture}`), 'fieldgate.cdx.json']
  const sums = shipped.map((name) => `${sha256(`${root}dist/${name}`)}  ${name}\n`)
  writeFileSync(`${root}dist/SHA256SUMS`, sums.join(''))
}

export function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}
