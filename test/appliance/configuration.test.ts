/** What an operator may write, which source wins, and the exact words for what can't be used. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AdapterTable } from '../../src/adapters/adapter.ts'
import { type ConfigurationSources, listSettings, readConfiguration } from '../../src/appliance/configuration.ts'

const adapters = [
  {
    name: 'system',
    settings: [
      { key: 'enabled', type: 'boolean', default: true, text: 'Whether it runs.' },
      { key: 'poll_period', type: 'duration', default: '10s', minimum: 1000, text: 'Time between two readings.' },
    ],
  },
] as const

function read(text: string, others: Omit<ConfigurationSources, 'adapters' | 'file'> = {}) {
  return readConfiguration({ adapters, file: { name: 'fieldgate.toml', text }, ...others })
}

const refusals: readonly (readonly [toml: string, ...messages: string[]])[] = [
  [
    '[mqtt]\nlisten = "localhost"',
    'fieldgate.toml:2: mqtt.listen = "localhost": must be a list of HOST:PORT, such as "localhost:1883" or "[::1]:1883"',
  ],
  [
    'mqtt.listen = ["localhost:70000"]',
    'fieldgate.toml:1: mqtt.listen = ["localhost:70000"]: must be a list of HOST:PORT, such as "localhost:1883" or "[::1]:1883"',
  ],
  [
    '[mqtt]\n\nmax_connections = "many"',
    'fieldgate.toml:3: mqtt.max_connections = "many": must be a whole number from 1 to 100000, such as 1000',
  ],
  [
    '[mqtt]\nmax_connections = 0',
    'fieldgate.toml:2: mqtt.max_connections = 0: must be a whole number from 1 to 100000, such as 1000',
  ],
  [
    '[mqtt]\nmax_connections = 1.5',
    'fieldgate.toml:2: mqtt.max_connections = 1.5: must be a whole number from 1 to 100000, such as 1000',
  ],
  [
    '[mqtt]\nresponse_park = 2000',
    'fieldgate.toml:2: mqtt.response_park = 2000: must be a time with its unit (ms, s, min, h, d), 1min or less, such as "2s"',
  ],
  [
    '[http]\nmax_body_size = "1 MB"',
    'fieldgate.toml:2: http.max_body_size = "1 MB": must be a size with its unit (B, KiB, MiB, GiB) from 1KiB to 268435455B, such as "256KiB"',
  ],
  [
    '[access]\nunprotected = "all"',
    'fieldgate.toml:2: access.unprotected = "all": must be "creator" or "read" or "open"',
  ],
  ['[cse]\nid = "mn-cse-1"', 'fieldgate.toml:2: cse.id = "mn-cse-1": must be a slash and a name, such as "/mn-cse-1"'],
  ['[cse]\nmax_lifetime = "1d"', 'fieldgate.toml:2: cse.default_lifetime must not be more than cse.max_lifetime'],
  ['[mqtt]\nlissten = []', 'fieldgate.toml:2: mqtt.lissten: no such key; did you mean mqtt.listen?'],
  ['[mqqt]\nlisten = []', 'fieldgate.toml:1: [mqqt]: no such section; did you mean [mqtt]?'],
  [
    '[gateway]\nlisten = []',
    'fieldgate.toml:1: [gateway]: no such section; see `fieldgate help configuration` for those there are',
  ],
  ['mqtt = 1883', 'fieldgate.toml:1: mqtt is a section: write [mqtt] and its keys below it'],
  ['[adapters.system]\nenabled = "yes"', 'fieldgate.toml:2: adapters.system.enabled = "yes": must be true or false'],
  [
    '[adapters.sytem]\nenabled = true',
    'fieldgate.toml:1: [adapters.sytem]: no such section; did you mean [adapters.system]?',
  ],
  [
    'adapters = { system = { poll_period = "1ms" } }',
    'fieldgate.toml:1: adapters.system.poll_period = "1ms": must be a time with its unit (ms, s, min, h, d), 1s or more, such as "10s"',
  ],
  [
    '# two at once\n[log]\nlevel = "loud"\n[mqtt]\nlisen = ["localhost:1"]',
    'fieldgate.toml:3: log.level = "loud": must be "debug" or "info" or "warn" or "error"',
    'fieldgate.toml:5: mqtt.lisen: no such key; did you mean mqtt.listen?',
  ],
]

describe('a configuration file', () => {
  for (const [toml, ...messages] of refusals) {
    it(`is refused: ${toml.replaceAll('\n', ' ; ')}`, () => {
      assert.deepEqual(
        read(toml).problems.map(({ message }) => message),
        messages,
      )
    })
  }

  it('that is not TOML is refused with the line', () => {
    const [problem, ...others] = read('[mqtt]\nlisten = \n').problems
    assert.match(problem?.message ?? '', /^fieldgate\.toml:2: not TOML: .+\n/)
    assert.equal(others.length, 0)
  })

  it('names the line of a key after texts and lists that span lines', () => {
    const toml =
      '[mqtt]\nlisten = [\n  "localhost:1883", # [not a section]\n]\n[security]\nadministrators = ["""a\nb = 1"""]\n[log]\nlevel = 1'
    const lines = read(toml).problems.map(({ message }) => message.split(': ')[0])
    assert.deepEqual(lines, ['fieldgate.toml:6', 'fieldgate.toml:9'])
  })

  it('gives times in milliseconds, sizes in bytes, and a single text where a list is due', () => {
    const { settings, problems } = read(
      '[mqtt]\nresponse_park = "1.5s"\nmax_packet_size = "1MiB"\nlisten = "0.0.0.0:1883"\n[adapters.system]\npoll_period = "2min"',
    )
    assert.deepEqual(problems, [])
    assert.equal(settings.mqtt.responseParkMs, 1500)
    assert.equal(settings.mqtt.maxPacketSizeBytes, 1_048_576)
    assert.deepEqual(settings.mqtt.listen, ['0.0.0.0:1883'])
    assert.deepEqual(settings.adapters, { system: { enabled: true, pollPeriodMs: 120_000 } })
  })
})

describe('the sources of a setting', () => {
  const file = '[mqtt]\nmax_connections = 2\n[log]\nlevel = "warn"'
  const environment = { FIELDGATE_MQTT_MAX_CONNECTIONS: '3', FIELDGATE_ADAPTERS_SYSTEM_ENABLED: 'false' }

  it('win in the order command line, environment, file, default', () => {
    const options = [{ option: '--mqtt', path: 'mqtt.listen', text: 'localhost:1884' }]
    const { settings, effective, problems } = read(file, { environment, options })
    assert.deepEqual(problems, [])
    assert.deepEqual(settings.mqtt.listen, ['localhost:1884'])
    assert.equal(settings.mqtt.maxConnections, 3)
    assert.equal(settings.log.level, 'warn')
    assert.equal(settings.adapters['system']?.['enabled'], false)
    const sources = effective.flatMap(({ path, source }) => (source === undefined ? [] : [`${path} ${source}`]))
    assert.deepEqual(sources, [
      'mqtt.listen --mqtt',
      'mqtt.max_connections FIELDGATE_MQTT_MAX_CONNECTIONS',
      'log.level fieldgate.toml:4',
      'adapters.system.enabled FIELDGATE_ADAPTERS_SYSTEM_ENABLED',
    ])
  })

  it('in the environment: lists are comma-separated, mistakes are named, what is somebody else’s is let be', () => {
    const { settings, problems } = readConfiguration({
      adapters,
      environment: {
        FIELDGATE_HTTP_LISTEN: 'localhost:8001, [::1]:8002',
        FIELDGATE_MQTT_LISEN: 'x',
        FIELDGATE_LOG_LEVEL: 'loud',
        FIELDGATE_SERVICE_HOST: '10.0.0.1',
        FIELDGATE_URL: 'http://localhost:8000',
      },
    })
    assert.deepEqual(settings.http.listen, ['localhost:8001', '[::1]:8002'])
    assert.deepEqual(
      problems.map(({ message }) => message),
      [
        'FIELDGATE_LOG_LEVEL: log.level = "loud": must be "debug" or "info" or "warn" or "error"',
        'FIELDGATE_MQTT_LISEN: no such key; did you mean FIELDGATE_MQTT_LISTEN?',
      ],
    )
  })

  it('on the command line are checked like the others', () => {
    const { problems } = read('', { options: [{ option: '--http', path: 'http.listen', text: 'here' }] })
    assert.deepEqual(
      problems.map(({ message }) => message),
      ['--http: http.listen = "here": must be a list of HOST:PORT, such as "localhost:1883" or "[::1]:1883"'],
    )
  })
})

describe('the table of keys', () => {
  it('listens on loopback only by default, and follows the addresses of OpenMTC', () => {
    const { settings, problems } = readConfiguration({ adapters: [] })
    assert.deepEqual(problems, [])
    assert.deepEqual([settings.mqtt.listen, settings.http.listen], [['localhost:1883'], ['localhost:8000']])
    assert.deepEqual([settings.cse.id, settings.cse.name, settings.cse.spId], ['/mn-cse-1', 'onem2m', '//openmtc.org'])
    assert.deepEqual([settings.access.unprotected, settings.security.administrators], ['read', []])
    assert.equal(settings.store.durability, 'power-cut')
  })

  it('gives each key a name of its own in the environment', () => {
    const names = listSettings(adapters).map(({ environmentName }) => environmentName)
    assert.equal(new Set(names).size, names.length)
  })
})

describe('lists of tables', () => {
  const registers = [
    { key: 'address', type: 'integer', isRequired: true, minimum: 0, maximum: 65_535, text: 'Where it is.' },
    { key: 'scale', type: 'number', text: 'By what it is multiplied.' },
  ] as const
  const devices = [
    { key: 'name', type: 'string', isRequired: true, text: 'What it is called.' },
    { key: 'timeout', type: 'duration', default: '1s', text: 'How long it may take.' },
    { key: 'register', type: 'tables', rows: registers, text: 'What is read.' },
  ] as const
  const bus: AdapterTable = {
    name: 'bus',
    settings: [
      { key: 'enabled', type: 'boolean', default: false, text: 'Whether it runs.' },
      { key: 'device', type: 'tables', rows: devices, text: 'Which devices there are.' },
    ],
    check: (settings) =>
      (settings['devices'] as readonly { readonly name: string }[]).flatMap(({ name }, index) =>
        name === 'twin' ? [{ key: `device[${index + 1}].name`, text: 'there is one already' }] : [],
      ),
  }
  const readBus = (text: string) => readConfiguration({ adapters: [bus], file: { name: 'bus.toml', text } })
  const messages = (text: string) => readBus(text).problems.map(({ message }) => message)

  it('have their keys by the names of code, defaults, and lists of their own', () => {
    const toml = `
[[adapters.bus.device]]
name = "meter"
[[adapters.bus.device.register]]
address = 40
scale = 0.1
[[adapters.bus.device.register]]
address = 42
[[adapters.bus.device]]
name = "pump"
timeout = "5s"`
    const { settings, problems } = readBus(toml)
    assert.deepEqual(problems, [])
    assert.deepEqual(settings.adapters['bus']?.['devices'], [
      {
        name: 'meter',
        timeoutMs: 1000,
        registers: [
          { address: 40, scale: 0.1 },
          { address: 42, scale: undefined },
        ],
      },
      { name: 'pump', timeoutMs: 5000, registers: [] },
    ])
  })

  it('are refused key by key, with the line of each', () => {
    const toml = `
[[adapters.bus.device]]
name = "meter"
[[adapters.bus.device.register]]
adress = 40
[[adapters.bus.device]]
name = 7
timeout = "soon"
register = [{ address = 70000 }]`
    assert.deepEqual(messages(toml), [
      'bus.toml:4: adapters.bus.device[1].register[1].address is missing: must be a whole number from 0 to 65535',
      'bus.toml:5: adapters.bus.device[1].register[1].adress: no such key; did you mean address?',
      'bus.toml:7: adapters.bus.device[2].name = 7: must be a text in quotes',
      'bus.toml:8: adapters.bus.device[2].timeout = "soon": must be a time with its unit (ms, s, min, h, d), such as "1s"',
      'bus.toml:9: adapters.bus.device[2].register[1].address = 70000: must be a whole number from 0 to 65535',
    ])
    assert.deepEqual(messages('[adapters.bus.device]\nname = "one"'), [
      'bus.toml:1: adapters.bus.device is a list of tables: write [[adapters.bus.device]] and its keys below it',
    ])
  })

  it("are looked at by the adapter's own check when it is to run", () => {
    const toml = '[[adapters.bus.device]]\nname = "a"\n[[adapters.bus.device]]\nname = "twin"\n'
    assert.deepEqual(messages(toml), [])
    assert.deepEqual(messages(`${toml}[adapters.bus]\nenabled = true`), [
      'bus.toml:4: adapters.bus.device[2].name: there is one already',
    ])
  })
})
