/** The brokers of others that this CSE is a client of: how a connection to one is opened, and the oneM2M binding on each. */

import { readFileSync } from 'node:fs'
import { connect, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { MqttBinding } from '../../bindings/mqtt.ts'
import { placeOf, type Station } from '../../bindings/mqtt-network.ts'
import type { ResponseWait } from '../../bindings/response-wait.ts'
import { RemoteBroker } from '../../broker/remote-broker.ts'
import type { Cse } from '../../cse/cse.ts'
import { ConfigError } from '../config-error.ts'
import { isLoopback } from '../listen-address.ts'
import type { Settings } from '../setting-table.ts'
import type { PartContext } from './part.ts'

interface Tls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

export class RemoteBrokers {
  readonly #context: PartContext
  readonly #cse: Cse
  readonly #wait: ResponseWait
  readonly #tls: Tls
  /** URLs of the configuration, which may have credentials, by the place that they name. */
  readonly #configured: ReadonlyMap<string, string>
  readonly #opened: { readonly broker: RemoteBroker; readonly binding: MqttBinding }[] = []
  #onUp = () => {}

  /** Throws ConfigError when a file with a certificate or key can't be read. */
  constructor(context: PartContext, cse: Cse, wait: ResponseWait) {
    this.#context = context
    this.#cse = cse
    this.#wait = wait
    const { brokers, registration } = context.settings
    this.#configured = new Map([...registration.poa, ...brokers.urls].map((url) => [placeOf(url), url]))
    this.#tls = readTls(brokers)
    context.onStop(() => {
      for (const { broker, binding } of this.#opened) {
        binding.stop()
        broker.stop()
      }
    })
  }

  /** `call` is called each time when one of the brokers can be used again. */
  onUp(call: () => void): void {
    this.#onUp = call
  }

  /** Becomes a client of the broker of this URL, for good, and serves the CSE there. */
  open(url: string): Station {
    const { settings, log, clock } = this.#context
    const { brokers, cse } = settings
    const { protocol, hostname, port, pathname, username, password } = new URL(
      this.#configured.get(placeOf(url)) ?? url,
    )
    const isSecure = protocol !== 'mqtt:'
    const host = hostname.replace(/^\[|\]$/g, '')
    const address = { host, port: port === '' ? (isSecure ? 8883 : 1883) : Number(port) }
    const prefix = pathname.replace(/^\/+|\/+$/g, '')
    const start = `${prefix}/oneM2M/`
    const name = cse.id.slice(1)
    const user = decodeURIComponent(username) || brokers.username
    const secret = decodeURIComponent(password) || brokers.password
    const broker = new RemoteBroker({
      name: placeOf(url),
      clientId: `C::${name}`,
      ...(user === '' ? {} : { username: user }),
      ...(secret === '' ? {} : { password: secret }),
      filters: [`${start}req/+/${name}/#`, `${start}reg_req/+/${name}/#`, `${start}resp/${name}/#`],
      isLocal: host === 'localhost' || isLoopback(host),
      maxPacketBytes: settings.mqtt.maxPacketSizeBytes,
      clock,
      log,
      random: Math.random,
      open: () => (isSecure ? openSecurely(address, this.#tls) : connect({ ...address, noDelay: true })),
      changed: (isUp) => {
        if (isUp) this.#onUp()
      },
    })
    const own = { cseId: cse.id, spId: cse.spId }
    const binding = new MqttBinding({ broker, handler: this.#cse, own, clock, log, prefix, wait: this.#wait })
    this.#opened.push({ broker, binding })
    binding.start()
    broker.start()
    return {
      async send(delivery, parkMs) {
        await broker.attempted
        return binding.send(delivery, parkMs)
      },
    }
  }
}

/** TLS is loaded when the first connection needs it: it costs memory that most gateways do not spend. */
function openSecurely({ host, port }: { readonly host: string; readonly port: number }, tls: Tls): Duplex {
  const { connect: connectSecurely } = process.getBuiltinModule('node:tls')
  return connectSecurely({ host, port, ...tls, ...(isIP(host) === 0 ? { servername: host } : {}) })
}

function readTls({ caFile, certFile, keyFile }: Settings['brokers']): Tls {
  return {
    ...(caFile === '' ? {} : { ca: readPem('brokers.ca_file', caFile) }),
    ...(certFile === '' ? {} : { cert: readPem('brokers.cert_file', certFile) }),
    ...(keyFile === '' ? {} : { key: readPem('brokers.key_file', keyFile) }),
  }
}

function readPem(path: string, fileName: string): string {
  try {
    return readFileSync(fileName, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigError(
      path,
      `${path} = ${JSON.stringify(fileName)}: ${code}: name a PEM file that this user may read`,
    )
  }
}
