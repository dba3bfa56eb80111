/** A log that remembers its last warnings and errors, for those who can't read the journal of the machine. */

import type { Log, LogFields } from '../onem2m/log.ts'

const maxLines = 20
const maxLineLength = 300

export class RecentLog implements Log {
  readonly #log: Log
  readonly #lines: string[] = []

  constructor(log: Log) {
    this.#log = log
  }

  /** The latest last. */
  get lines(): readonly string[] {
    return this.#lines
  }

  debug(message: string, fields?: LogFields): void {
    this.#log.debug(message, fields)
  }

  info(message: string, fields?: LogFields): void {
    this.#log.info(message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    this.#remember('warn', message, fields)
    this.#log.warn(message, fields)
  }

  error(message: string, fields?: LogFields): void {
    this.#remember('error', message, fields)
    this.#log.error(message, fields)
  }

  #remember(level: string, message: string, fields: LogFields = {}): void {
    if (this.#lines.length >= maxLines) this.#lines.shift()
    this.#lines.push(`${level}: ${message} ${JSON.stringify(fields)}`.slice(0, maxLineLength))
  }
}
