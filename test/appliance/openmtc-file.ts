/** Configurations as OpenMTC 1.3 ships them, with what a step of its walk-through changes in them. */

interface OpenmtcChanges {
  readonly kind: 'gateway' | 'backend'
  readonly http?: { readonly interface: string; readonly port: number }
  /** MQTTTransportPlugin enabled, with this broker. */
  readonly mqtt?: { readonly interface: string; readonly port: number }
  /** RegistrationHandler with these points of access. */
  readonly poa?: readonly string[]
  readonly ownPoa?: readonly string[]
}

/** The object that the file holds. */
export function openmtcConfiguration({ kind, http, mqtt, poa, ownPoa }: OpenmtcChanges) {
  const isGateway = kind === 'gateway'
  const name = isGateway ? 'mn-cse-1' : 'in-cse-1'
  const plugin = (title: string, isDisabled: boolean, config?: object) => ({
    name: title,
    package: `openmtc_cse.plugins.${title}`,
    disabled: isDisabled,
    ...(config === undefined ? {} : { config }),
  })
  const remote = {
    cse_id: 'in-cse-1',
    poa: poa ?? ['http://localhost:18000'],
    own_poa: ownPoa ?? ['http://localhost:8000'],
    cse_base: 'onem2m',
    cse_type: 'IN_CSE',
  }
  const registration = { labels: ['openmtc'], remote_cses: [remote], interval: 3600, offset: 3600 }
  return {
    global: {
      disable_forwarding: false,
      default_lifetime: 2000,
      additional_host_names: [],
      require_auth: false,
      default_content_type: 'application/json',
    },
    database: { driver: 'openmtc_server.db.nodb2.NoDB2', dropDB: true },
    logging: { level: 'ERROR', file: null },
    onem2m: {
      sp_id: 'openmtc.org',
      cse_type: isGateway ? 'MN-CSE' : 'IN-CSE',
      cse_id: name,
      cse_base: 'onem2m',
      ssl_certs: { key: `certs/${name}.key.pem`, crt: `certs/${name}.cert.pem`, ca: 'certs/ca-chain.cert.pem' },
      accept_insecure_certs: false,
      overwrite_originator: { enabled: false, originator: `/openmtc.org/${name}` },
      default_privileges: [{ accessControlOperations: [2, 32], accessControlOriginators: ['all'] }],
      dynamic_authorization: { enabled: false, poa: [] },
    },
    plugins: {
      openmtc_cse: [
        plugin('HTTPTransportPlugin', false, {
          ...(http ?? { interface: '::', port: isGateway ? 8000 : 18_000 }),
          enable_https: false,
          require_cert: true,
        }),
        plugin('MQTTTransportPlugin', mqtt === undefined, mqtt ?? { interface: 'localhost', port: 1883 }),
        plugin('NotificationHandler', false),
        plugin('ExpirationTimeHandler', true, { default_lifetime: 10_000 }),
        ...(isGateway ? [plugin('RegistrationHandler', false, registration)] : []),
        plugin('AnnouncementHandler', true, { auto_announce: false }),
      ],
    },
  }
}
