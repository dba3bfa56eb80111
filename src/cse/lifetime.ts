/** When what is stored ends, by a clock that may have been wrong when it was noted. */

import type { Clock } from '../onem2m/clock.ts'
import { parseTimestamp } from '../onem2m/timestamp.ts'
import { creationIn, expiryIn } from './instance-record.ts'
import type { Resource } from './resource.ts'

/** Milliseconds since 1970; Infinity for what does not end. */
export function endOfResource({ calendar }: Clock, { stored }: Resource): number {
  const endMs = timeOf(stored['expirationTime'])
  return calendar?.wasWrong === true ? endMs + calendar.lagOf(timeOf(stored['lastModifiedTime'])) : endMs
}

/** The same for the record of an instance. */
export function endOfInstance({ calendar }: Clock, record: string): number {
  const endMs = expiryIn(record)
  return calendar?.wasWrong === true ? endMs + calendar.lagOf(creationIn(record)) : endMs
}

/** Whether an end has come. Not while nobody can tell the time. */
export function isOver({ calendar }: Clock, endMs: number, nowMs: number): boolean {
  return endMs <= nowMs && calendar?.isTrusted !== false
}

/** Whether what was noted then is older than that. */
export function isOlderThan(clock: Clock, ageMs: number, notedMs: number): boolean {
  return isOver(clock, notedMs + ageMs + (clock.calendar?.lagOf(notedMs) ?? 0), clock.wallMs() - 1)
}

function timeOf(text: unknown): number {
  return typeof text === 'string' ? (parseTimestamp(text) ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY
}
