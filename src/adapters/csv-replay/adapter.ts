/** Recorded readings played again: which line when, and what its cells are. */

import { createReadStream } from 'node:fs'
import type { SettingsOf } from '../../onem2m/setting-row.ts'
import type { Adapter, AdapterContext, Reading } from '../adapter.ts'
import { splitCsv } from '../csv.ts'
import { keepOpen } from '../keeping.ts'
import { LineSplitter } from '../line-splitter.ts'
import { numberOrText } from '../payload.ts'
import type { csvReplayTable } from './setting-table.ts'

export type CsvReplaySettings = SettingsOf<typeof csvReplayTable.settings>

type Recording = CsvReplaySettings['files'][number]

export const csvReplay: Adapter<CsvReplaySettings> = {
  /** Any file might be one. */
  async probe() {
    return []
  },

  async start(context) {
    for (const file of context.settings.files)
      void keepOpen(context, file.path, async (ready) => {
        do await play(context, file, ready)
        while (file.repeat && !context.signal.aborted)
        await aborted(context.signal)
        return 'the file was played'
      })
  },
}

/** Plays a file once, line by line as it is read: it may be larger than the memory. Rejects when it can't be read. */
async function play(
  { clock, signal, push, report }: AdapterContext<CsvReplaySettings>,
  file: Recording,
  ready: () => void,
) {
  let columns: readonly string[] | undefined
  let beforeMs: number | undefined
  let count = 0
  const skipped = () => report(file.path, `a line after line ${count + 1} is longer than 64 KiB: it was skipped`)
  for await (const line of linesOf(file.path, signal, skipped)) {
    if (line.trim() === '') continue
    const cells = splitCsv(line, file.delimiter, file.quote)
    if (columns === undefined) {
      columns = cells
      continue
    }
    count++
    if (cells.length !== columns.length) {
      report(file.path, `line ${count + 1} has ${cells.length} cells, the first line ${columns.length}`)
      continue
    }
    const row = new Map(columns.map((column, index) => [column, cells[index] ?? '']))
    const timeMs = file.timeColumn === undefined ? undefined : parseTime(row.get(file.timeColumn) ?? '')
    const sinceMs = timeMs === undefined || beforeMs === undefined ? file.periodMs : (timeMs - beforeMs) / file.speed
    if (count > 1) await pause(clock, Math.min(file.periodMs, Math.max(0, sinceMs)), signal)
    if (signal.aborted) return
    beforeMs = timeMs
    ready()
    push(readingsOf(row, file), file.periodMs)
  }
  if (count === 0) throw new Error('has no line with readings')
  // So that a file that is played again and again comes at its pace.
  await pause(clock, file.periodMs, signal)
}

function readingsOf(
  row: ReadonlyMap<string, string>,
  { name, deviceColumn, timeColumn }: Recording,
): readonly Reading[] {
  const device = (deviceColumn === undefined ? undefined : row.get(deviceColumn)) || name
  return [...row].flatMap(([column, cell]) =>
    column === deviceColumn || column === timeColumn || cell === ''
      ? []
      : [{ point: { path: `${device}/${column}`, device }, value: numberOrText(cell) }],
  )
}

/** Lines as they are read. Not readline's, which throws errors of the stream where nobody catches them. */
async function* linesOf(path: string, signal: AbortSignal, onOverflow: () => void): AsyncGenerator<string> {
  const lines: string[] = []
  const splitter = new LineSplitter((line) => lines.push(line), onOverflow)
  for await (const chunk of createReadStream(path, { signal })) {
    splitter.push(chunk)
    yield* lines.splice(0)
  }
  splitter.push(Buffer.from('\n'))
  yield* lines
}

/** Seconds since 1970, milliseconds where there are too many, or a date. */
function parseTime(text: string): number | undefined {
  const number = Number(text)
  const ms = text === '' ? Number.NaN : Number.isNaN(number) ? Date.parse(text) : number > 1e11 ? number : number * 1000
  return Number.isNaN(ms) ? undefined : ms
}

function pause(clock: AdapterContext<unknown>['clock'], ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, done)
    function done() {
      timer.cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done, { once: true })
  })
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
