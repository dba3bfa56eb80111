/** The order of keys, and how changes that are not on the disk yet show in a range that is read from it. */

import type { ScanRange, StoreValue } from './store.ts'

export type Entry = readonly [key: string, value: StoreValue]

/** A range as the disk has it, in order, a page at a time. */
export interface StoredRange {
  /** The next entries; none at the end. */
  nextPage(): Promise<readonly Entry[]>
  close(): Promise<void>
}

/** LevelDB orders by UTF-8 bytes, JavaScript by UTF-16 units: they differ where surrogates, which come last, meet what is above them. */
export function compareKeys(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index++) {
    const [a, b] = [left.charCodeAt(index), right.charCodeAt(index)]
    if (a !== b) return weight(a) - weight(b)
  }
  return left.length - right.length
}

function weight(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x2800 : unit
}

export function isWithin(key: string, { from, to }: ScanRange): boolean {
  return compareKeys(key, from) >= 0 && compareKeys(key, to) < 0
}

/** The stored range with the pending changes in their places; a pending `undefined` hides what is stored. Closes the range. */
export async function* overlay<V>(
  stored: StoredRange,
  pending: ReadonlyMap<string, StoreValue | undefined>,
  { reverse = false, limit = Number.POSITIVE_INFINITY }: ScanRange,
  convert: (value: StoreValue) => V,
): AsyncIterable<readonly [string, V]> {
  const compare = (left: string, right: string) => (reverse ? compareKeys(right, left) : compareKeys(left, right))
  // The next one is at the end, where taking it away costs nothing.
  const waiting = [...pending].sort(([left], [right]) => compare(right, left))
  let left = limit
  try {
    while (left > 0) {
      const page = await stored.nextPage()
      for (const [key, value] of merge(page, waiting, compare)) {
        if (value === undefined) continue
        yield [key, convert(value)]
        if (--left <= 0) return
      }
      if (page.length === 0) return
    }
  } finally {
    await stored.close()
  }
}

/** The page, with what is pending before and instead of its entries; behind the last page, everything that is pending. */
function* merge(
  page: readonly Entry[],
  waiting: [string, StoreValue | undefined][],
  compare: (left: string, right: string) => number,
): Iterable<readonly [string, StoreValue | undefined]> {
  for (const entry of page) {
    let next = waiting.at(-1)
    for (; next !== undefined && compare(next[0], entry[0]) < 0; next = waiting.at(-1)) {
      waiting.pop()
      yield next
    }
    if (next?.[0] !== entry[0]) yield entry
  }
  if (page.length === 0) for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) yield next
}
