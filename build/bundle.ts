/**
 * Makes `dist/`: the whole program as one JavaScript file, and LevelDB's native part beside it, for this machine and for the gateways'
 * architectures. `dist/` runs anywhere on the pinned Node, without node_modules.
 */

import { chmodSync, copyFileSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const outputFile = `${root}dist/fieldgate.cjs`
const require = createRequire(import.meta.url)
const classicLevel = dirname(require.resolve('classic-level/package.json'))

/** LevelDB's native part by platform, as its package names it. */
const addons: ReadonlyMap<string, string> = new Map([
  ['linux-x64', `${classicLevel}/prebuilds/linux-x64/classic-level.node`],
  ['linux-arm64', `${classicLevel}/prebuilds/linux-arm64/classic-level.armv8.node`],
  [`${process.platform}-${process.arch}`, require('node-gyp-build').resolve(classicLevel)],
])

/** The package looks for its native part in its own folder, which a bundle has not. */
const addonBesideBundle: Plugin = {
  name: 'addon-beside-bundle',
  setup({ onLoad }) {
    const name = "['./classic-level', process.platform, process.arch].join('-')"
    onLoad({ filter: /classic-level[/\\]binding\.js$/ }, () => ({
      contents: `module.exports = require(${name} + '.node')`,
    }))
  },
}

rmSync(dirname(outputFile), { recursive: true, force: true })
mkdirSync(dirname(outputFile))
await build({
  entryPoints: [`${root}src/main.ts`],
  outfile: outputFile,
  bundle: true,
  platform: 'node',
  target: 'node24',
  // As a CommonJS module: an ES module's import of node:http evaluates its lazy exports, which costs 10 MiB.
  format: 'cjs',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  // A copy of what Node has, for other runtimes: 200 KiB of code and its memory.
  alias: { 'readable-stream': 'node:stream' },
  plugins: [addonBesideBundle],
})
chmodSync(outputFile, 0o755)
for (const [platform, path] of addons) copyFileSync(path, `${root}dist/classic-level-${platform}.node`)
console.log(`dist/fieldgate.cjs: ${Math.round(statSync(outputFile).size / 1024)} KiB`)
