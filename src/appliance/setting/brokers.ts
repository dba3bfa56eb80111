/** The configuration keys of [brokers]. */

import type { Section } from '../setting.ts'

export const brokers = {
  text:
    'Brokers that others run (mosquitto, Moquette, EMQX) on which this CSE is served as their client, beside the embedded one or, with an empty ' +
    'mqtt.listen, instead of it.',
  rows: [
    {
      key: 'urls',
      type: 'list',
      format: 'broker-url',
      default: [],
      text: 'mqtt://[USER:PASSWORD@]HOST[:PORT][/PREFIX] for each, mqtts:// with TLS; a prefix precedes /oneM2M in all topics.',
    },
    { key: 'username', type: 'string', default: '', text: 'User where a URL names none; "" connects without.' },
    {
      key: 'password',
      type: 'string',
      default: '',
      text: 'Its password. FIELDGATE_BROKERS_PASSWORD keeps it out of the file.',
    },
    {
      key: 'ca_file',
      type: 'string',
      default: '',
      text: 'PEM file of the authorities that sign certificates of the brokers; "" is those that the system trusts.',
    },
    {
      key: 'cert_file',
      type: 'string',
      default: '',
      text: 'PEM file of the certificate that this CSE shows; "" is none.',
    },
    { key: 'key_file', type: 'string', default: '', text: 'PEM file of its key.' },
  ],
} as const satisfies Section
