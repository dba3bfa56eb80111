/** What applications put into contentInstances and find there: text as it is, everything else as JSON, in the two encodings that AEs use. */

import type { Json, JsonObject } from '../onem2m/content.ts'

/**
 * The attributes `con` and `cnf` for a value. Objects, lists and numbers are base64 of JSON, `application/json:1`, which is what OpenMTC's
 * applications write and read (0 is plain, 1 base64 of text).
 */
export function encodeInstance(value: Json): JsonObject {
  if (typeof value === 'string') return { con: value, cnf: 'text/plain:0' }
  return { con: Buffer.from(JSON.stringify(value)).toString('base64'), cnf: 'application/json:1' }
}

/** The value of a contentInstance's attributes; what is no JSON although it says so comes as text. */
export function decodeInstance({ con, cnf }: JsonObject): Json {
  if (typeof con !== 'string') return con ?? null
  const [type = '', encoding] = typeof cnf === 'string' ? cnf.split(':') : []
  const text = encoding === '1' ? Buffer.from(con, 'base64').toString() : con
  if (!/[/+]json$/.test(type)) return text
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}
