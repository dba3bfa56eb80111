/** Lines of comma-separated values (RFC 4180), with any delimiter and quote. */

/** The cells of a line; a quote within quotes is doubled. */
export function splitCsv(line: string, delimiter = ',', quote = '"'): readonly string[] {
  const cells: string[] = []
  let cell = ''
  let isQuoted = false
  for (let at = 0; at < line.length; at++) {
    const character = line[at] ?? ''
    if (isQuoted) {
      if (character !== quote) cell += character
      else if (line[at + 1] === quote) cell += line[++at]
      else isQuoted = false
    } else if (character === quote && cell.trim() === '') {
      cell = ''
      isQuoted = true
    } else if (character === delimiter) {
      cells.push(cell.trim())
      cell = ''
    } else cell += character
  }
  return [...cells, cell.trim()]
}
