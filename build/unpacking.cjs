/**
 * What a binary runs first: the bundle lies in it compressed, which takes most of a megabyte off the file, and is compiled from memory.
 */

const { compileFunction } = require('node:vm')
const { zstdDecompressSync } = require('node:zlib')
const sea = require('node:sea')

// In one piece, which goes back to the system when it is read; many small ones would stay in malloc's hands.
const chunkSize = 8 * 1024 * 1024
const source = zstdDecompressSync(sea.getRawAsset('fieldgate.cjs.zst'), { chunkSize }).toString('latin1')
const names = ['exports', 'require', 'module', '__filename', '__dirname']
const run = compileFunction(source, names, { filename: 'fieldgate.cjs' })
run(exports, require, module, __filename, __dirname)
