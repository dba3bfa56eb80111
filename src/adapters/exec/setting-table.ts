/** What can be set about values that other programs write. */

import { adapterTable } from '../adapter.ts'
import { codecs } from '../payload.ts'
import { pointRows } from '../point.ts'

const commandRows = [
  { key: 'name', type: 'string', isRequired: true, text: 'Where the value goes, below the AE.' },
  {
    key: 'command',
    type: 'list',
    isRequired: true,
    text: 'The program and its arguments, each a text of its own; no shell reads them.',
  },
  {
    key: 'period',
    type: 'duration',
    default: '1min',
    minimum: 0,
    maximum: 86_400_000,
    text: 'Time between two runs; 0 for a program that keeps running and writes a line for each reading.',
  },
  {
    key: 'timeout',
    type: 'duration',
    default: '10s',
    minimum: 100,
    maximum: 300_000,
    text: 'How long a run may take.',
  },
  {
    key: 'codec',
    type: 'string',
    choices: codecs,
    default: 'json',
    text: 'What is written; members of JSON become points.',
  },
  { key: 'select', type: 'string', text: 'The JSON pointer of the member that counts.' },
  ...pointRows,
] as const

export const execTable = adapterTable({
  name: 'exec',
  isEnabled: false,
  text: 'Runs programs and stores what they write. They run with the rights of the gateway.',
  settings: [
    { key: 'command', type: 'tables', rows: commandRows, text: 'A program that writes readings.' },
    {
      key: 'max_rate',
      type: 'integer',
      default: 100,
      minimum: 1,
      maximum: 10_000,
      text: 'Lines a second at most of programs that keep running.',
    },
  ],
  check: ({ commands }) =>
    commands.flatMap(({ command = [] }, index) =>
      command.length > 0 && command[0] !== ''
        ? []
        : [{ key: `command[${index + 1}].command`, text: 'names no program' }],
    ),
})
