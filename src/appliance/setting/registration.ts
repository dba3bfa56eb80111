/** The configuration keys of [registration]. */

import type { Section } from '../setting.ts'

export const registration = {
  text:
    'The CSE that this one registers with: a gateway with the IN-CSE of its site. Applications at both then use both, and what this one does not ' +
    'know is looked for there.',
  rows: [
    {
      key: 'cse_id',
      type: 'string',
      format: 'registrar-id',
      default: '',
      text: 'CSE-ID of the other CSE, such as "/in-cse-1"; "" registers with none.',
    },
    {
      key: 'poa',
      type: 'list',
      format: 'point-of-access',
      default: [],
      text: 'Where the other CSE is reached, in order: its broker (mqtt://HOST:PORT, mqtts://) or itself (http://HOST:PORT, https://).',
    },
    {
      key: 'own_poa',
      type: 'list',
      format: 'point-of-access',
      default: [],
      text:
        'Where the other CSE reaches this one, in order; without any, the brokers in poa, and for http the addresses in http.listen that are not ' +
        'loopback.',
    },
    { key: 'cse_base', type: 'string', format: 'resource-name', default: 'onem2m', text: 'Name of its CSEBase.' },
    { key: 'cse_type', type: 'string', choices: ['IN', 'MN'], default: 'IN', text: 'Kind of CSE that it is.' },
    {
      key: 'labels',
      type: 'list',
      default: [],
      text: 'Labels of the remoteCSE that describes this CSE there.',
    },
    {
      key: 'interval',
      type: 'duration',
      minimum: 1000,
      maximum: 2_592_000_000,
      default: '1h',
      text: 'How often the registration is refreshed.',
    },
    {
      key: 'offset',
      type: 'duration',
      minimum: 1000,
      maximum: 2_592_000_000,
      default: '1h',
      text: 'How much longer than that it lasts.',
    },
    {
      key: 'check',
      type: 'duration',
      minimum: 1000,
      maximum: 86_400_000,
      default: '30s',
      text: 'How often it is asked whether the other CSE still knows this one.',
    },
  ],
} as const satisfies Section
