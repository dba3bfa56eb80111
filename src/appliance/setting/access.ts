/** The configuration keys of [access]. */

import type { Section } from '../setting.ts'

export const access = {
  text: 'Who may use what.',
  rows: [
    {
      key: 'unprotected',
      type: 'string',
      choices: ['creator', 'read', 'open'],
      default: 'read',
      text:
        'Who may use resources that no access control policy protects: "creator" only their creator; "read" any local AE may also ' +
        'retrieve, discover and subscribe; "open" any local AE may do everything.',
    },
  ],
} as const satisfies Section
