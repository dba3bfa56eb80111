/**
 * Finds the line on which each key of a TOML document stands, which the parser does not tell. Reads well-formed documents only: what
 * the parser refuses has a line already. Keys inside inline tables and arrays count as standing where their value begins.
 */

const keyExpression = /^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*(=|$)/

/** Line numbers, from 1, by dotted path: of the tables that have a header and of the keys. */
export function locateKeys(document: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>()
  let table: readonly string[] = []
  let openString: string | undefined
  let depth = 0
  for (const [index, line] of document.split('\n').entries()) {
    if (openString === undefined && depth === 0) {
      const header = /^\s*\[{1,2}([^\]]*)\]/.exec(line)?.[1]
      if (header !== undefined) {
        table = splitKey(header)
        lines.set(table.join('.'), index + 1)
        continue
      }
      const key = keyExpression.exec(line)
      if (key?.[2] === '=') lines.set([...table, ...splitKey(key[1] ?? '')].join('.'), index + 1)
    }
    for (const [token] of line.matchAll(/"""|'''|"(?:[^"\\]|\\.)*"|'[^']*'|#.*|[[\]{}]/g)) {
      if (openString !== undefined) {
        if (token === openString) openString = undefined
      } else if (token === '"""' || token === "'''") openString = token
      else if (token === '[' || token === '{') depth++
      else if (token === ']' || token === '}') depth--
    }
  }
  return lines
}

function splitKey(key: string): readonly string[] {
  return [...key.matchAll(/"([^"]*)"|'([^']*)'|([\w-]+)/g)].map(
    ([, basic, literal, bare]) => basic ?? literal ?? bare ?? '',
  )
}
