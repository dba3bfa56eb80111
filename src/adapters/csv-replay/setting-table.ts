/** What can be set about recorded readings that are played again. */

import { adapterTable } from '../adapter.ts'

const fileRows = [
  { key: 'path', type: 'string', isRequired: true, text: 'The file; its first line names the columns.' },
  {
    key: 'name',
    type: 'string',
    default: 'replay',
    text: 'Where its points go, below the AE, when no column names the device.',
  },
  { key: 'delimiter', type: 'string', default: ',', text: 'What stands between two cells: one character.' },
  { key: 'quote', type: 'string', default: '"', text: 'What cells may stand in: one character.' },
  { key: 'device_column', type: 'string', text: 'The column that names the device.' },
  {
    key: 'time_column',
    type: 'string',
    text: 'The column with the time (seconds, or a date): lines come as far apart as they were recorded.',
  },
  {
    key: 'speed',
    type: 'number',
    default: 1,
    minimum: 0.001,
    maximum: 100_000,
    text: 'How much faster than recorded.',
  },
  {
    key: 'period',
    type: 'duration',
    default: '1s',
    minimum: 10,
    maximum: 86_400_000,
    text: 'Time between two lines without a time_column, and the longest with one.',
  },
  { key: 'repeat', type: 'boolean', default: true, text: 'Whether it begins anew at its end.' },
] as const

export const csvReplayTable = adapterTable({
  name: 'csv-replay',
  isEnabled: false,
  text: 'Plays recorded readings from CSV files, as if their devices were there.',
  settings: [{ key: 'file', type: 'tables', rows: fileRows, text: 'A file with recorded readings.' }],
  check: ({ files }) =>
    files.flatMap(({ delimiter, quote }, index) =>
      [['delimiter', delimiter] as const, ['quote', quote] as const].flatMap(([key, text]) =>
        text.length === 1
          ? []
          : [{ key: `file[${index + 1}].${key}`, text: `${JSON.stringify(text)}: must be one character` }],
      ),
    ),
})
