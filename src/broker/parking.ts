/**
 * Messages for somebody who has not subscribed yet. OpenMTC's client publishes its first request before it subscribes to the answer; the
 * answer waits here for as long as such a client takes.
 */

import { ownCopy } from '../mqtt/own-copy.ts'
import type { Clock, Timer } from '../onem2m/clock.ts'
import { matchesFilter } from './filter-tree.ts'

export interface ParkedMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1
}

interface Place {
  readonly message: ParkedMessage
  readonly untilMs: number
}

export interface ParkingLimits {
  readonly maxMessages: number
  readonly maxBytes: number
}

export interface ParkingFacts {
  readonly clock: Clock
  readonly limits: ParkingLimits
  /** Nobody came for a message in time, or there was no room for it any more. */
  dropped(topic: string, reason: 'expired' | 'too many'): void
}

export class Parking {
  readonly #clock: Clock
  readonly #limits: ParkingLimits
  #places: Place[] = []
  #bytes = 0
  #timer: Timer | undefined
  readonly #dropped: ParkingFacts['dropped']

  constructor({ clock, limits, dropped }: ParkingFacts) {
    this.#clock = clock
    this.#limits = limits
    this.#dropped = dropped
  }

  get size(): number {
    return this.#places.length
  }

  park(message: ParkedMessage, parkMs: number): void {
    const kept = { ...message, payload: ownCopy(message.payload) }
    this.#places.push({ message: kept, untilMs: this.#clock.monotonicMs() + parkMs })
    this.#bytes += message.payload.length
    while (this.#places.length > this.#limits.maxMessages || this.#bytes > this.#limits.maxBytes)
      this.#dropFirst('too many')
    this.#timer ??= this.#clock.after(parkMs, () => this.#sweep())
  }

  /** The messages that a new subscription gets. */
  take(filter: string, isForIt: (topic: string) => boolean): readonly ParkedMessage[] {
    if (this.#places.length === 0) return []
    const taken = this.#places.filter(({ message: { topic } }) => matchesFilter(filter, topic) && isForIt(topic))
    if (taken.length === 0) return []
    this.#places = this.#places.filter((place) => !taken.includes(place))
    for (const { message } of taken) this.#bytes -= message.payload.length
    return taken.map(({ message }) => message)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#places = []
    this.#bytes = 0
  }

  #sweep(): void {
    this.#timer = undefined
    const nowMs = this.#clock.monotonicMs()
    while (this.#places[0] !== undefined && this.#places[0].untilMs <= nowMs) this.#dropFirst('expired')
    const next = this.#places[0]
    if (next !== undefined) this.#timer = this.#clock.after(next.untilMs - nowMs, () => this.#sweep())
  }

  #dropFirst(reason: 'expired' | 'too many'): void {
    const place = this.#places.shift()
    if (place === undefined) return
    this.#bytes -= place.message.payload.length
    this.#dropped(place.message.topic, reason)
  }
}
