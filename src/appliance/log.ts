/**
 * What a log line looks like, where it is going, and how often the same warning may come: JSON for machines, text for people,
 * with a priority in front for the journal.
 */

import type { Clock } from '../onem2m/clock.ts'
import type { Log, LogFields } from '../onem2m/log.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFormat = 'json' | 'text' | 'journal'

export interface LogOptions {
  readonly level: LogLevel
  readonly format: LogFormat
  /** Text in colour; only for a terminal. */
  readonly isColoured?: boolean
  readonly clock: Clock
  readonly write: (line: string) => void
}

interface Level {
  readonly rank: number
  /** As in syslog(3), which the journal understands in front of a line. */
  readonly priority: number
  readonly colour: string
}

const levels: Readonly<Record<LogLevel, Level>> = {
  debug: { rank: 0, priority: 7, colour: '2' },
  info: { rank: 1, priority: 6, colour: '32' },
  warn: { rank: 2, priority: 4, colour: '33' },
  error: { rank: 3, priority: 3, colour: '31' },
}

const guardMs = 60_000

/**
 * A log that writes one line an event. A warning or an error that comes again within a minute is counted, and said once more, with
 * `repeated`, when the minute is over.
 */
export function createLog({ level, format, isColoured = false, clock, write }: LogOptions): Log {
  const suppressed = new Map<string, { count: number; fields: LogFields }>()

  const emit = (severity: LogLevel, message: string, fields: LogFields): void => {
    const time = new Date(clock.wallMs()).toISOString()
    const prefix = format === 'journal' ? `<${levels[severity].priority}>` : ''
    if (format === 'text') write(writeText(time, severity, message, fields, isColoured))
    else write(prefix + writeJson({ time, level: severity, message, ...fields }))
  }

  /** True for the first of its kind in a minute; the others are counted. */
  const isFirst = (severity: LogLevel, message: string, fields: LogFields): boolean => {
    const kind = kindOf(message, fields)
    const seen = suppressed.get(kind)
    if (seen) {
      seen.count++
      seen.fields = fields
      return false
    }
    const entry = { count: 0, fields }
    suppressed.set(kind, entry)
    clock.after(guardMs, () => {
      suppressed.delete(kind)
      if (entry.count > 0) emit(severity, message, { ...entry.fields, repeated: entry.count })
    })
    return true
  }

  const at =
    (severity: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (levels[severity].rank < levels[level].rank) return
      if (levels[severity].rank < levels.warn.rank || isFirst(severity, message, fields))
        emit(severity, message, fields)
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/**
 * Two sensors that fail are two events; a thousand clients that misbehave in one way are one. What comes from the network is no part of the kind:
 * it has no bound.
 */
function kindOf(message: string, fields: LogFields): string {
  return [message, fields['adapter'], fields['part']].join('\0')
}

/** An error as log fields can hold it, with what caused it. */
function describeError(error: Error): Record<string, unknown> {
  const { name, message, stack, cause } = error
  const code = 'code' in error ? { code: error.code } : {}
  return { name, message, ...code, stack, ...(cause instanceof Error ? { cause: describeError(cause) } : {}) }
}

function writeJson(event: LogFields): string {
  return JSON.stringify(event, (_, value: unknown) => {
    if (value instanceof Error) return describeError(value)
    return typeof value === 'bigint' ? value.toString() : value
  })
}

function writeText(time: string, level: LogLevel, message: string, fields: LogFields, isColoured: boolean): string {
  const paint = (code: string, text: string): string => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text)
  const stacks: string[] = []
  const pairs = Object.entries(fields).flatMap(([name, value]) => {
    if (value === undefined) return []
    if (value instanceof Error && level === 'error') stacks.push(value.stack ?? '')
    const text =
      value instanceof Error ? value.message : typeof value === 'string' ? value : writeJson({ value }).slice(9, -1)
    return [` ${paint('2', `${name}=`)}${/^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)}`]
  })
  const head = `${paint('2', time.slice(11, 23))} ${paint(levels[level].colour, level.toUpperCase().padEnd(5))} ${message}`
  return [head + pairs.join(''), ...stacks].join('\n')
}
