/**
 * Where settings come from and which source wins: command line, then environment, then file, then the defaults in the table. Collects
 * everything that is wrong, so that an operator mends it in one go.
 */

import { parse, TomlError } from 'smol-toml'
import type { AdapterTable } from '../adapters/adapter.ts'
import { ConfigError } from './config-error.ts'
import { nearestName } from './nearest-name.ts'
import type { ImportedConfiguration } from './openmtc.ts'
import type { Profile } from './profile.ts'
import { propertyName, readValue, type SettingRow, type SettingValue } from './setting.ts'
import { readTables, unusableValue } from './setting-list.ts'
import { type Settings, sections } from './setting-table.ts'
import { locateKeys } from './toml-location.ts'

export interface ConfigurationSources {
  readonly adapters: readonly AdapterTable[]
  /** What the program runs as; its defaults go before those in the table. */
  readonly profile?: Pick<Profile, 'defaults'>
  readonly file?: { readonly name: string; readonly text: string }
  /** What a configuration of another program says, and what is wrong with it. */
  readonly imported?: ImportedConfiguration & { readonly name: string }
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** From the command line: the text given for a path, and the option it was given with. */
  readonly options?: readonly { readonly option: string; readonly path: string; readonly text: string }[]
}

/** One row of the whole table, with the names it goes by. */
export interface Setting {
  /** `mqtt.listen`, `adapters.system.enabled` */
  readonly path: string
  readonly section: string
  readonly row: SettingRow
  /** Undefined for a list of tables, which the environment can't hold. */
  readonly environmentName: string | undefined
}

export interface EffectiveSetting extends Setting {
  readonly value: SettingValue
  /** `fieldgate.toml:3`, `FIELDGATE_MQTT_LISTEN`, `--mqtt`; undefined for a default. */
  readonly source: string | undefined
}

export interface Configuration {
  readonly settings: Settings
  readonly effective: readonly EffectiveSetting[]
  /** What came from another program's configuration, for the log. */
  readonly imported?: ImportedConfiguration
  /** Everything that is wrong; the settings must not be used unless this is empty. */
  readonly problems: readonly ConfigError[]
}

/** Where a path stands in its source; of what it does not have, where it would be. */
type Locate = (path: string) => string

interface Given {
  readonly raw: unknown
  /** Of a list of tables, which only a file can give. */
  readonly at?: Locate
  readonly source: string
  readonly isText: boolean
}

/** Every row there is, in the order of the table. */
export function listSettings(adapters: readonly AdapterTable[]): readonly Setting[] {
  const setting = (section: string, row: SettingRow): Setting => {
    const path = `${section}.${row.key}`
    const environmentName =
      row.type === 'tables' ? undefined : `FIELDGATE_${path.replaceAll(/[.-]/g, '_').toUpperCase()}`
    return { path, section, row, environmentName }
  }
  return [
    ...Object.entries(sections).flatMap(([name, { rows }]) => rows.map((row) => setting(name, row))),
    ...adapters.flatMap(({ name, settings }) => settings.map((row) => setting(`adapters.${name}`, row))),
  ]
}

/** Reads all sources. Never throws for what an operator wrote: see `problems`. */
export function readConfiguration(sources: ConfigurationSources): Configuration {
  const table = listSettings(sources.adapters)
  const problems: ConfigError[] = []
  const given = new Map<string, Given>()
  const at = sources.file && readFile(sources.file, table, given, problems)
  for (const { path, value, from } of sources.imported?.settings ?? [])
    given.set(path, { raw: value, source: `${sources.imported?.name}: ${from}`, isText: false })
  problems.push(...(sources.imported?.problems ?? []))
  readEnvironment(sources.environment ?? {}, table, given, problems)
  for (const { option, path, text } of sources.options ?? [])
    given.set(path, { raw: text, source: option, isText: true })

  const effective = table.map((setting) =>
    takeEffect(withDefaultOf(sources.profile, setting), given.get(setting.path), problems),
  )
  const settings = nest(effective, sources.adapters)
  const checkOrder = (smaller: number, larger: number, path: string, limit: string): void => {
    const source = given.get(path)?.source ?? given.get(limit)?.source
    if (smaller > larger) problems.push(new ConfigError(path, `${source}: ${path} must not be more than ${limit}`))
  }
  checkOrder(settings.cse.defaultLifetimeMs, settings.cse.maxLifetimeMs, 'cse.default_lifetime', 'cse.max_lifetime')
  const { slowConsumerDropSizeBytes, slowConsumerCloseSizeBytes } = settings.mqtt
  const [dropKey, closeKey] = ['mqtt.slow_consumer_drop_size', 'mqtt.slow_consumer_close_size']
  checkOrder(slowConsumerDropSizeBytes, slowConsumerCloseSizeBytes, dropKey, closeKey)
  const { cseId, poa } = settings.registration
  if (cseId !== '' && poa.length === 0 && !problems.some(({ path }) => path === 'registration.poa'))
    problems.push(
      new ConfigError(
        'registration.poa',
        `${given.get('registration.cse_id')?.source}: registration.poa is missing: say where ${cseId} is reached, such as "mqtt://backend:1883"`,
      ),
    )
  if (problems.length === 0) problems.push(...checkAdapters(sources.adapters, settings.adapters, at))
  const { imported } = sources
  return {
    settings,
    effective,
    ...(imported && { imported }),
    problems: problems.length < 2 ? problems : sortByPlace(problems),
  }
}

/** Only for those that have some: the first collator of a process costs it 3 MiB. */
function sortByPlace(problems: readonly ConfigError[]): readonly ConfigError[] {
  const inOrder = new Intl.Collator('en', { numeric: true })
  return problems.toSorted((a, b) => inOrder.compare(a.message, b.message))
}

/** What the adapters' own checks object to; they are only asked about settings that are right one by one, of adapters that are to run. */
function checkAdapters(
  adapters: readonly AdapterTable[],
  settings: Settings['adapters'],
  at: Locate | undefined,
): readonly ConfigError[] {
  return adapters.flatMap(({ name, check }) => {
    const own = settings[name] ?? {}
    if (check === undefined || own['enabled'] !== true) return []
    return check(own).map(({ key, text }) => {
      const path = `adapters.${name}.${key}`
      return new ConfigError(path, `${at === undefined ? '' : `${at(path)}: `}${path}: ${text}`)
    })
  })
}

/** The row with the default that it has where the program runs as something else than the table thinks of. */
function withDefaultOf(profile: ConfigurationSources['profile'], setting: Setting): Setting {
  const standard = profile?.defaults[setting.path]
  return standard === undefined ? setting : { ...setting, row: { ...setting.row, default: standard } as SettingRow }
}

function takeEffect(setting: Setting, given: Given | undefined, problems: ConfigError[]): EffectiveSetting {
  const { path, row } = setting
  if (row.type === 'tables') {
    const { raw, at = () => '', source } = given ?? { raw: [], source: undefined }
    return { ...setting, value: readTables(row, raw, { path, at }, problems), source }
  }
  const standard = typeof row.default === 'number' ? { value: row.default } : readValue(row, row.default)
  if ('expected' in standard) throw new Error(`the default of ${path} must be ${standard.expected}`)
  if (!given) return { ...setting, value: standard.value, source: undefined }
  const read = readValue(row, given.raw, given.isText)
  if ('value' in read) return { ...setting, value: read.value, source: given.source }
  problems.push(unusableValue(path, row, given.raw, read.expected, given.source))
  return { ...setting, value: standard.value, source: undefined }
}

function readFile(
  file: { readonly name: string; readonly text: string },
  table: readonly Setting[],
  given: Map<string, Given>,
  problems: ConfigError[],
): Locate {
  let document: Readonly<Record<string, unknown>>
  try {
    document = parse(file.text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [reason = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n')
    problems.push(
      new ConfigError(file.name, `${file.name}:${error.line}: not TOML: ${reason}\n${error.codeblock.trimEnd()}`),
    )
    return () => file.name
  }
  const lines = locateKeys(file.text)
  const paths = new Set(table.map(({ path }) => path))
  const tables = new Set(['adapters', ...table.map(({ section }) => section)])
  const at: Locate = (path) => {
    for (let known = path; known !== ''; known = enclosing(known)) {
      const line = lines.get(known)
      if (line !== undefined) return `${file.name}:${line}`
    }
    return file.name
  }
  const visit = (path: string, value: unknown): void => {
    const isTable = typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
    if (paths.has(path)) given.set(path, { raw: value, source: at(path), isText: false, at })
    else if (isTable && (path === '' || tables.has(path))) {
      for (const [key, inner] of Object.entries(value)) visit(path === '' ? key : `${path}.${key}`, inner)
    } else problems.push(new ConfigError(path, `${at(path)}: ${describeUnknown(path, isTable, paths, tables)}`))
  }
  visit('', document)
  return at
}

/** What holds a key: `a.list[2]` of `a.list[2].key`, `a.list` of `a.list[2]`. */
function enclosing(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf(path.endsWith(']') ? '[' : '.')))
}

function describeUnknown(
  path: string,
  isTable: boolean,
  paths: ReadonlySet<string>,
  tables: ReadonlySet<string>,
): string {
  if (tables.has(path)) return `${path} is a section: write [${path}] and its keys below it`
  const near = nearestName(path, isTable ? tables : paths)
  const advice = near
    ? `did you mean ${isTable ? `[${near}]` : near}?`
    : 'see `fieldgate help configuration` for those there are'
  return isTable ? `[${path}]: no such section; ${advice}` : `${path}: no such key; ${advice}`
}

/** Variables that belong to somebody else but begin alike (a container's `FIELDGATE_PORT`, say) are let be; slips of the keyboard are not. */
function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  table: readonly Setting[],
  given: Map<string, Given>,
  problems: ConfigError[],
): void {
  const byName = new Map(table.flatMap((each) => (each.environmentName ? [[each.environmentName, each] as const] : [])))
  const prefixes = Object.keys(sections).map((section) => `FIELDGATE_${section.toUpperCase()}_`)
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith('FIELDGATE_') || text === undefined) continue
    const setting = byName.get(name)
    if (setting) {
      given.set(setting.path, { raw: text, source: name, isText: true })
      continue
    }
    const near = nearestName(name, byName.keys())
    if (!near && !prefixes.some((prefix) => name.startsWith(prefix))) continue
    problems.push(new ConfigError(name, `${name}: no such key${near ? `; did you mean ${near}?` : ''}`))
  }
}

/** The flat list as the object that code reads. The table in `setting-table.ts` gives it its type. */
function nest(effective: readonly EffectiveSetting[], adapters: readonly AdapterTable[]): Settings {
  const root: Record<string, Record<string, unknown>> = {}
  const adapterSettings: Record<string, Record<string, unknown>> = Object.fromEntries(
    adapters.map(({ name }) => [name, {}]),
  )
  for (const { section, row, value } of effective) {
    const name = section.startsWith('adapters.') ? section.slice('adapters.'.length) : undefined
    const holder = name === undefined ? root : adapterSettings
    const key = name ?? section
    holder[key] = { ...holder[key], [propertyName(row)]: value }
  }
  return { ...root, adapters: adapterSettings } as Settings
}
