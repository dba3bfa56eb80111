/** What can be set about devices that write lines on a serial port. */

import { adapterTable, commanderRow } from '../adapter.ts'
import { pointRows } from '../point.ts'
import { serialRows, speedFault } from '../serial-port.ts'

const commandRows = [
  { key: 'name', type: 'string', isRequired: true, text: 'Where the command goes, below the name of the port.' },
  { key: 'line', type: 'string', isRequired: true, text: 'The line that is written; {value} is the command.' },
  {
    key: 'answer',
    type: 'string',
    text: 'A regular expression: a line that matches confirms the command. Without it, having written the line does.',
  },
  ...pointRows,
] as const

const portRows = [
  { key: 'name', type: 'string', isRequired: true, text: 'What is connected: the place of its points below the AE.' },
  {
    key: 'path',
    type: 'string',
    isRequired: true,
    text: 'The port; names in /dev/serial/by-id stay the same when others are plugged in.',
  },
  ...serialRows,
  {
    key: 'format',
    type: 'string',
    choices: ['json', 'csv', 'regex', 'nmea', 'number'],
    default: 'json',
    text: 'What a line is. Members of JSON, named columns, and named groups of the pattern become points; nmea is what GPS receivers write.',
  },
  {
    key: 'pattern',
    type: 'string',
    default: '',
    text: 'Of regex: an expression with named groups, such as "T=(?<temperature>[-.0-9]+)".',
  },
  { key: 'columns', type: 'list', default: [], text: 'Of csv: the names of the columns; "" leaves one out.' },
  { key: 'delimiter', type: 'string', default: ',', text: 'Of csv: what stands between two cells.' },
  { key: 'max_rate', type: 'integer', default: 50, minimum: 1, maximum: 10_000, text: 'Lines a second at most.' },
  { key: 'command', type: 'tables', rows: commandRows, text: 'Something that the device can be told.' },
] as const

export const serialLineTable = adapterTable({
  name: 'serial-line',
  isEnabled: false,
  text: 'Reads devices that write lines on a serial port: microcontrollers, meters, GPS receivers, radio sticks.',
  settings: [{ key: 'port', type: 'tables', rows: portRows, text: 'A serial port.' }, commanderRow],
  check: ({ ports }) =>
    ports.flatMap(({ format, pattern, columns, commands, baud }, index) => {
      const at = (key: string) => `port[${index + 1}].${key}`
      const answers = commands.map(({ answer = '' }, number) => [at(`command[${number + 1}].answer`), answer] as const)
      const speed = speedFault(baud)
      return [
        ...(speed === undefined ? [] : [{ key: at('baud'), text: speed }]),
        ...(format === 'regex' && !/\(\?<\w+>/.test(pattern)
          ? [{ key: at('pattern'), text: 'must have a named group, such as (?<temperature>[-.0-9]+)' }]
          : []),
        ...(format === 'csv' && columns.length === 0 ? [{ key: at('columns'), text: 'must name the columns' }] : []),
        ...[[at('pattern'), pattern] as const, ...answers].flatMap(([key, expression]) => {
          const fault = expressionFault(expression)
          return fault === undefined ? [] : [{ key, text: fault }]
        }),
      ]
    }),
})

function expressionFault(expression: string): string | undefined {
  try {
    new RegExp(expression)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
