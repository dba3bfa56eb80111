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
    {
      key: 'allow_anonymous',
      type: 'boolean',
      default: false,
      text:
        'Let clients in that come over the network without an account, a token or a certificate; for a closed test network. They may do ' +
        'what loopback may, but use nothing that is unprotected and not theirs.',
    },
  ],
} as const satisfies Section
