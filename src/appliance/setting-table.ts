/** Every configuration key of the gateway, its default and its meaning: the check, the types, the documentation and `check-config` follow from here. */

import type { SettingRow, SettingsOf } from './setting.ts'

interface Section {
  readonly text: string
  readonly rows: readonly SettingRow[]
}

export const sections = {
  cse: {
    text: 'The middle-node CSE and its CSEBase.',
    rows: [
      {
        key: 'id',
        type: 'string',
        format: 'cse-id',
        default: '/mn-cse-1',
        text: 'CSE-ID, unique within the service provider domain. Resources carry it: choose it before the first start.',
      },
      {
        key: 'name',
        type: 'string',
        format: 'resource-name',
        default: 'onem2m',
        text: 'Name of the CSEBase resource, the first part of every hierarchical address.',
      },
      {
        key: 'sp_id',
        type: 'string',
        format: 'sp-id',
        default: '//openmtc.org',
        text: 'M2M service provider identifier, the first part of absolute addresses.',
      },
      {
        key: 'type',
        type: 'string',
        choices: ['MN', 'IN'],
        default: 'MN',
        text: 'Kind of CSE: "MN" on a gateway, "IN" for the one that a site\'s gateways register with.',
      },
      {
        key: 'default_lifetime',
        type: 'duration',
        minimum: 60_000,
        default: '365d',
        text: 'Expiration time given to a resource that is created without one.',
      },
      {
        key: 'max_lifetime',
        type: 'duration',
        minimum: 60_000,
        default: '3650d',
        text: 'Longest time to expiration; a later expiration time is shortened to this.',
      },
      {
        key: 'max_resources',
        type: 'integer',
        minimum: 100,
        maximum: 10_000_000,
        default: 100_000,
        text: 'Resources besides contentInstances, which are kept in memory; a CREATE beyond is refused.',
      },
      {
        key: 'max_results',
        type: 'integer',
        minimum: 1,
        maximum: 1_000_000,
        default: 10_000,
        text: 'Resources that one discovery, or one retrieval with children, returns at most.',
      },
    ],
  },
  mqtt: {
    text: 'The embedded broker and the oneM2M binding on it (TS-0010).',
    rows: [
      {
        key: 'listen',
        type: 'list',
        format: 'listen-address',
        default: ['localhost:1883'],
        text: 'Where MQTT clients connect. "localhost" is 127.0.0.1, and ::1 where there is IPv6; an empty list closes the listener.',
      },
      {
        key: 'websocket_listen',
        type: 'list',
        format: 'listen-address',
        default: [],
        text: 'Where MQTT clients connect over WebSocket (sub-protocol mqtt).',
      },
      {
        key: 'unix_socket',
        type: 'string',
        default: '',
        text: 'Path of a Unix socket where MQTT clients connect; "" is none.',
      },
      {
        key: 'response_park',
        type: 'duration',
        maximum: 60_000,
        default: '2s',
        text: 'How long a response waits for a client that sends a request before it has subscribed to the responses.',
      },
      {
        key: 'max_connections',
        type: 'integer',
        minimum: 1,
        maximum: 100_000,
        default: 1000,
        text: 'Connections at the same time; more are refused.',
      },
      {
        key: 'max_packet_size',
        type: 'size',
        minimum: 1024,
        maximum: 268_435_455,
        default: '256KiB',
        text: 'Largest MQTT packet; a client that announces a larger one is disconnected.',
      },
      {
        key: 'connect_timeout',
        type: 'duration',
        minimum: 100,
        maximum: 600_000,
        default: '10s',
        text: 'How long a new connection may take to send CONNECT.',
      },
      {
        key: 'max_topic_levels',
        type: 'integer',
        minimum: 5,
        maximum: 10_000,
        default: 100,
        text: 'Levels that a topic or filter may have.',
      },
      {
        key: 'max_topic_size',
        type: 'size',
        minimum: 64,
        maximum: 65_535,
        default: '1KiB',
        text: 'Longest topic; a client that publishes on a longer one is disconnected.',
      },
      {
        key: 'max_subscriptions',
        type: 'integer',
        minimum: 1,
        maximum: 1_000_000,
        default: 1000,
        text: 'Subscriptions of one client; more are refused.',
      },
      {
        key: 'max_inflight_inbound',
        type: 'integer',
        minimum: 1,
        maximum: 65_535,
        default: 256,
        text: 'QoS 2 messages of one client that are not released yet.',
      },
      {
        key: 'max_inflight',
        type: 'integer',
        minimum: 1,
        maximum: 65_535,
        default: 1000,
        text: 'QoS 1 and 2 messages sent to one client that it has not acknowledged; others wait in its queue.',
      },
      {
        key: 'max_queued',
        type: 'integer',
        minimum: 1,
        maximum: 10_000_000,
        default: 1000,
        text: 'Messages that wait for one client; the newest is dropped, and counted, when there is one more.',
      },
      {
        key: 'max_queued_size',
        type: 'size',
        default: '4MiB',
        text: 'Payload of those together.',
      },
      {
        key: 'max_sessions',
        type: 'integer',
        minimum: 1,
        maximum: 1_000_000,
        default: 1000,
        text: 'Persistent sessions; with one more the one that has been without a connection longest is ended.',
      },
      {
        key: 'session_expiry',
        type: 'duration',
        minimum: 60_000,
        default: '7d',
        text: 'How long a persistent session without a connection is kept, counted while the gateway runs.',
      },
      {
        key: 'max_connecting',
        type: 'integer',
        minimum: 1,
        maximum: 100_000,
        default: 100,
        text: 'Connections that have not completed their CONNECT; one more is closed.',
      },
      {
        key: 'max_retained',
        type: 'integer',
        minimum: 0,
        maximum: 10_000_000,
        default: 10_000,
        text: 'Retained messages; a further topic is not retained.',
      },
      {
        key: 'max_retained_size',
        type: 'size',
        minimum: 0,
        default: '16MiB',
        text: 'Payload of all retained messages together, which are kept in memory too.',
      },
      {
        key: 'slow_consumer_drop_size',
        type: 'size',
        minimum: 16_384,
        default: '1MiB',
        text: 'Unsent data of one connection beyond which QoS 0 messages to it are dropped.',
      },
      {
        key: 'slow_consumer_close_size',
        type: 'size',
        minimum: 65_536,
        default: '8MiB',
        text: 'Unsent data of one connection beyond which it is closed; what is in its session waits for it.',
      },
      {
        key: 'max_parked',
        type: 'integer',
        minimum: 0,
        maximum: 1_000_000,
        default: 1000,
        text: 'Messages that wait because of response_park; the oldest is dropped when there is one more.',
      },
      {
        key: 'max_parked_size',
        type: 'size',
        minimum: 0,
        default: '4MiB',
        text: 'Payload of those together.',
      },
    ],
  },
  http: {
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
    ],
  },
  bridge: {
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
  },
  notification: {
    text: 'Delivery of notifications to the targets of subscriptions.',
    rows: [
      {
        key: 'max_queued',
        type: 'integer',
        minimum: 1,
        maximum: 100_000,
        default: 1000,
        text: 'Notifications that wait for one target; the oldest is dropped, and counted, when there is one more.',
      },
      {
        key: 'max_in_flight',
        type: 'integer',
        minimum: 1,
        maximum: 1000,
        default: 16,
        text: 'Notifications sent to one target that it has not answered yet.',
      },
      {
        key: 'timeout',
        type: 'duration',
        minimum: 100,
        maximum: 600_000,
        default: '10s',
        text: 'How long a target may take to answer a notification.',
      },
      {
        key: 'max_tries',
        type: 'integer',
        minimum: 1,
        maximum: 100,
        default: 5,
        text: 'Tries for one notification while its target can not be reached.',
      },
    ],
  },
  access: {
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
  },
  security: {
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
  },
  store: {
    text: 'The database that holds resources, retained messages and sessions.',
    rows: [
      {
        key: 'durability',
        type: 'string',
        choices: ['power-cut', 'process'],
        default: 'power-cut',
        text:
          'What an acknowledged request survives: "power-cut" waits for the disk; "process" only hands the data to the operating ' +
          'system, which is faster and can lose the last seconds when the power goes.',
      },
      {
        key: 'cache_size',
        type: 'size',
        minimum: 1_048_576,
        maximum: 1_073_741_824,
        default: '2MiB',
        text: 'Memory for blocks of the database that were read lately.',
      },
      {
        key: 'write_buffer_size',
        type: 'size',
        minimum: 65_536,
        maximum: 1_073_741_824,
        default: '1MiB',
        text: 'Memory for what was written lately; a larger one writes fewer and larger files.',
      },
      {
        key: 'reserve_size',
        type: 'size',
        minimum: 1_048_576,
        default: '16MiB',
        text: 'Free space on the disk below which writes are refused, so that the database itself never meets a full disk.',
      },
      {
        key: 'reading_patience',
        type: 'duration',
        maximum: 600_000,
        default: '0s',
        text:
          'How long readings of the adapters may wait for others to share one write to the disk, which spares an SD card; so much of ' +
          'them is lost when the power goes.',
      },
    ],
  },
  log: {
    text: 'What is logged, and how.',
    rows: [
      {
        key: 'level',
        type: 'string',
        choices: ['debug', 'info', 'warn', 'error'],
        default: 'info',
        text: 'The least severe events that are logged.',
      },
      {
        key: 'format',
        type: 'string',
        choices: ['auto', 'json', 'text'],
        default: 'auto',
        text: 'One JSON object a line, or text for people; "auto" is text on a terminal and JSON elsewhere.',
      },
    ],
  },
} as const satisfies Record<string, Section>

type Sections = typeof sections

/** Settings of the adapters by the adapter's name, each with the values of its own table. */
export type AdapterSettings = Readonly<Record<string, Readonly<Record<string, unknown>>>>

export type Settings = { readonly [Name in keyof Sections]: SettingsOf<Sections[Name]['rows']> } & {
  readonly adapters: AdapterSettings
}
