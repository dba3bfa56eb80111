/** What a benchmark comes to: tables of figures, written for people or as JSON, and compared with those of an earlier run. */

/** Of a column: how it is written, and whether it may be compared over runs: only ratios within one run may. */
export interface Column {
  readonly name: string
  readonly digits?: number
  readonly isRatio?: boolean
}

export interface Row {
  readonly name: string
  readonly cells: readonly (number | undefined)[]
}

export interface Table {
  readonly title: string
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
}

export function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN
}

export function quantile(sorted: Float64Array | readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

export function writeTable({ title, columns, rows }: Table): string {
  const width = Math.max(...rows.map(({ name }) => name.length), title.length) + 2
  const line = (name: string, cells: readonly string[]) =>
    `${name.padEnd(width)}${cells.map((cell) => cell.padStart(13)).join('')}\n`
  const head = line(
    title,
    columns.map(({ name }) => name),
  )
  const write = (value: number | undefined, { digits = 1, isRatio = false }: Column) =>
    value === undefined || Number.isNaN(value) ? '-' : `${value.toFixed(isRatio ? 2 : digits)}${isRatio ? 'x' : ''}`
  const body = rows.map(({ name, cells }) =>
    line(
      name,
      columns.map((column, index) => write(cells[index], column)),
    ),
  )
  return [head, ...body].join('')
}

/** How much worse a ratio may be than it was. */
const tolerance = 0.15

/** One line for each ratio that is worse than in the earlier run by more than the tolerance. */
export function compareTables(now: readonly Table[], before: readonly Table[]): readonly string[] {
  const worse: string[] = []
  for (const table of now) {
    const earlier = before.find(({ title }) => title === table.title)
    for (const row of table.rows) {
      const cells = earlier?.rows.find(({ name }) => name === row.name)?.cells
      table.columns.forEach(({ name, isRatio }, index) => {
        const [is, was] = [row.cells[index], cells?.[index]]
        if (isRatio === true && is !== undefined && was !== undefined && is > was * (1 + tolerance))
          worse.push(`${table.title}: ${row.name}: ${name} ${is.toFixed(2)}x, it was ${was.toFixed(2)}x`)
      })
    }
  }
  return worse
}
