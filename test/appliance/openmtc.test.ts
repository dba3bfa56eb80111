import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readConfiguration } from '../../src/appliance/configuration.ts'
import { importOpenmtc, writeToml } from '../../src/appliance/openmtc.ts'
import { openmtcConfiguration } from './openmtc-file.ts'

function read(document: object) {
  const imported = importOpenmtc('config.json', JSON.stringify(document))
  return readConfiguration({ adapters: [], imported: { name: 'config.json', ...imported } })
}

/** A copy in which the value at a path of members is another one. */
function changed(document: object, path: string, value: unknown): object {
  const copy = structuredClone(document) as Record<string, unknown>
  const names = path.split('.')
  const last = names.pop() as string
  const holder = names.reduce<Record<string, unknown>>((at, name) => at[name] as Record<string, unknown>, copy)
  holder[last] = value
  return copy
}

const gateway = openmtcConfiguration({ kind: 'gateway', mqtt: { interface: 'localhost', port: 1883 } })

describe("OpenMTC's configuration", () => {
  it('of a gateway as shipped, with MQTT switched on, is one of ours', () => {
    const { settings, problems } = read(gateway)
    assert.deepEqual(problems, [])
    const { cse, http, mqtt, access, registration, log } = settings
    assert.deepEqual([cse.id, cse.name, cse.spId, cse.type], ['/mn-cse-1', 'onem2m', '//openmtc.org', 'MN'])
    assert.deepEqual([http.listen, mqtt.listen, mqtt.join], [['[::]:8000'], ['localhost:1883'], true])
    assert.deepEqual([cse.defaultLifetimeMs, access.unprotected, log.level], [2_000_000, 'open', 'error'])
    const { cseId, poa, ownPoa, cseBase, cseType, labels, intervalMs, offsetMs } = registration
    assert.deepEqual(
      [cseId, poa, ownPoa, cseBase, cseType, labels, intervalMs, offsetMs],
      [
        '/in-cse-1',
        ['http://localhost:18000'],
        ['http://localhost:8000'],
        'onem2m',
        'IN',
        ['openmtc'],
        3_600_000,
        3_600_000,
      ],
    )
  })

  it('of a backend as shipped is one of ours, without MQTT', () => {
    const { settings, problems } = read(openmtcConfiguration({ kind: 'backend' }))
    assert.deepEqual(problems, [])
    assert.deepEqual([settings.cse.type, settings.mqtt.listen, settings.registration.cseId], ['IN', [], ''])
  })

  it('names a broker elsewhere', () => {
    const { settings } = read(
      openmtcConfiguration({ kind: 'gateway', mqtt: { interface: 'broker.example', port: 8883 } }),
    )
    assert.deepEqual([settings.mqtt.listen, settings.brokers.urls], [[], ['mqtts://broker.example:8883']])
  })

  const refusals: readonly (readonly [path: string, value: unknown, complaint: RegExp])[] = [
    ['onem2m.cse_type', 'ASN-CSE', /config\.json: onem2m\.cse_type = "ASN-CSE": must be "MN-CSE" or "IN-CSE"/],
    ['onem2m.cse_id', 'mn cse', /onem2m\.cse_id: cse\.id = "\/mn cse": must be a slash and a name/],
    ['onem2m.accept_insecure_certs', true, /onem2m\.accept_insecure_certs = true/],
    ['onem2m.unheard_of', 1, /onem2m\.unheard_of = 1: OpenMTC has no such key/],
    ['global.default_lifetime', 'long', /global\.default_lifetime = "long": must be a number of seconds/],
    ['logging.level', 'LOUD', /logging\.level = "LOUD": must be one of ERROR/],
    ['plugins.openmtc_cse.0.config.enable_https', true, /HTTPTransportPlugin\.enable_https = true/],
    ['plugins.openmtc_cse.4.config.interval', -5, /RegistrationHandler\.interval = -5/],
    ['plugins.openmtc_cse.4.config.remote_cses.0.cse_type', 'x', /remote_cses\[0\]\.cse_type = "x"/],
    ['plugins.openmtc_cse.4.config.remote_cses.0.poa', ['coap://x'], /remote_cses\[0\]\.poa: registration\.poa = /],
    ['plugins.openmtc_cse.5', { name: 'Oracle', package: 'p' }, /Oracle = "p": there is no such plugin here/],
  ]
  for (const [path, value, complaint] of refusals) {
    it(`is refused by name: ${path} = ${JSON.stringify(value)}`, () => {
      const { problems } = read(changed(gateway, path, value))
      assert.equal(problems.length, 1, problems.map(({ message }) => message).join('\n'))
      assert.match(problems[0]?.message ?? '', complaint)
    })
  }

  it('is printed as a file of ours that says the same', () => {
    const imported = importOpenmtc('config.json', JSON.stringify(gateway))
    const text = writeToml(imported, 'config.json')
    assert.match(text, /# Needs nothing here: database: everything is kept on the disk/)
    assert.match(text, /^cse_id = "\/in-cse-1" {2}# RegistrationHandler\.remote_cses\[0\]\.cse_id$/m)
    const { settings, problems } = readConfiguration({ adapters: [], file: { name: 'fieldgate.toml', text } })
    assert.deepEqual(problems, [])
    assert.deepEqual(settings, read(gateway).settings)
  })

  it('that is no JSON is said to be none', () => {
    assert.match(importOpenmtc('x.json', '{').problems[0]?.message ?? '', /x\.json: not JSON/)
  })
})
