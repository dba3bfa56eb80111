/** The configuration keys of [bridge]. */

import type { Section } from '../setting.ts'

export const bridge = {
  text: 'Other brokers that this one exchanges messages with. What goes there is kept on the disk until it has arrived.',
  rows: [
    { key: 'username', type: 'string', default: '', text: 'User where a URL names none; "" connects without.' },
    {
      key: 'password',
      type: 'string',
      default: '',
      text: 'Its password. FIELDGATE_BRIDGE_PASSWORD keeps it out of the file.',
    },
    {
      key: 'upstream',
      type: 'tables',
      text: 'A broker to connect to, again and again for ever.',
      rows: [
        {
          key: 'url',
          type: 'string',
          format: 'broker-url',
          isRequired: true,
          text: 'mqtt://[USER:PASSWORD@]HOST[:PORT], mqtts:// with TLS.',
        },
        {
          key: 'topics',
          type: 'list',
          format: 'bridge-topic',
          isRequired: true,
          text: 'Which topics go out, come in, or both, at which QoS at most, and what stands before them here and there; "" is no prefix.',
        },
        {
          key: 'client_id',
          type: 'string',
          default: '',
          text: 'What this broker is called there; "" is fieldgate and the CSE-ID. What waits belongs to this name and the address.',
        },
        {
          key: 'ca_file',
          type: 'string',
          default: '',
          text: 'PEM file of the authorities that sign its certificate; "" is those that the system trusts.',
        },
        {
          key: 'cert_file',
          type: 'string',
          default: '',
          text: 'PEM file of the certificate that is shown there; "" is none.',
        },
        { key: 'key_file', type: 'string', default: '', text: 'PEM file of its key.' },
        {
          key: 'keep_alive',
          type: 'duration',
          minimum: 2000,
          maximum: 3_600_000,
          default: '1min',
          text: 'A connection that is silent this long, though half of that ago an answer was asked for, is opened anew.',
        },
        {
          key: 'max_inflight',
          type: 'integer',
          minimum: 1,
          maximum: 65_535,
          default: 20,
          text: 'Messages sent to it that it has not acknowledged; others wait. mosquitto loses what is more than its own max_inflight_messages.',
        },
        {
          key: 'max_queued',
          type: 'integer',
          minimum: 1,
          maximum: 10_000_000,
          default: 10_000,
          text: 'Messages that wait for it; the newest is dropped, and counted, when there is one more.',
        },
        {
          key: 'max_queued_size',
          type: 'size',
          minimum: 1024,
          default: '16MiB',
          text: 'Payload of those together, which is kept in memory too.',
        },
      ],
    },
  ],
} as const satisfies Section
