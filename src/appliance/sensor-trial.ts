/** Adapters without a gateway, at a shell: what they find on this machine, as lines for the configuration file, and what one of them reads. */

import type { AdapterEntry, Finding } from '../adapters/adapter.ts'
import { adapters } from '../adapters/index.ts'
import type { Reading } from '../adapters/point.ts'
import { tryAdapter } from '../adapters/trial.ts'
import { ExitCode, type Invocation, UsageError } from './command.ts'
import { type FoundConfiguration, findConfiguration } from './configuration-file.ts'
import { nearestName } from './nearest-name.ts'
import { writeValue } from './setting.ts'
import { systemClock } from './system-clock.ts'

const probeTimeoutMs = 10_000

/** Prints what there is: comments for people, and the sections that would have it read. */
export async function probeSensors(invocation: Invocation): Promise<number> {
  const { surroundings } = invocation
  const { settings, dataDirectory } = await configurationOf(invocation)
  const name = invocation.operands[1]
  let found = 0
  for (const { name: adapter, load } of name === undefined ? adapters : [entryOf(name)]) {
    const own = settings.adapters[adapter] ?? {}
    try {
      const signal = AbortSignal.timeout(probeTimeoutMs)
      const findings = await (await load()).probe({ settings: own, dataDirectory, signal })
      if (findings.length === 0) continue
      found += findings.length
      for (const line of writeFindings(adapter, own['enabled'] === true, findings)) surroundings.print(line)
    } catch (error) {
      surroundings.complain(`${adapter}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (found === 0) surroundings.print('# Nothing was found.')
  return ExitCode.OK
}

/** Starts one adapter as it is configured, enabled or not, and prints what it reads. */
export async function readSensors(invocation: Invocation): Promise<number> {
  const { surroundings, operands, values } = invocation
  if (operands[1] === undefined) throw new UsageError(`sensors read: name an adapter: ${names().join(', ')}`)
  const entry = entryOf(operands[1])
  const { settings, dataDirectory } = await configurationOf(invocation)
  const seconds = Number(values['wait']?.at(-1) ?? 5)
  if (!(seconds > 0)) throw new UsageError(`--wait ${values['wait']?.at(-1)}: expected a number of seconds`)
  let isWell = true
  let isSilent = true
  const complain = (line: string) => {
    isWell = false
    surroundings.complain(line)
  }
  const silent = () => {}
  try {
    await tryAdapter({
      entry,
      settings: settings.adapters[entry.name] ?? {},
      dataDirectory,
      clock: systemClock,
      log: { debug: silent, info: silent, warn: (text) => complain(text), error: (text) => complain(text) },
      patienceMs: seconds * 1000,
      onReadings: (readings) => {
        if (readings.length > 0) isSilent = false
        readings.map(writeReading).forEach(surroundings.print)
      },
      onFault: (part, reason) => complain(`${part}: ${reason}`),
    })
  } catch (error) {
    complain(`${entry.name}: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (isWell && isSilent) surroundings.print(`${entry.name}: nothing to read here, within ${seconds} s`)
  return isWell ? ExitCode.OK : ExitCode.FAILURE
}

async function configurationOf(invocation: Invocation): Promise<FoundConfiguration> {
  const configuration = await findConfiguration(invocation)
  const [problem] = configuration.problems
  if (problem !== undefined) throw problem
  return configuration
}

function names(): readonly string[] {
  return adapters.map(({ name }) => name)
}

function entryOf(name: string): AdapterEntry {
  const entry = adapters.find((each) => each.name === name)
  if (entry !== undefined) return entry
  const near = nearestName(name, names())
  throw new UsageError(
    `no such adapter: ${name}; ${near ? `did you mean ${near}?` : `there are ${names().join(', ')}`}`,
  )
}

function writeFindings(adapter: string, isEnabled: boolean, findings: readonly Finding[]): readonly string[] {
  const comments = findings.map(({ text }) => `# ${adapter}: ${text}`)
  const section = isEnabled ? [] : [`[adapters.${adapter}]`, 'enabled = true']
  return [
    ...comments,
    ...section,
    ...findings.flatMap(({ settings }) => writeTables(`adapters.${adapter}`, settings)),
    '',
  ]
}

/** Lists of tables under headers of their own, the innermost last. */
function writeTables(path: string, settings: Finding['settings']): readonly string[] {
  return Object.entries(settings).flatMap(([key, tables]) =>
    tables.flatMap((table) => {
      const plain = Object.entries(table).filter(([, value]) => !isList(value))
      const lists = Object.fromEntries(Object.entries(table).filter(([, value]) => isList(value)))
      return [
        `[[${path}.${key}]]`,
        ...plain.map(([name, value]) => `${name} = ${writeValue(value)}`),
        ...writeTables(`${path}.${key}`, lists as Finding['settings']),
      ]
    }),
  )
}

function isList(value: unknown): boolean {
  return Array.isArray(value) && value.some((entry) => typeof entry === 'object')
}

function writeReading({ point, value, fault }: Reading): string {
  if (fault !== undefined) return `${point.path}: ${fault}`
  return `${point.path} = ${value}${point.unit === undefined ? '' : ` ${point.unit}`}`
}
