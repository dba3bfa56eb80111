/** The configuration keys of [security]. */

import type { Section } from '../setting.ts'

export const security = {
  text: 'Who is trusted.',
  rows: [
    {
      key: 'administrators',
      type: 'list',
      format: 'originator',
      default: [],
      text: 'Originators that are administrators when they come over loopback; for test set-ups.',
    },
  ],
} as const satisfies Section
