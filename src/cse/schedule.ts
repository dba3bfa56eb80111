/** Schedule entries: whether a moment lies within one, and when the next one does. TS-0004 6.3.3: second minute hour day-of-month month day-of-week year, in UTC. */

/** Parts of a time, in the order of the fields of an entry. */
type Parts = readonly number[]

const secondMs = 1000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
/** A year that names no real time any more: nobody waits longer for one. */
const farthestMs = 4 * 366 * dayMs

/** True when the entry holds at this moment. */
export function isInWindow(entry: string, nowMs: number): boolean {
  const fields = entry.trim().split(/\s+/)
  if (fields.length < 5 || fields.length > 7) return false
  const parts = partsOf(nowMs)
  return fields.every((field, index) => isInField(field, parts[index] as number))
}

/** Milliseconds until one of the entries holds: 0 when one does now; undefined when none will within four years. */
export function waitForWindow(entries: readonly string[], nowMs: number): number | undefined {
  const waits = entries.map((entry) => nextWindow(entry, nowMs)).filter((wait) => wait !== undefined)
  return waits.length === 0 ? undefined : Math.min(...waits)
}

/** Goes on by days where the day does not fit, by hours where the hour does not, and so on. */
function nextWindow(entry: string, nowMs: number): number | undefined {
  const fields = entry.trim().split(/\s+/)
  if (fields.length < 5 || fields.length > 7) return undefined
  const fits = (parts: Parts, ...indexes: readonly number[]) =>
    indexes.every((index) => fields[index] === undefined || isInField(fields[index], parts[index] as number))
  let atMs = nowMs
  while (atMs - nowMs < farthestMs) {
    const parts = partsOf(atMs)
    if (!fits(parts, 3, 4, 5, 6)) atMs = after(atMs, dayMs)
    else if (!fits(parts, 2)) atMs = after(atMs, hourMs)
    else if (!fits(parts, 1)) atMs = after(atMs, minuteMs)
    else if (!fits(parts, 0)) atMs = after(atMs, secondMs)
    else return atMs - nowMs
  }
  return undefined
}

/** The beginning of the next day, hour, minute or second. */
function after(atMs: number, unitMs: number): number {
  return Math.floor(atMs / unitMs) * unitMs + unitMs
}

function partsOf(ms: number): Parts {
  const at = new Date(ms)
  return [
    at.getUTCSeconds(),
    at.getUTCMinutes(),
    at.getUTCHours(),
    at.getUTCDate(),
    at.getUTCMonth() + 1,
    at.getUTCDay(),
    at.getUTCFullYear(),
  ]
}

function isInField(field: string, value: number): boolean {
  return field.split(',').some((part) => {
    const [range = '', step] = part.split('/')
    const [from, to] = range === '*' ? [0, Number.POSITIVE_INFINITY] : bounds(range)
    // A range may go round: 58-3 seconds.
    if (from <= to ? value < from || value > to : value < from && value > to) return false
    return step === undefined || (value - (range === '*' ? 0 : from)) % Number(step) === 0
  })
}

function bounds(range: string): readonly [number, number] {
  const [from, to] = range.split('-')
  return to === undefined ? [Number(from), Number(from)] : [Number(from), Number(to)]
}
