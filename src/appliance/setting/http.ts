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
      key: 'max_connections_per_address',
      type: 'integer',
      minimum: 1,
      maximum: 100_000,
      default: 64,
      text: 'Connections from one address of the network at the same time; more are refused.',
    },
    {
      key: 'max_connect_rate',
      type: 'integer',
      minimum: 1,
      maximum: 100_000,
      default: 50,
      text: 'New connections a second from one address of the network, on average over five seconds; more are refused.',
    },
    {
      key: 'max_request_rate',
      type: 'integer',
      minimum: 1,
      maximum: 1_000_000,
      default: 500,
      text:
        'Requests a second from one account, or from one address of the network without an account; more wait, and are answered with 429 when that ' +
        'would take ten seconds. What comes over loopback without credentials has no limit.',
    },
    {
      key: 'max_byte_rate',
      type: 'size',
      minimum: 1024,
      default: '1MiB',
      text: 'Bytes of bodies a second of those; more wait likewise.',
    },
    {
      key: 'max_outstanding',
      type: 'integer',
      minimum: 1,
      maximum: 100_000,
      default: 64,
      text: 'Requests of those that are under way at the same time, long polls included; more are answered with 429.',
    },
    {
      key: 'max_header_size',
      type: 'size',
      minimum: 1024,
      maximum: 1_048_576,
      default: '16KiB',
      text: 'Largest head of a request; a larger one is answered with 431.',
    },
    {
      key: 'headers_timeout',
      type: 'duration',
      minimum: 1000,
      default: '15s',
      text: 'How long the head of a request may take; it is looked at as often.',
    },
    {
      key: 'request_timeout',
      type: 'duration',
      minimum: 1000,
      default: '60s',
      text: 'How long a request may take to come.',
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
