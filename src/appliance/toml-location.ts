/**
 * Finds the line on which each key of a TOML document stands, which the parser does not tell. Reads well-formed documents only: what
 * the parser refuses has a line already. Keys inside inline tables and arrays count as standing where their value begins.
 */

const keyExpression = /^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*(=|$)/

/**
 * Line numbers, from 1, by dotted path: of the tables that have a header and of the keys. Tables of a list are counted from 1:
 * `device[2].address` is a key of the second `[[device]]`.
 */
export function locateKeys(document: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>()
  /** How many tables each list has so far, by its path. */
  const counts = new Map<string, number>()
  let table: readonly string[] = []
  let openString: string | undefined
  let depth = 0
  for (const [index, line] of document.split('\n').entries()) {
    if (openString === undefined && depth === 0) {
      const [, brackets, header] = /^\s*(\[{1,2})([^\]]*)\]/.exec(line) ?? []
      if (header !== undefined) {
        table = locateTable(splitKey(header), brackets === '[[', counts)
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

/** The names of a header as a path: one below a list means the list's latest table. */
function locateTable(names: readonly string[], isOfList: boolean, counts: Map<string, number>): readonly string[] {
  const path: string[] = []
  for (const [index, name] of names.entries()) {
    path.push(name)
    const list = path.join('.')
    if (isOfList && index === names.length - 1) counts.set(list, (counts.get(list) ?? 0) + 1)
    const count = counts.get(list)
    if (count !== undefined) path[index] = `${name}[${count}]`
  }
  return path
}

function splitKey(key: string): readonly string[] {
  return [...key.matchAll(/"([^"]*)"|'([^']*)'|([\w-]+)/g)].map(
    ([, basic, literal, bare]) => basic ?? literal ?? bare ?? '',
  )
}
