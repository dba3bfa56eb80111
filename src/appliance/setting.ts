/**
 * How a value from a file or from the environment becomes a value of the type that a row of the configuration table says. Times and sizes
 * are written with their unit and used in milliseconds and bytes.
 */

import type { SettingFormat, SettingRow } from '../onem2m/setting-row.ts'

export type { SettingRow, SettingsOf } from '../onem2m/setting-row.ts'

/** A table of the configuration file. */
export interface Section {
  /** One sentence for the operator. */
  readonly text: string
  readonly rows: readonly SettingRow[]
}

/** A table of a list, by the names that its keys have in code. */
export type SettingTable = Readonly<Record<string, unknown>>

export type SettingValue = string | number | boolean | readonly string[] | readonly SettingTable[]

interface Format {
  readonly expression: RegExp
  readonly text: string
}

const formats = {
  'listen-address': {
    expression: /^(?:[\w.-]+|\[[\da-f:.]+\]):(?:\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])$/i,
    text: 'HOST:PORT, such as "localhost:1883" or "[::1]:1883"',
  },
  'cse-id': { expression: /^\/[\w.~-]+$/, text: 'a slash and a name, such as "/mn-cse-1"' },
  'resource-name': { expression: /^[\w.~-]+$/, text: 'a name of letters, digits and . _ ~ -, such as "onem2m"' },
  'sp-id': { expression: /^\/\/[\w.-]+$/, text: 'two slashes and a domain name, such as "//openmtc.org"' },
  'web-origin': {
    expression: /^(?:\*|https?:\/\/(?:[a-z\d.-]+|\[[\da-f:.]+\])(?::\d{1,5})?)$/i,
    text: 'web origins, such as "https://panel.example"',
  },
  'bridge-topic': {
    expression: /^\s*\S+\s+(?:in|out|both)\s+[012](?:\s+\S+){0,2}\s*$/,
    text: 'FILTER in|out|both QOS [LOCAL-PREFIX [REMOTE-PREFIX]], such as "sensors/# out 1 \\"\\" barn-7/"',
  },
  'registrar-id': { expression: /^(?:\/[\w.~-]+)?$/, text: '"", or a slash and a name, such as "/in-cse-1"' },
  'point-of-access': {
    expression:
      /^(?:mqtts?|secure-mqtt|https?):\/\/(?:(?:[^\s@/%]|%[\da-f]{2})+@)?(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?(?:\/\S*)?$/i,
    text: 'URLs, such as "mqtt://backend:1883" or "http://backend:18000"',
  },
  'http-credentials': {
    expression:
      /^https?:\/\/(?:[^\s@/:%]|%[\da-f]{2})+:(?:[^\s@/%]|%[\da-f]{2})+@(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?\/?$/i,
    text: 'URLs with user and password, such as "http://backend:password@barn-7:8000"',
  },
  'broker-url': {
    expression: /^(?:mqtts?|secure-mqtt):\/\/(?:[^\s@/]+@)?(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?(?:\/[^\s#+]*)?$/i,
    text: 'URLs of brokers, such as "mqtt://user:password@broker:1883"',
  },
  originator: { expression: /^[^\s/+#]+$/, text: 'an originator such as "CAdmin"' },
} as const satisfies Record<SettingFormat, Format>

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 }
const sizeUnits: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/** A value that can't be used; the text says what is expected, as in "must be <text>". */
class UnusableValue extends Error {}

/** The property a row is read by in code. */
export function propertyName(row: SettingRow): string {
  const camelCase = row.key.replace(/_([a-z\d])/g, (_, letter: string) => letter.toUpperCase())
  if (row.type === 'duration') return `${camelCase}Ms`
  if (row.type === 'tables') return `${camelCase}s`
  return row.type === 'size' ? `${camelCase}Bytes` : camelCase
}

/** What a value of this row looks like, in words: "a whole number from 1 to 65535". */
export function describeExpected(row: SettingRow): string {
  const bounds = describeBounds(row)
  switch (row.type) {
    case 'boolean':
      return 'true or false'
    case 'integer':
      return `a whole number${bounds}`
    case 'number':
      return `a number${bounds}`
    case 'duration':
      return `a time with its unit (ms, s, min, h, d)${bounds}`
    case 'size':
      return `a size with its unit (B, KiB, MiB, GiB)${bounds}`
    case 'string':
      if (row.choices) return row.choices.map((choice) => JSON.stringify(choice)).join(' or ')
      return row.format ? formats[row.format].text : 'a text in quotes'
    case 'list':
      return row.format ? `a list of ${formats[row.format].text}` : 'a list of texts in quotes'
    case 'tables':
      return 'a list of tables, each with its own header in double brackets'
  }
}

/** A value as a person writes it in the file. */
export function writeValue(value: unknown): string {
  return Array.isArray(value)
    ? `[${value.map((entry) => JSON.stringify(entry)).join(', ')}]`
    : (JSON.stringify(value) ?? '')
}

/**
 * The value of a row from what a file says, or from the text of an environment variable (then lists are comma-separated).
 * Returns `{ expected }`, a text for "must be ...", when it can't be used.
 */
export function readValue(
  row: SettingRow,
  raw: unknown,
  isText = false,
): { value: SettingValue } | { expected: string } {
  try {
    return { value: readTyped(row, isText && typeof raw === 'string' ? fromText(row, raw) : raw) }
  } catch (error) {
    if (error instanceof UnusableValue) return { expected: error.message }
    throw error
  }
}

function fromText(row: SettingRow, text: string): unknown {
  switch (row.type) {
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    case 'integer':
    case 'number':
      return text.trim() === '' ? text : Number(text)
    case 'list':
      return text
        .split(',')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== '')
    default:
      return text
  }
}

function readTyped(row: SettingRow, raw: unknown): SettingValue {
  const unusable = new UnusableValue(describeExpected(row))
  switch (row.type) {
    case 'boolean':
      if (typeof raw !== 'boolean') throw unusable
      return raw
    case 'string':
      if (typeof raw !== 'string' || (row.choices && !row.choices.includes(raw)) || !isWellFormed(row, raw))
        throw unusable
      return raw
    case 'list': {
      const entries = typeof raw === 'string' ? [raw] : raw
      if (!Array.isArray(entries)) throw unusable
      if (!entries.every((entry) => typeof entry === 'string' && isWellFormed(row, entry))) throw unusable
      return entries
    }
    case 'tables':
      throw unusable
    default: {
      const value = readNumber(row.type, raw)
      const isWithin = value >= (row.minimum ?? -Infinity) && value <= (row.maximum ?? Infinity)
      if (!Number.isFinite(value) || !isWithin || (row.type !== 'number' && !Number.isInteger(value))) throw unusable
      return value
    }
  }
}

function isWellFormed(row: SettingRow, text: string): boolean {
  return row.format === undefined || formats[row.format].expression.test(text)
}

/** NaN for what is not a number of that kind. Zero needs no unit. */
function readNumber(type: 'integer' | 'number' | 'duration' | 'size', raw: unknown): number {
  if (type === 'integer' || type === 'number' || raw === 0) return typeof raw === 'number' ? raw : Number.NaN
  if (typeof raw !== 'string') return Number.NaN
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)$/.exec(raw) ?? []
  const factor = (type === 'duration' ? durationUnits : sizeUnits)[unit]
  return amount === undefined || factor === undefined ? Number.NaN : Math.round(Number(amount) * factor)
}

function describeBounds(row: SettingRow): string {
  const write = (bound: number) => writeAmount(row.type, bound)
  if (row.minimum !== undefined && row.maximum !== undefined)
    return ` from ${write(row.minimum)} to ${write(row.maximum)}`
  if (row.minimum !== undefined) return `, ${write(row.minimum)} or more`
  return row.maximum === undefined ? '' : `, ${write(row.maximum)} or less`
}

function writeAmount(type: SettingRow['type'], amount: number): string {
  const units = type === 'duration' ? durationUnits : type === 'size' ? sizeUnits : { '': 1 }
  const [unit, factor] = Object.entries(units).findLast(([, factor]) => amount >= factor && amount % factor === 0) ?? [
    '',
    1,
  ]
  return amount === 0 ? '0' : `${amount / factor}${unit}`
}
