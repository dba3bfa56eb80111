/** The configuration keys of [log]. */

import type { Section } from '../setting.ts'

export const log = {
  text: 'What is logged, and how.',
  rows: [
    {
      key: 'level',
      type: 'string',
      choices: ['debug', 'info', 'warn', 'error'],
      default: 'info',
      text: 'The least severe events that are logged.',
    },
    {
      key: 'format',
      type: 'string',
      choices: ['auto', 'json', 'text'],
      default: 'auto',
      text: 'One JSON object a line, or text for people; "auto" is text on a terminal and JSON elsewhere.',
    },
  ],
} as const satisfies Section
