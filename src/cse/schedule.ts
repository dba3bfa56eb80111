/** Schedule entries: whether a moment lies within one. TS-0004 6.3.3: second minute hour day-of-month month day-of-week year, in UTC. */

/** True when the entry holds at this moment. */
export function isInWindow(entry: string, nowMs: number): boolean {
  const now = new Date(nowMs)
  const fields = entry.trim().split(/\s+/)
  const values = [
    now.getUTCSeconds(),
    now.getUTCMinutes(),
    now.getUTCHours(),
    now.getUTCDate(),
    now.getUTCMonth() + 1,
    now.getUTCDay(),
    now.getUTCFullYear(),
  ]
  if (fields.length < 5 || fields.length > 7) return false
  return fields.every((field, index) => isInField(field, values[index] as number))
}

function isInField(field: string, value: number): boolean {
  return field.split(',').some((part) => {
    const [range = '', step] = part.split('/')
    const [from, to] = range === '*' ? [0, Number.POSITIVE_INFINITY] : bounds(range)
    if (!(value >= from && value <= to)) return false
    return step === undefined || (value - (range === '*' ? 0 : from)) % Number(step) === 0
  })
}

function bounds(range: string): readonly [number, number] {
  const [from, to] = range.split('-')
  return to === undefined ? [Number(from), Number(from)] : [Number(from), Number(to)]
}
