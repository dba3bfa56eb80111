/**
 * What a binary runs first: the bundle and the parts that are seldom needed lie in it compressed, which takes most of a megabyte off the file,
 * and are compiled from memory. What V8 is told here holds for the start alone.
 */

const { setFlagsFromString } = require('node:v8')
const { compileFunction } = require('node:vm')
const { zstdDecompressSync } = require('node:zlib')
const sea = require('node:sea')

// A start runs most functions once. The optimizing compilers would take up to 7 MiB, for their own code and to work in, and save it no time. One
// that takes longer has much to load, and gets them.
const compilers = ['maglev', 'turbofan']
const withoutCompilersMs = 500
for (const name of compilers) setFlagsFromString(`--no-${name}`)
setTimeout(() => {
  for (const name of compilers) setFlagsFromString(`--${name}`)
}, withoutCompilersMs).unref()

// In one piece, which goes back to the system when it is read; many small ones would stay in malloc's hands.
const chunkSize = 8 * 1024 * 1024
const parameters = ['exports', 'require', 'module', '__filename', '__dirname']
const modules = new Map()

/** Runs a script that lies in this file. */
function load(name) {
  const source = zstdDecompressSync(sea.getRawAsset(`${name}.zst`), { chunkSize }).toString('latin1')
  const loaded = { exports: {} }
  modules.set(name, loaded)
  compileFunction(source, parameters, { filename: name })(loaded.exports, find, loaded, __filename, __dirname)
  return loaded.exports
}

/** What stands for `require` in these scripts: files beside the bundle are inside here, everything else is Node's. */
function find(path) {
  if (!path.startsWith('./')) return require(path)
  const name = path.slice(2)
  return modules.get(name)?.exports ?? load(name)
}

load('fieldgate.cjs')
