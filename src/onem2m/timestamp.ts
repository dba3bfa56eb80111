/** oneM2M time stamps (TS-0004 6.3.3: `YYYYMMDDThhmmss[,f…]`, UTC) and durations, to and from milliseconds. */

const fractionOfSecond = /^(?:[,.](\d{1,9}))?Z?$/
const duration = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?$/

/** Milliseconds since 1970 of a time stamp; undefined when it is none, or names no real day or time. Runs thrice for each resource at start. */
export function parseTimestamp(text: string): number | undefined {
  if (text.charCodeAt(8) !== 0x54) return undefined
  const [year, month, day] = [digitsIn(text, 0, 4), digitsIn(text, 4, 6), digitsIn(text, 6, 8)]
  const [hour, minute, second] = [digitsIn(text, 9, 11), digitsIn(text, 11, 13), digitsIn(text, 13, 15)]
  // NaN stands for what are no digits: comparisons with it are false.
  const isDay = year >= 0 && month >= 1 && day >= 1 && day <= daysIn(year, month)
  if (!isDay || !(hour <= 23 && minute <= 59 && second <= 59)) return undefined
  const ms = Date.UTC(year, month - 1, day, hour, minute, second)
  if (text.length === 15) return ms
  const fraction = fractionOfSecond.exec(text.slice(15))
  return fraction === null ? undefined : ms + Math.trunc(Number(`0.${fraction[1] ?? 0}`) * 1000)
}

function digitsIn(text: string, from: number, to: number): number {
  let number = 0
  for (let index = from; index < to; index++) {
    const digit = text.charCodeAt(index) - 0x30
    if (!(digit >= 0 && digit <= 9)) return Number.NaN
    number = number * 10 + digit
  }
  return number
}

/** NaN when there is no such month. */
function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month > 12 ? Number.NaN : month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** The time stamp of a moment, to the second: as exact as an expiration time needs to be. */
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

/** A time stamp without what does not make it another one: zeros at the end of its fraction, and whether a comma or a point begins that. */
export function plainTimestamp(text: string): string {
  if (text.length === 15) return text
  const digits = (fractionOfSecond.exec(text.slice(15))?.[1] ?? '').replace(/0+$/, '')
  return digits === '' ? text.slice(0, 15) : `${text.slice(0, 15)},${digits}`
}

/** The time stamp of a moment, to the millisecond: what happens twice in a second happens at two times. */
export function formatExactTimestamp(ms: number): string {
  const fraction = new Date(ms).toISOString().slice(20, 23)
  return fraction === '000' ? formatTimestamp(ms) : `${formatTimestamp(ms)},${fraction}`
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
