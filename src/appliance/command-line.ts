/** From the words of a command line to a command and what was given to it, and from what went wrong to an exit code. */

import { type ParseArgsConfig, parseArgs } from 'node:util'
import { type Command, ExitCode, type Invocation, type Surroundings, UsageError, usageOf } from './command.ts'
import { commands } from './command-list.ts'
import { ConfigError } from './config-error.ts'
import { describeFileFailure } from './file-failure.ts'
import { nearestName } from './nearest-name.ts'
import { StateError } from './state/state-error.ts'

/** Runs a command line, without the names of runtime and program, and resolves with the exit code. Bugs reject. */
export async function runCommandLine(words: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    const { command, invocation } = parse(findCommand(words), words.slice(1), surroundings)
    const { run } = await command.load()
    return await run(invocation)
  } catch (error) {
    if (error instanceof UsageError) {
      surroundings.complain(`fieldgate: ${error.message}`)
      return ExitCode.USAGE
    }
    if (error instanceof ConfigError) {
      surroundings.complain(`fieldgate: ${error.message}`)
      return ExitCode.CONFIGURATION
    }
    const failure = error instanceof StateError ? error.message : describeFileFailure(error)
    if (failure === undefined) throw error
    surroundings.complain(`fieldgate: ${failure}.`)
    return ExitCode.FAILURE
  }
}

/** `--help` and `--version` are commands too, wherever they stand: `fieldgate create --help` is `fieldgate help create`. */
function findCommand(words: readonly string[]): Command {
  const [name = '--help'] = words
  const wanted = name === '--help' || name === '-h' ? 'help' : name === '--version' || name === '-V' ? 'version' : name
  const command = commands.find((candidate) => candidate.name === wanted)
  if (command) return command
  const near = nearestName(
    wanted,
    commands.map((candidate) => candidate.name),
  )
  throw new UsageError(`no such command: ${name}${near ? `; did you mean ${near}?` : '.'} See fieldgate --help.`)
}

interface Call {
  readonly command: Command
  readonly invocation: Invocation
}

function parse(command: Command, words: readonly string[], surroundings: Surroundings): Call {
  const { values: given, positionals: operands } = parseWords(command, words)
  if (given['help'] === true) return parse(findCommand(['help']), [command.name], surroundings)
  const [minimum, maximum] = command.operandCount
  if (operands.length < minimum || operands.length > maximum) {
    throw new UsageError(`write: ${usageOf(command)}`)
  }
  const flags = new Set(Object.keys(given).filter((name) => given[name] === true))
  const values: Record<string, readonly string[]> = {}
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === 'string') values[name] = [value]
    if (Array.isArray(value)) values[name] = value.filter((text) => typeof text === 'string')
  }
  return { command, invocation: { operands, flags, values, surroundings } }
}

function parseWords(command: Command, words: readonly string[]) {
  const options: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean', short: 'h' } }
  for (const [name, row] of Object.entries(command.options)) {
    options[name] = {
      type: row.value === undefined ? 'boolean' : 'string',
      multiple: row.isRepeatable === true,
      ...(row.short === undefined ? {} : { short: row.short }),
    }
  }
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new UsageError(explain(error.message, command))
  }
}

/** What `parseArgs` complains of, in our words where an option is unknown: its own advice is about positional arguments. */
function explain(message: string, command: Command): string {
  const [, unknown] = /^Unknown option '(-[^']*)'/.exec(message) ?? []
  if (unknown === undefined) return `${message.split('\n')[0]} See fieldgate ${command.name} --help.`
  const near = nearestName(
    unknown,
    Object.keys(command.options).map((name) => `--${name}`),
  )
  return `${command.name} has no option ${unknown}${near ? `; did you mean ${near}?` : '.'} See fieldgate ${command.name} --help.`
}
