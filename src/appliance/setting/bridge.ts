/** The configuration keys of [bridge]. */

import type { Section } from '../setting.ts'

export const bridge = {
  text: 'Other brokers that this one exchanges messages with. What goes there is kept on the disk until it has arrived.',
  rows: [
    {
      key: 'upstream',
      type: 'list',
      format: 'listen-address',
      default: [],
      text: 'Brokers to connect to, again and again for ever; none is no bridge. Without TLS: over a network that you trust.',
    },
    {
      key: 'topics',
      type: 'list',
      format: 'bridge-topic',
      default: [],
      text: 'Which topics go out, come in, or both, at which QoS at most, and what stands before them here and there; "" is no prefix.',
    },
    {
      key: 'client_id',
      type: 'string',
      default: '',
      text: 'What this broker is called upstream; "" is fieldgate and the CSE-ID.',
    },
    { key: 'username', type: 'string', default: '', text: 'User upstream; "" connects without.' },
    {
      key: 'password',
      type: 'string',
      default: '',
      text: 'Password upstream. FIELDGATE_BRIDGE_PASSWORD keeps it out of the file.',
    },
  ],
} as const satisfies Section
