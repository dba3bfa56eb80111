/** JSON text to and from values at the edge of the house: what is not JSON, or is nested too deep to be walked safely, ends here. */

import type { Json } from './content.ts'
import { OneM2MError, Status } from './status.ts'

/**
 * Deeper text than this is refused: JSON.parse reads any depth, but whoever then walks or writes the value recursively would run out of
 * stack. A level takes two characters at least, so that short texts need no look.
 */
export const MAX_DEPTH = 1000

/** The value of a JSON text. Throws BAD_REQUEST naming `where`, with the position as the parser tells it. */
export function parseJson(text: string, where: string): Json {
  if (text.length >= 2 * MAX_DEPTH && depthOf(text) > MAX_DEPTH)
    throw new OneM2MError(Status.BAD_REQUEST, `${where}: nested too deep, expected at most ${MAX_DEPTH} levels`)
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message : 'unreadable'
    throw new OneM2MError(Status.BAD_REQUEST, `${where}: not JSON (${reason.slice(0, 120)}), expected a JSON object`)
  }
}

const plain = /^[ !#-[\]-~]*$/

/** A string as JSON text; the usual case, printable ASCII without quote or backslash, is two concatenations. */
export function quote(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text)
}

function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  let isInString = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (isInString) {
      if (code === 0x5c) i++
      else if (code === 0x22) isInString = false
    } else if (code === 0x22) isInString = true
    else if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, ++depth)
    else if (code === 0x5d || code === 0x7d) depth--
  }
  return deepest
}
