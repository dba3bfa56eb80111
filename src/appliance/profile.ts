/** What this program runs as: a gateway (MN-CSE) or the backend of a site (IN-CSE). The two differ in their defaults and nothing else. */

export interface Profile {
  /** The command that runs it. */
  readonly command: string
  /** Where its configuration file is looked for. */
  readonly configurationPlaces: readonly string[]
  /** Where its state is kept when nobody says otherwise. */
  readonly dataDirectory: string
  /** Values of keys that nobody has set, where they are others than in the table. */
  readonly defaults: Readonly<Record<string, unknown>>
}

export const gatewayProfile: Profile = {
  command: 'gateway',
  configurationPlaces: ['./fieldgate.toml', '/etc/fieldgate/fieldgate.toml'],
  dataDirectory: 'data',
  defaults: {},
}

/** Beside a gateway on the same machine it takes nothing of what is the gateway's. */
export const backendProfile: Profile = {
  command: 'backend',
  configurationPlaces: ['./fieldgate-backend.toml', '/etc/fieldgate/fieldgate-backend.toml'],
  dataDirectory: 'data-backend',
  defaults: {
    'cse.id': '/in-cse-1',
    'cse.type': 'IN',
    'mqtt.listen': ['localhost:11883'],
    'mqtt.tls_listen': ['0.0.0.0:18883'],
    'http.listen': ['localhost:18000'],
    'http.tls_listen': ['0.0.0.0:18443'],
    'adapters.system.enabled': false,
  },
}
