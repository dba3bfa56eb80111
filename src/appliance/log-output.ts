/** Which form of log suits the place that standard error leads to: a terminal, the journal, or anything else. */

import { fstatSync } from 'node:fs'
import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import { createLog, type LogFormat, type LogLevel } from './log.ts'

interface LogOutputOptions {
  readonly level: LogLevel
  readonly format: 'auto' | 'json' | 'text'
  readonly clock: Clock
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** A log on standard error. A reader that goes away (a closed pipe) does not take the process with it. */
export function openLog({ level, format, clock, environment }: LogOutputOptions): Log {
  const { stderr } = process
  if (stderr.listenerCount('error') === 0) stderr.on('error', () => undefined)
  const isColoured = stderr.isTTY === true && environment['NO_COLOR'] === undefined
  const write = (line: string): void => void stderr.write(`${line}\n`)
  return createLog({ level, format: chooseFormat(format, environment['JOURNAL_STREAM']), isColoured, clock, write })
}

/** True when people will read the log as it comes. */
export function isForPeople(format: 'auto' | 'json' | 'text'): boolean {
  return format === 'text' || (format === 'auto' && process.stderr.isTTY === true)
}

function chooseFormat(format: 'auto' | 'json' | 'text', journalStream: string | undefined): LogFormat {
  if (isForPeople(format)) return 'text'
  return isJournal(journalStream) ? 'journal' : 'json'
}

/** systemd.exec(5): the variable names the device and inode of the stream, and is inherited by those who have redirected theirs. */
function isJournal(journalStream: string | undefined): boolean {
  if (journalStream === undefined) return false
  const { dev, ino } = fstatSync(process.stderr.fd)
  return journalStream === `${dev}:${ino}`
}
