/**
 * OpenMTC's own JSON configuration (config-gateway.json, config-backend.json): which of its keys mean which of ours, what needs no key here, and
 * what can't be had. Nothing in such a file is passed over in silence.
 */

import { ConfigError } from './config-error.ts'

/** A key of ours with the value that a key of OpenMTC's gives it. */
export interface ImportedSetting {
  readonly path: string
  readonly value: unknown
  /** The key of OpenMTC's: `onem2m.cse_id`, `HTTPTransportPlugin.port`. */
  readonly from: string
}

export interface ImportedConfiguration {
  readonly settings: readonly ImportedSetting[]
  /** Keys that need nothing here, each with the reason. */
  readonly notes: readonly string[]
  readonly problems: readonly ConfigError[]
}

type Json = Readonly<Record<string, unknown>>

class Import {
  readonly settings: ImportedSetting[] = []
  readonly notes: string[] = []
  readonly problems: ConfigError[] = []
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  set(from: string, path: string, value: unknown): void {
    if (value !== undefined && value !== null) this.settings.push({ path, value, from })
  }

  note(from: string, text: string): void {
    this.notes.push(`${from}: ${text}`)
  }

  refuse(from: string, value: unknown, text: string): void {
    this.problems.push(new ConfigError(from, `${this.#file}: ${from} = ${JSON.stringify(value)}: ${text}`))
  }

  /** Each key of a section by the reader for it; a key without one is refused by name. */
  read(
    section: string,
    value: unknown,
    readers: Readonly<Record<string, (value: unknown, from: string) => void>>,
  ): void {
    if (value === undefined || value === null) return
    if (typeof value !== 'object' || Array.isArray(value)) {
      this.refuse(section, value, 'must be an object')
      return
    }
    for (const [key, inner] of Object.entries(value as Json)) {
      const from = section === '' ? key : `${section}.${key}`
      const reader = readers[key]
      if (reader === undefined) this.refuse(from, inner, 'OpenMTC has no such key')
      else reader(inner, from)
    }
  }

  seconds(path: string) {
    return (value: unknown, from: string): void => {
      if (value === null) return
      if (typeof value === 'number' && Number.isFinite(value) && value > 0) this.set(from, path, `${value}s`)
      else this.refuse(from, value, 'must be a number of seconds')
    }
  }

  text(path: string, format: (text: string) => string = (text) => text) {
    return (value: unknown, from: string): void => {
      if (typeof value === 'string' && value !== '') this.set(from, path, format(value))
      else this.refuse(from, value, 'must be a text')
    }
  }

  list(path: string) {
    return (value: unknown, from: string): void => {
      if (Array.isArray(value)) this.set(from, path, value)
      else this.refuse(from, value, 'must be a list')
    }
  }

  /** A value that changes nothing here, and why. */
  needless(text: string) {
    return (_: unknown, from: string): void => this.note(from, text)
  }

  /** A switch that must be off, because what it turns on is not to be had. */
  off(text: string) {
    return (value: unknown, from: string): void => {
      const isOn = typeof value === 'object' && value !== null ? (value as Json)['enabled'] === true : value === true
      if (isOn) this.refuse(from, value, text)
      else this.note(from, 'off, as here')
    }
  }

  /** A CSE type: `MN-CSE`, and `IN_CSE` as some files have it. */
  cseType(path: string) {
    return (value: unknown, from: string): void => {
      const type = /^(IN|MN)[-_]CSE$/.exec(String(value))?.[1]
      if (type === undefined) this.refuse(from, value, 'must be "MN-CSE" or "IN-CSE"')
      else this.set(from, path, type)
    }
  }
}

const levels: Readonly<Record<string, string>> = {
  ERROR: 'error',
  WARNING: 'warn',
  WARN: 'warn',
  INFO: 'info',
  DEBUG: 'debug',
}
const withSlash = (text: string) => (text.startsWith('/') ? text : `/${text}`)

/** Reads OpenMTC's JSON. Never throws for what is in it: see `problems`. */
export function importOpenmtc(fileName: string, text: string): ImportedConfiguration {
  const found = new Import(fileName)
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (error) {
    found.problems.push(new ConfigError(fileName, `${fileName}: not JSON: ${(error as Error).message}`))
    return found
  }
  found.read('', document, {
    global: (value, from) =>
      found.read(from, value, {
        default_lifetime: found.seconds('cse.default_lifetime'),
        max_lifetime: found.seconds('cse.max_lifetime'),
        min_lifetime: found.needless('any time in the future is a lifetime here'),
        require_auth: (isOn, key) => found.set(key, 'access.unprotected', isOn === true ? 'read' : 'open'),
        disable_forwarding: found.off('requests for other CSEs are always passed on'),
        additional_host_names: found.needless('OpenMTC does not use it either'),
        default_content_type: found.needless('each requester gets the type that it asks for'),
      }),
    database: found.needless('everything is kept on the disk; delete the data directory to begin anew'),
    logging: (value, from) =>
      found.read(from, value, {
        level: (level, key) => {
          if (level === null) return
          const known = levels[String(level).toUpperCase()]
          if (known === undefined) found.refuse(key, level, `must be one of ${Object.keys(levels).join(', ')}`)
          else found.set(key, 'log.level', known)
        },
        file: (name, key) => {
          if (name !== null)
            found.refuse(key, name, 'the log goes to standard error, where systemd takes it: write null')
        },
      }),
    onem2m: (value, from) =>
      found.read(from, value, {
        sp_id: found.text('cse.sp_id', (id) => `//${id.replace(/^\/+/, '')}`),
        cse_type: found.cseType('cse.type'),
        cse_id: found.text('cse.id', withSlash),
        cse_base: found.text('cse.name'),
        ssl_certs: found.needless(
          '`fieldgate provision` makes certificates; those that OpenMTC ships have expired, and everybody knows their keys',
        ),
        accept_insecure_certs: found.off('certificates are always checked'),
        overwrite_originator: found.off('a CSE speaks in its own name'),
        default_privileges: found.needless('access.unprotected says what resources without policies allow'),
        dynamic_authorization: found.off('there is no dynamic authorization'),
      }),
    plugins: (value, from) => readPlugins(found, value, from),
  })
  return found
}

function readPlugins(found: Import, value: unknown, from: string): void {
  const lists = Array.isArray(value) ? [value] : Object.values((value ?? {}) as Json)
  const plugins = lists.flat() as readonly Json[]
  for (const plugin of plugins) {
    const name = String(plugin?.['name'])
    const read = pluginReaders[name]
    const isDisabled = plugin?.['disabled'] === true
    if (read !== undefined) read(found, (plugin['config'] ?? {}) as Json, isDisabled)
    else if (isDisabled) found.note(name, 'disabled')
    else
      found.refuse(`${from}.${name}`, plugin?.['package'] ?? name, 'there is no such plugin here; set disabled to true')
  }
}

const pluginReaders: Readonly<Record<string, (found: Import, config: Json, isDisabled: boolean) => void>> = {
  HTTPTransportPlugin(found, config, isDisabled) {
    const plugin = 'HTTPTransportPlugin'
    if (isDisabled) {
      found.set(`${plugin}.disabled`, 'http.listen', [])
      return
    }
    const { interface: host = '::', port, ...rest } = config
    const name = host === '' ? '::' : String(host)
    found.set(`${plugin}.port`, 'http.listen', [`${name.includes(':') ? `[${name}]` : name}:${port ?? 8000}`])
    found.read(plugin, rest, {
      enable_https: found.off('TLS is not set up from this file: set it to false'),
      require_cert: found.needless('matters with HTTPS alone'),
    })
  },
  MQTTTransportPlugin(found, config, isDisabled) {
    const plugin = 'MQTTTransportPlugin'
    if (isDisabled) {
      found.set(`${plugin}.disabled`, 'mqtt.listen', [])
      return
    }
    const { interface: host = 'localhost', port = 1883, ...rest } = config
    if (/^(?:localhost|127\.[\d.]+|::1|)$/.test(String(host))) {
      // The broker that OpenMTC needed on this machine is built in here; one that runs all the same goes on being used.
      found.set(`${plugin}.interface`, 'mqtt.listen', [
        `${String(host) || 'localhost'}:${port}`.replace(/^::1:/, '[::1]:'),
      ])
      found.set(`${plugin}.interface`, 'mqtt.join', true)
    } else {
      found.set(`${plugin}.interface`, 'mqtt.listen', [])
      found.set(`${plugin}.port`, 'brokers.urls', [`${port === 8883 ? 'mqtts' : 'mqtt'}://${host}:${port}`])
    }
    found.read(plugin, rest, {})
  },
  RegistrationHandler(found, config, isDisabled) {
    const plugin = 'RegistrationHandler'
    if (isDisabled) {
      found.note(plugin, 'disabled')
      return
    }
    found.read(plugin, config, {
      labels: found.list('registration.labels'),
      interval: found.seconds('registration.interval'),
      offset: found.seconds('registration.offset'),
      remote_cses(value, from) {
        const [first, ...others] = Array.isArray(value) ? value : [value]
        if (others.length > 0) found.refuse(from, others, 'a CSE has one registrar (TS-0001 6.4): leave the first')
        found.read(`${from}[0]`, first, {
          cse_id: found.text('registration.cse_id', withSlash),
          poa: found.list('registration.poa'),
          own_poa: found.list('registration.own_poa'),
          cse_base: found.text('registration.cse_base'),
          cse_type: found.cseType('registration.cse_type'),
        })
      },
    })
  },
  NotificationHandler: (found, _, isDisabled) =>
    found.note(
      'NotificationHandler',
      isDisabled ? 'disabled there; subscriptions are always served here' : 'always on',
    ),
  ExpirationTimeHandler(found, config, isDisabled) {
    if (isDisabled) found.note('ExpirationTimeHandler', 'disabled there; what expires always goes here')
    else found.read('ExpirationTimeHandler', config, { default_lifetime: found.seconds('cse.default_lifetime') })
  },
  AnnouncementHandler(found, config, isDisabled) {
    if (isDisabled) found.note('AnnouncementHandler', 'disabled there; what asks to be announced always is here')
    else
      found.read('AnnouncementHandler', config, {
        auto_announce: found.off('only what asks for it with announceTo is announced'),
      })
  },
}

/** The same as a configuration file of ours, with where each value comes from. */
export function writeToml({ settings, notes }: ImportedConfiguration, fileName: string): string {
  const sections = new Map<string, string[]>()
  for (const { path, value, from } of settings) {
    const dot = path.indexOf('.')
    const lines = sections.get(path.slice(0, dot)) ?? []
    sections.set(path.slice(0, dot), lines)
    lines.push(`${path.slice(dot + 1)} = ${JSON.stringify(value)}  # ${from}`)
  }
  return [
    `# From ${fileName}, a configuration of OpenMTC.`,
    ...notes.map((note) => `# Needs nothing here: ${note}.`),
    ...[...sections].flatMap(([section, lines]) => ['', `[${section}]`, ...lines]),
    '',
  ].join('\n')
}
