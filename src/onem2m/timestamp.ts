/** oneM2M time stamps (TS-0004 6.3.3: `YYYYMMDDThhmmss[,f…]`, UTC) and durations, to and from milliseconds. */

const stamp = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})(?:[,.](\d{1,9}))?Z?$/
const duration = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?$/

/** Milliseconds since 1970 of a time stamp; undefined when it is none, or names no real day or time. */
export function parseTimestamp(text: string): number | undefined {
  const match = stamp.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second, fraction] = match
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
  const date = new Date(ms)
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return undefined
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  return fraction === undefined ? ms : ms + Math.trunc(Number(`0.${fraction}`) * 1000)
}

/** The time stamp of a moment, to the second: what every peer accepts. */
export function formatTimestamp(ms: number): string {
  const text = new Date(ms).toISOString()
  return (
    text.slice(0, 4) +
    text.slice(5, 7) +
    text.slice(8, 11) +
    text.slice(11, 13) +
    text.slice(14, 16) +
    text.slice(17, 19)
  )
}

/** An absolute time stamp, or milliseconds from `nowMs` written as digits (rqet, rset, oet). Undefined when it is neither. */
export function parseAbsoluteOrRelative(text: string, nowMs: number): number | undefined {
  return /^[+-]?\d{1,13}$/.test(text) ? nowMs + Number(text) : parseTimestamp(text)
}

/** A moment as requests name it (rqet, rset, oet, rp): a time stamp, milliseconds from `nowMs`, or an ISO 8601 duration from then. */
export function parseMoment(text: string, nowMs: number): number | undefined {
  if (/^[+-]?\d{1,13}(?:\.\d{1,6})?$/.test(text)) return nowMs + Number(text)
  const durationMs = parseDuration(text)
  return durationMs === undefined ? parseTimestamp(text) : nowMs + durationMs
}

/** Milliseconds of an ISO 8601 duration, a year as 365 days and a month as 30; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const match = duration.exec(text)
  if (match === null || text === 'P' || text.endsWith('T')) return undefined
  const [years, months, weeks, days, hours, minutes, seconds] = match
    .slice(1)
    .map((part) => (part === undefined ? 0 : Number(part.replace(',', '.'))))
  const total = (years ?? 0) * 365 + (months ?? 0) * 30 + (weeks ?? 0) * 7 + (days ?? 0)
  return ((total * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60_000 + (seconds ?? 0) * 1000
}
