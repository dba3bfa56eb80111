/** Which parts a gateway has, and in which order they start; they stop in the reverse order. What each part is made of is its file's business. */

import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import { GatewayClock } from './gateway-clock.ts'
import { writeAddress } from './listen-address.ts'
import { startAdapters } from './part/adapter.ts'
import { startCse } from './part/cse.ts'
import { createDoors } from './part/door.ts'
import { startHttp } from './part/http.ts'
import { startMqtt } from './part/mqtt.ts'
import type { PartContext } from './part/part.ts'
import { startRegistration } from './part/registration.ts'
import { createAuthority, watchSecurity } from './part/security.ts'
import { startStore } from './part/store.ts'
import { createRandomId } from './random-id.ts'
import { type CheckedParts, checkSelf } from './self-check.ts'
import type { Settings } from './setting-table.ts'

export interface GatewayOptions {
  readonly settings: Settings
  /** Made when it is not there. */
  readonly dataDirectory: string
  readonly log: Log
  readonly clock: Clock
}

/** Where a gateway listens: `127.0.0.1:1883`, `[::1]:1883`. */
export interface GatewayAddresses {
  readonly mqtt: readonly string[]
  readonly http: readonly string[]
  /** With TLS; absent where there is no certificate. */
  readonly mqtts?: readonly string[]
  readonly https?: readonly string[]
}

export class Gateway {
  readonly #clock: GatewayClock
  readonly #context: PartContext
  /** What undoes the starts so far, the last one at the end. */
  readonly #stops: (() => void | Promise<void>)[] = []
  #checked: Pick<CheckedParts, 'broker' | 'cse' | 'store'> | undefined

  constructor(options: GatewayOptions) {
    this.#clock = new GatewayClock(options.clock)
    this.#context = {
      ...options,
      clock: this.#clock,
      randomId: createRandomId(),
      onStop: (stop) => this.#stops.push(stop),
    }
  }

  /** Starts all parts. Rejects with the system's error when one can't start; those that had started are stopped then. */
  async start(): Promise<GatewayAddresses> {
    try {
      return await this.#startParts(this.#context)
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** Accepts no more, finishes what is in flight, writes it to the disk. May be called twice. */
  async stop(): Promise<void> {
    for (let stop = this.#stops.pop(); stop; stop = this.#stops.pop()) await stop()
  }

  /** Tries the whole way that data takes; see `checkSelf`. Rejects before the start. */
  async check(): Promise<string> {
    if (this.#checked === undefined) throw new Error('the gateway is not started')
    const { settings, randomId } = this.#context
    return checkSelf({ ...this.#checked, cseBaseName: settings.cse.name, originator: settings.cse.id, randomId })
  }

  async #startParts(context: PartContext): Promise<GatewayAddresses> {
    const doors = createDoors(context)
    const store = await startStore(context)
    this.#clock.start(store, context.log)
    context.onStop(() => this.#clock.stop())
    const cse = await startCse(context, store)
    const authority = createAuthority(context, cse)
    watchSecurity(context, authority, doors.tls)
    const { broker, addresses: mqtt, brokers } = await startMqtt(context, store, cse, { authority, doors })
    const http = await startHttp(context, cse, broker, { authority, doors })
    startRegistration(context, cse, brokers, http)
    // While there is still a way out: what subscriptions have collected.
    context.onStop(() => cse.flushNotifications(2000))
    startAdapters(context, cse, broker)
    this.#checked = { broker, cse, store }
    const { mqttTls, httpTls } = doors
    return {
      mqtt: mqtt.map(writeAddress),
      http: http.map(writeAddress),
      ...(mqttTls.length > 0 && { mqtts: mqttTls.map(writeAddress) }),
      ...(httpTls.length > 0 && { https: httpTls.map(writeAddress) }),
    }
  }
}
