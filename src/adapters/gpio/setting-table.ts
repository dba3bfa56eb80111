/** What can be set about the lines of GPIO chips. */

import { adapterTable, commanderRow } from '../adapter.ts'
import { pointRows } from '../point.ts'

const lineRows = [
  { key: 'name', type: 'string', isRequired: true, text: 'What is connected: the place of the line below the AE.' },
  { key: 'chip', type: 'string', default: 'gpiochip0', text: 'The chip, as gpiodetect names it.' },
  {
    key: 'line',
    type: 'integer',
    isRequired: true,
    minimum: 0,
    maximum: 1023,
    text: 'The number of the line; GPIO17 of a Raspberry Pi is 17.',
  },
  {
    key: 'direction',
    type: 'string',
    choices: ['in', 'out'],
    default: 'in',
    text: 'An input is watched for edges; an output takes commands.',
  },
  { key: 'active_low', type: 'boolean', default: false, text: 'Whether a low level means true.' },
  {
    key: 'bias',
    type: 'string',
    choices: ['as-is', 'disable', 'pull-up', 'pull-down'],
    default: 'as-is',
    text: 'The resistor of an input.',
  },
  {
    key: 'debounce',
    type: 'duration',
    default: '5ms',
    minimum: 0,
    maximum: 10_000,
    text: 'An edge counts when the level has held for this long.',
  },
  ...pointRows,
] as const

export const gpioTable = adapterTable({
  name: 'gpio',
  isEnabled: false,
  text: 'Watches inputs and drives outputs of GPIO chips, through the gpiod tools (apt-get install gpiod), version 1 or 2.',
  settings: [
    { key: 'line', type: 'tables', rows: lineRows, text: 'A line that something is connected to.' },
    commanderRow,
    {
      key: 'tools',
      type: 'string',
      default: '',
      text: 'Directory of gpiodetect, gpioget, gpiomon and gpioset; "" looks for them where commands are.',
    },
  ],
  check({ lines }) {
    const seen = new Set<string>()
    return lines.flatMap(({ chip, line }, index) => {
      const what = `${chip} line ${line}`
      if (seen.has(what)) return [{ key: `line[${index + 1}].line`, text: `${what} is there already` }]
      seen.add(what)
      return []
    })
  },
})
