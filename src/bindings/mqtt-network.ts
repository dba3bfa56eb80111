/**
 * Which broker leads to whom when there are several: the one that runs here, those that this CSE is served on as a client, and those where other
 * CSEs say that they can be reached. TS-0010 6.6: a point of access names a broker, the target's identifier the topic.
 */

import type { Delivery, Requester } from '../cse/handler.ts'
import type { ResponsePrimitive } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'

/** The oneM2M binding on one broker. */
export interface Station {
  send(delivery: Delivery, parkMs?: number): Promise<ResponsePrimitive>
}

export interface MqttNetworkOptions {
  /** The broker that runs here. */
  readonly home: Station
  /** Places where that one is reached: `localhost:1883`. */
  readonly homePlaces: readonly string[]
  /** Becomes a client of the broker that a point of access names, and serves this CSE there too. */
  open(pointOfAccess: string): Station
}

const defaultPorts: Readonly<Record<string, number>> = { 'mqtt:': 1883, 'mqtts:': 8883, 'secure-mqtt:': 8883 }
/** Brokers of other CSEs that this one is a client of. */
const maxOpened = 64

export class MqttNetwork implements Requester {
  readonly schemes = ['mqtt', 'mqtts', 'secure-mqtt'] as const
  readonly #options: MqttNetworkOptions
  readonly #stations = new Map<string, Station>()
  #opened = 0

  constructor(options: MqttNetworkOptions) {
    this.#options = options
    for (const place of options.homePlaces) this.#stations.set(place, options.home)
  }

  /** Has the broker of this URL served by a station. */
  add(url: string, station: Station): void {
    this.#stations.set(placeOf(url), station)
  }

  /** Rejects with TARGET_NOT_REACHABLE when the broker or the target can't be reached. */
  async send(delivery: Delivery): Promise<ResponsePrimitive> {
    const { home } = this.#options
    const { pointOfAccess, target } = delivery
    const place = placeOf(pointOfAccess)
    const station = place === '' ? home : (this.#stations.get(place) ?? this.#stationOfTopic(delivery))
    if (station !== undefined) return station.send(delivery)
    // Only a CSE has a broker of its own; what has a connection here is reached here, whatever it says of itself.
    if (target === undefined || !target.startsWith('/')) return home.send(delivery)
    try {
      return await home.send(delivery, 0)
    } catch (error) {
      if (!(error instanceof OneM2MError) || error.status !== Status.TARGET_NOT_REACHABLE) throw error
    }
    return this.#open(pointOfAccess, place).send(delivery)
  }

  /** Without a target the path is a topic (TS-0010 6.6), and no part of the broker's name. */
  #stationOfTopic({ pointOfAccess, target }: Delivery): Station | undefined {
    return target === undefined ? this.#stations.get(placeOf(pointOfAccess).replace(/\/.*/, '')) : undefined
  }

  #open(pointOfAccess: string, place: string): Station {
    const known = this.#stations.get(place)
    if (known !== undefined) return known
    if (this.#opened >= maxOpened)
      throw new OneM2MError(
        Status.TARGET_NOT_REACHABLE,
        `${place}: this CSE is a client of ${maxOpened} brokers already`,
      )
    this.#opened++
    const station = this.#options.open(pointOfAccess)
    this.#stations.set(place, station)
    return station
  }
}

/** Host, port and topic prefix of a broker, which tell it from others: `localhost:1883`, `broker:1883/site-7`. Empty for `mqtt:`, the one here. */
export function placeOf(url: string): string {
  if (!URL.canParse(url)) return url
  const { protocol, hostname, port, pathname } = new URL(url)
  if (hostname === '') return ''
  // One broker under all names of loopback: two connections of one client would take turns in closing each other.
  const host = /^(?:127\.[\d.]+|\[::1\])$/.test(hostname) ? 'localhost' : hostname.toLowerCase()
  return `${host}:${port === '' ? (defaultPorts[protocol] ?? 1883) : port}${pathname.replace(/\/+$/, '')}`
}
