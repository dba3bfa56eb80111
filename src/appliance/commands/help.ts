/** `fieldgate help`: the list of commands, one command with its options and examples, or the table of configuration keys. */

import { type Command, ExitCode, type Invocation, type OptionRow, UsageError, usageOf } from '../command.ts'
import { commands } from '../command-list.ts'
import { nearestName } from '../nearest-name.ts'
import type { SettingRow } from '../setting.ts'

const configurationTopic = 'configuration'
const terminalWidth = 80

export async function run({ operands: [topic], surroundings }: Invocation): Promise<number> {
  if (topic === undefined) surroundings.print(describeAll())
  else if (topic === configurationTopic) surroundings.print(await describeConfiguration())
  else surroundings.print(describe(find(topic)))
  return ExitCode.OK
}

function find(topic: string): Command {
  const command = commands.find(({ name }) => name === topic)
  if (command) return command
  const near = nearestName(topic, [configurationTopic, ...commands.map(({ name }) => name)])
  throw new UsageError(`no such command: ${topic}${near ? `; did you mean ${near}?` : '.'} See fieldgate --help.`)
}

function describeAll(): string {
  return [
    'Fieldgate: MQTT broker, oneM2M middle-node CSE and sensor adapters in one',
    'process.',
    '',
    'Usage: fieldgate COMMAND [OPTIONS]',
    '',
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    '',
    'fieldgate COMMAND --help explains one; fieldgate help configuration lists every',
    'key of the configuration.',
  ].join('\n')
}

function describe(command: Command): string {
  const options = Object.entries(command.options)
  return [
    ...wrap(`${usageOf(command)}: ${command.summary}.`, terminalWidth),
    ...(options.length > 0
      ? ['', 'Options:', ...columns(options.map(([name, row]) => [nameOption(name, row), row.text]))]
      : []),
    '',
    command.examples.length > 1 ? 'Examples:' : 'Example:',
    ...command.examples.map((example) => `  ${example}`),
  ].join('\n')
}

function nameOption(name: string, { short, value, isRepeatable }: OptionRow): string {
  return `${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}${isRepeatable ? ' ...' : ''}`
}

async function describeConfiguration(): Promise<string> {
  const [{ listSettings }, { describeExpected, writeValue }, { adapters }] = await Promise.all([
    import('../configuration.ts'),
    import('../setting.ts'),
    import('../../adapters/index.ts'),
  ])
  const settings = listSettings(adapters).map(({ path, row, environmentName }) =>
    [
      row.type === 'tables' ? `[[${path}]]` : `${path} = ${writeValue(row.default)}`,
      `    ${row.text}`,
      `    Is ${describeExpected(row)}. ${environmentName ? `In the environment: ${environmentName}` : listKeys(row)}`,
    ].join('\n'),
  )
  return settings.join('\n\n')
}

/** The keys of a list of tables; what each means is told by docs/configuration.md. */
function listKeys({ rows = [] }: SettingRow): string {
  return `Keys: ${rows.map(({ key, isRequired }) => (isRequired ? `${key} (required)` : key)).join(', ')}`
}

/** Two columns, no wider than a terminal. */
function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.flatMap(([left, right]) =>
    wrap(right, terminalWidth - width - 4).map(
      (line, index) => `  ${(index === 0 ? left : '').padEnd(width)}  ${line}`,
    ),
  )
}

/** Lines of so many characters, broken between words. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
