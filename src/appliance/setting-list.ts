/** How lists of tables (`[[adapters.modbus.device]]`) are read: each table by its rows, each problem at the line of its key. */

import { ConfigError } from './config-error.ts'
import { nearestName } from './nearest-name.ts'
import { describeExpected, propertyName, readValue, type SettingRow, type SettingTable, writeValue } from './setting.ts'

interface Place {
  /** `adapters.modbus.device` */
  readonly path: string
  /** Where a path stands: `fieldgate.toml:12`. */
  readonly at: (path: string) => string
}

/** The tables of a list under the names of their properties. What is wrong is added to the problems. */
export function readTables(
  row: SettingRow,
  raw: unknown,
  { path, at }: Place,
  problems: ConfigError[],
): readonly SettingTable[] {
  if (Array.isArray(raw) && raw.every(isTable))
    return raw.map((table, index) => readTable(row.rows ?? [], table, { path: `${path}[${index + 1}]`, at }, problems))
  problems.push(
    new ConfigError(path, `${at(path)}: ${path} is a list of tables: write [[${path}]] and its keys below it`),
  )
  return []
}

/** The words for a value that can't be used. */
export function unusableValue(
  path: string,
  row: SettingRow,
  raw: unknown,
  expected: string,
  source: string,
): ConfigError {
  const hasExample = !row.choices && row.type !== 'boolean' && !row.format && row.default !== undefined
  const example = hasExample ? `, such as ${writeValue(row.default)}` : ''
  return new ConfigError(path, `${source}: ${path} = ${writeValue(raw)}: must be ${expected}${example}`)
}

function readTable(
  rows: readonly SettingRow[],
  table: SettingTable,
  { path, at }: Place,
  problems: ConfigError[],
): SettingTable {
  const keys = rows.map(({ key }) => key)
  for (const key of Object.keys(table)) {
    if (keys.includes(key)) continue
    const near = nearestName(key, keys)
    const advice = near ? `did you mean ${near}?` : `there are ${keys.join(', ')}`
    problems.push(new ConfigError(`${path}.${key}`, `${at(`${path}.${key}`)}: ${path}.${key}: no such key; ${advice}`))
  }
  return Object.fromEntries(
    rows.map((row) => [
      propertyName(row),
      readEntry(row, table[row.key], { path: `${path}.${row.key}`, at }, problems),
    ]),
  )
}

function readEntry(row: SettingRow, given: unknown, place: Place, problems: ConfigError[]): unknown {
  const { path, at } = place
  const raw = given ?? row.default
  if (row.type === 'tables') return readTables(row, given ?? [], place, problems)
  if (raw === undefined) {
    if (row.isRequired)
      problems.push(new ConfigError(path, `${at(path)}: ${path} is missing: must be ${describeExpected(row)}`))
    return undefined
  }
  const read = readValue(row, raw)
  if ('value' in read) return read.value
  problems.push(unusableValue(path, row, raw, read.expected, at(path)))
  return undefined
}

function isTable(value: unknown): value is SettingTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}
