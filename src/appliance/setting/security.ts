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
    {
      key: 'client_certificates',
      type: 'string',
      choices: ['none', 'optional', 'required'],
      default: 'optional',
      text: "Whether clients over TLS show a certificate of this gateway's authority: it says which AE or CSE they are.",
    },
    {
      key: 'certificate',
      type: 'string',
      default: '',
      text: 'Certificate of this gateway in PEM form, with its chain; "" is that of `fieldgate provision`.',
    },
    { key: 'key', type: 'string', default: '', text: 'Its private key in PEM form.' },
    {
      key: 'client_authority',
      type: 'string',
      default: '',
      text: 'Certificates in PEM form of those who may sign certificates of clients; "" is the authority of `fieldgate provision`.',
    },
  ],
} as const satisfies Section
