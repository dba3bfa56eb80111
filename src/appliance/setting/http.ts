/** The configuration keys of [http]. */

import type { Section } from '../setting.ts'

export const http = {
  text: 'The oneM2M bindings for HTTP (TS-0009) and WebSockets (TS-0020).',
  rows: [
    {
      key: 'listen',
      type: 'list',
      format: 'listen-address',
      default: ['localhost:8000'],
      text: 'Where HTTP clients connect. "localhost" is 127.0.0.1, and ::1 where there is IPv6; an empty list closes the listener.',
    },
    {
      key: 'tls_listen',
      type: 'list',
      format: 'listen-address',
      default: ['0.0.0.0:8443'],
      text: 'Where HTTPS clients connect, over TLS 1.2 or 1.3, once there is a certificate (`fieldgate provision`).',
    },
    {
      key: 'max_connections',
      type: 'integer',
      minimum: 1,
      maximum: 100_000,
      default: 256,
      text: 'Connections at the same time; more are refused.',
    },
    {
      key: 'max_body_size',
      type: 'size',
      minimum: 1024,
      maximum: 268_435_455,
      default: '256KiB',
      text: 'Largest request body; a larger one is answered with 413. Also the largest WebSocket message.',
    },
    {
      key: 'websocket',
      type: 'boolean',
      default: false,
      text: 'Let clients turn their HTTP connections into WebSockets (TS-0020), over which notifications reach them too.',
    },
    {
      key: 'allowed_origins',
      type: 'list',
      format: 'web-origin',
      default: [],
      text:
        'Origins whose pages may use the gateway from a browser; "*" for all. Over loopback the gateway answers to names without a ' +
        'dot, to .localhost and .local, to addresses, and to the hosts listed here.',
    },
    {
      key: 'credentials',
      type: 'list',
      format: 'http-credentials',
      default: [],
      text:
        'http://USER:PASSWORD@HOST:PORT for each of the other CSEs and notification targets that ask this one who it is. Those of the registrar ' +
        'stand in registration.poa.',
    },
    {
      key: 'ca_file',
      type: 'string',
      default: '',
      text: 'PEM file of the authorities that sign certificates of HTTPS servers that this CSE asks; "" is those that the system trusts.',
    },
    {
      key: 'cert_file',
      type: 'string',
      default: '',
      text: 'PEM file of the certificate that this CSE shows to them; "" is none.',
    },
    { key: 'key_file', type: 'string', default: '', text: 'PEM file of its key.' },
  ],
} as const satisfies Section
