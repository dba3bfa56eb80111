/** The brokers of others that this CSE is a client of: how a connection to one is opened, and the oneM2M binding on each. */

import { MqttBinding } from '../../bindings/mqtt.ts'
import { placeOf, type Station } from '../../bindings/mqtt-network.ts'
import type { ResponseWait } from '../../bindings/response-wait.ts'
import { RemoteBroker } from '../../broker/remote-broker.ts'
import type { Cse } from '../../cse/cse.ts'
import { openConnection, parseBrokerUrl, readTls, type Tls } from '../broker-url.ts'
import { isLoopback } from '../listen-address.ts'
import type { PartContext } from './part.ts'

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
    this.#tls = readTls('brokers', brokers)
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
    const parsed = parseBrokerUrl(this.#configured.get(placeOf(url)) ?? url)
    const { host, prefix } = parsed
    const start = `${prefix}/oneM2M/`
    const name = cse.id.slice(1)
    const user = parsed.username || brokers.username
    const secret = parsed.password || brokers.password
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
      open: () => openConnection(parsed, this.#tls),
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
