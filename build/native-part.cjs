/**
 * Where LevelDB's native part is loaded from: the file that takes the place of classic-level's `binding.js` in the bundle. A binary has it
 * inside, and the operating system loads only files: one beside the binary, else one in the cache or state directory, which is written
 * when it is first needed. Never below /run or /tmp, where executing may be forbidden.
 */

const { hash } = require('node:crypto')
const { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const sea = require('node:sea')

/** As in src/appliance/command.ts. */
const CANNOT_CREATE = 73

/** The path of the native part that this binary was made with, by the SHA-256 of its content. Ends the process where it can be kept nowhere. */
function unpack() {
  const digest = sea.getAsset('classic-level.sha256', 'latin1')
  const name = `classic-level-${digest.slice(0, 16)}.node`
  const beside = join(dirname(process.execPath), name)
  if (existsSync(beside)) return beside
  const failures = []
  for (const directory of cacheDirectories()) {
    const path = join(directory, name)
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      expectOwn(directory)
      if (!holds(path, digest)) write(path)
      return path
    } catch (error) {
      failures.push(`${directory} (${error.code ?? error.message})`)
    }
  }
  process.stderr.write(
    `fieldgate: there is no place for the part of the program that has to be a file; tried ${failures.join(', ')}. ` +
      'Name a directory that this user may write to in XDG_CACHE_HOME.\n',
  )
  process.exit(CANNOT_CREATE)
}

function write(path) {
  const partial = `${path}.${process.pid}`
  const content = require('node:zlib').brotliDecompressSync(sea.getRawAsset('classic-level.node.br'))
  try {
    writeFileSync(partial, content, { mode: 0o500, flush: true })
    renameSync(partial, path)
  } catch (error) {
    rmSync(partial, { force: true })
    throw error
  }
}

/** What somebody else may change is not loaded. */
function expectOwn(directory) {
  const { uid, mode } = statSync(directory)
  if ((uid !== process.getuid() && uid !== 0) || (mode & 0o002) !== 0) throw new Error('it is not of this user alone')
}

/** False for a file that is not there, and for one that a power cut or somebody has changed. */
function holds(path, digest) {
  try {
    return hash('sha256', readFileSync(path)) === digest
  } catch {
    return false
  }
}

function cacheDirectories() {
  const { CACHE_DIRECTORY, STATE_DIRECTORY, XDG_CACHE_HOME, HOME } = process.env
  const ofService = (CACHE_DIRECTORY ?? STATE_DIRECTORY)?.split(':')[0]
  const ofUser = XDG_CACHE_HOME ?? (HOME && join(HOME, '.cache'))
  return [ofService, ofUser && join(ofUser, 'fieldgate'), `/var/tmp/fieldgate-${process.getuid()}`].filter(Boolean)
}

const addon = { exports: {} }
process.dlopen(
  addon,
  sea.isSea() ? unpack() : join(__dirname, `classic-level-${process.platform}-${process.arch}.node`),
)
module.exports = addon.exports
