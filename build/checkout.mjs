/**
 * Makes a fresh checkout runnable and runs something in it: `node build/checkout.mjs ARGUMENTS` is `node ARGUMENTS` on the pinned
 * Node, after an installation where one is due. The only file that must run on whatever Node the machine has (20.19 and later),
 * before anything is installed.
 */

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, lstatSync, readFileSync, statSync } from 'node:fs'
import { runMain } from 'node:module'
import { constants } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const pinnedNode = join(modules, '.bin', 'node')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const pinnedVersion = `v${manifest.devDependencies.node}`

/** True when nothing is installed, or the lock file has changed since. */
function isInstallationDue() {
  // Behind a link lies somebody else's folder: npm ci would empty it.
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) return false
  const installed = join(modules, '.package-lock.json')
  if (!existsSync(installed)) return true
  return statSync(join(root, 'package-lock.json')).mtimeMs > statSync(installed).mtimeMs
}

/** Runs npm in silence; its output is shown only when it fails. Returns whether it went well. */
function runNpm(...parameters) {
  const npm = process.env.npm_execpath
  const [command, first] = npm && existsSync(process.execPath) ? [process.execPath, [npm]] : ['npm', []]
  const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }
  const result = spawnSync(command, [...first, ...parameters, '--loglevel=error'], options)
  if (result.status === 0) return true
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error ? `${result.error.message}\n` : ''}`)
  return false
}

function install() {
  console.error('Installing what this checkout needs (npm ci), once; this takes a minute ...')
  // Without scripts: those of the packages are not needed but for Node's, which comes below, and the binaries' runtimes are for the build.
  if (!runNpm('ci', '--ignore-scripts')) {
    console.error('The installation failed: see the lines above. `npm ci` shows all of it.')
    process.exit(1)
  }
}

function versionOf(node) {
  return existsSync(node) ? spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim() : undefined
}

/** The pinned Node; where there is none for this machine, the present one if it can run TypeScript sources (22.18 and later). */
function findNode() {
  // It may have gone with the installation that it was part of.
  if (process.version === pinnedVersion && existsSync(process.execPath)) return process.execPath
  if (versionOf(pinnedNode) === pinnedVersion) return pinnedNode
  // An npm that is set to run no install scripts has left the package without its binary.
  if (runNpm('rebuild', 'node', '--ignore-scripts=false') && versionOf(pinnedNode) === pinnedVersion) return pinnedNode
  if (process.features.typescript) {
    console.error(
      `Node ${pinnedVersion} is not to be had for ${process.platform}-${process.arch}: going on with ${process.version}.`,
    )
    return process.execPath
  }
  console.error(
    `This needs Node ${pinnedVersion}, which could not be installed for ${process.platform}-${process.arch}.`,
  )
  process.exit(1)
}

async function run(node, parameters) {
  const [script] = parameters
  if (node === process.execPath && script?.endsWith('.ts')) {
    process.argv.splice(1, process.argv.length - 1, resolve(script), ...parameters.slice(1))
    runMain()
    return
  }
  // Stripping types and compiling are half of a start from sources (450 ms, 220 without); what comes of it is kept.
  const env = { NODE_COMPILE_CACHE: join(modules, '.cache', 'node'), ...process.env }
  const child = spawn(node, parameters, { stdio: 'inherit', env })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
}

if (isInstallationDue()) install()
await run(findNode(), process.argv.slice(2))
