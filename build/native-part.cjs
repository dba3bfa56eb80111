/**
 * Where LevelDB's native part is loaded from: the file that takes the place of classic-level's `binding.js` in the bundle. A binary has it
 * inside, and the operating system loads only files: one beside the binary, else one in the cache or state directory, which is written
 * when it is first needed. Never below /run or /tmp, where executing may be forbidden.
 */

const { hash } = require('node:crypto')
const { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const sea = require('node:sea')

/** The path of the native part that this binary was made with, by the SHA-256 of its content. */
function unpack() {
  const digest = sea.getAsset('classic-level.sha256', 'latin1')
  const name = `classic-level-${digest.slice(0, 16)}.node`
  const beside = join(dirname(process.execPath), name)
  if (existsSync(beside)) return beside
  const path = join(cacheDirectory(), name)
  if (!holds(path, digest)) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const partial = `${path}.${process.pid}`
    const content = require('node:zlib').brotliDecompressSync(sea.getRawAsset('classic-level.node.br'))
    writeFileSync(partial, content, { mode: 0o500, flush: true })
    renameSync(partial, path)
  }
  return path
}

/** False for a file that is not there, and for one that a power cut or somebody has changed. */
function holds(path, digest) {
  try {
    return hash('sha256', readFileSync(path)) === digest
  } catch {
    return false
  }
}

function cacheDirectory() {
  const { CACHE_DIRECTORY, STATE_DIRECTORY, XDG_CACHE_HOME, HOME } = process.env
  const fromSystemd = (CACHE_DIRECTORY ?? STATE_DIRECTORY)?.split(':')[0]
  return fromSystemd ?? join(XDG_CACHE_HOME ?? join(HOME ?? '/var/tmp', '.cache'), 'fieldgate')
}

const addon = { exports: {} }
process.dlopen(
  addon,
  sea.isSea() ? unpack() : join(__dirname, `classic-level-${process.platform}-${process.arch}.node`),
)
module.exports = addon.exports
