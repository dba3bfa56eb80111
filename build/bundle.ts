/**
 * Makes `dist/fieldgate.cjs`: the program as one JavaScript file, and beside it what a running gateway never loads and LevelDB's native part,
 * for this machine and for the gateways' architectures. Runs anywhere on the pinned Node, without node_modules.
 */

import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile, type Plugin } from 'esbuild'

export const root = fileURLToPath(new URL('..', import.meta.url))
const outputDirectory = `${root}dist`
const require = createRequire(import.meta.url)
const classicLevel = dirname(require.resolve('classic-level/package.json'))

/** LevelDB's native part by platform, as its package names it. */
const addons: ReadonlyMap<string, string> = new Map([
  ['linux-x64', `${classicLevel}/prebuilds/linux-x64/classic-level.node`],
  ['linux-arm64', `${classicLevel}/prebuilds/linux-arm64/classic-level.armv8.node`],
  ['linux-arm', `${classicLevel}/prebuilds/linux-arm/classic-level.armv7.node`],
  [`${process.platform}-${process.arch}`, require('node-gyp-build').resolve(classicLevel)],
])

/** What only commands and the survey in a process of its own import, in files of their own: a megabyte of text that V8 would keep in memory. */
export const partsApart: readonly string[] = ['certificate-issue', 'systeminformation']

/** Where they are imported; Node finds them beside the bundle, and a binary in itself. */
const besideBundle: Plugin = {
  name: 'beside-bundle',
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`^(?:\\S*/)?(?:${partsApart.join('|')})(?:\\.ts)?$`) }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path: `./${basename(path, '.ts')}.cjs`, external: true } : undefined,
    )
  },
}

/** The package looks for its native part in its own folder, which a bundle has not. */
const addonBesideBundle: Plugin = {
  name: 'addon-beside-bundle',
  setup({ onLoad }) {
    onLoad({ filter: /classic-level[/\\]binding\.js$/ }, () => ({
      contents: readFileSync(`${root}build/native-part.cjs`, 'utf8'),
    }))
  },
}

/** Makes the folder `dist` anew, with the bundle and what lies beside it. Tells which files went into it. */
export async function makeBundle(): Promise<Metafile> {
  rmSync(outputDirectory, { recursive: true, force: true })
  mkdirSync(outputDirectory)
  const { metafile } = await build({
    entryPoints: {
      fieldgate: `${root}src/main.ts`,
      'certificate-issue': `${root}src/security/certificate-issue.ts`,
      systeminformation: 'systeminformation',
    },
    absWorkingDir: root,
    outdir: outputDirectory,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    metafile: true,
    platform: 'node',
    target: 'node24',
    // As a CommonJS module: an ES module's import of node:http evaluates its lazy exports, which costs 10 MiB.
    format: 'cjs',
    // As require: a binary compiles the bundle from memory, where import() is an experiment that warns.
    supported: { 'dynamic-import': false },
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // A copy of what Node has, for other runtimes: 200 KiB of code and its memory.
    alias: { 'readable-stream': 'node:stream' },
    plugins: [addonBesideBundle, besideBundle],
  })
  const outputFile = `${outputDirectory}/fieldgate.cjs`
  keepToAscii(outputFile)
  chmodSync(outputFile, 0o755)
  for (const [platform, path] of addons) copyFileSync(path, `${outputDirectory}/classic-level-${platform}.node`)
  console.log(`dist/fieldgate.cjs: ${Math.round(statSync(outputFile).size / 1024)} KiB`)
  return metafile
}

/** One character beyond ASCII, and V8 keeps two bytes for each of two million: esbuild leaves those in regular expressions as they are. */
function keepToAscii(path: string): void {
  const text = readFileSync(path, 'utf8')
  const escaped = text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  if (escaped !== text) writeFileSync(path, escaped)
}

if (import.meta.main) await makeBundle()
