#!/usr/bin/env node
/** Where the process begins: hands the command line and the world outside to the appliance, and its answer to the exit code. */

import { text } from 'node:stream/consumers'
import { runCommandLine } from './appliance/command-line.ts'

const { argv, env, stdin, stdout, stderr } = process

// `fieldgate discover | head` closes the pipe early: nobody is left to print to, and that is no failure.
stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

runCommandLine(argv.slice(2), {
  environment: env,
  isTerminal: stdout.isTTY === true,
  print: (line) => void stdout.write(`${line}\n`),
  complain: (line) => void stderr.write(`${line}\n`),
  readInput: () => text(stdin),
}).then((exitCode) => {
  process.exitCode = exitCode
})
