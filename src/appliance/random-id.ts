/** Identifiers that nobody can guess and that do not come twice: 60 random bits in twelve letters and digits, safe in paths and topics. */

import { randomFillSync } from 'node:crypto'

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
const length = 12

/** A source of identifiers; it fetches randomness for hundreds at a time, because every request needs one. */
export function createRandomId(): () => string {
  const pool = new Uint8Array(256 * length)
  let used = pool.length
  return () => {
    if (used === pool.length) {
      randomFillSync(pool)
      used = 0
    }
    let id = ''
    for (const end = used + length; used < end; used++) id += alphabet[(pool[used] ?? 0) & 31]
    return id
  }
}
