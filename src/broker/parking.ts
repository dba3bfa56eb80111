/**
 * Messages for somebody who has not subscribed yet. OpenMTC's client publishes its first request before it subscribes to the answer; the
 * answer waits here for as long as such a client takes.
 */

import { ownCopy } from '../mqtt/own-copy.ts'
import type { Clock, Timer } from '../onem2m/clock.ts'
import { TopicTree } from './filter-tree.ts'

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
  /** In the order in which they came. */
  readonly #places = new Set<Place>()
  readonly #byTopic = new TopicTree<readonly Place[]>()
  #bytes = 0
  #timer: Timer | undefined
  readonly #dropped: ParkingFacts['dropped']

  constructor({ clock, limits, dropped }: ParkingFacts) {
    this.#clock = clock
    this.#limits = limits
    this.#dropped = dropped
  }

  get size(): number {
    return this.#places.size
  }

  park(message: ParkedMessage, parkMs: number): void {
    const { topic, payload } = message
    const place = {
      message: { ...message, payload: ownCopy(payload) },
      untilMs: this.#clock.monotonicMs() + parkMs,
    }
    this.#places.add(place)
    this.#byTopic.set(topic, [...(this.#byTopic.get(topic) ?? []), place])
    this.#bytes += payload.length
    for (const oldest of this.#places) {
      if (this.#places.size <= this.#limits.maxMessages && this.#bytes <= this.#limits.maxBytes) break
      this.#drop(oldest, 'too many')
    }
    this.#timer ??= this.#clock.after(parkMs, () => this.#sweep())
  }

  /** The messages that a new subscription gets. */
  take(filter: string, isForIt: (topic: string) => boolean): readonly ParkedMessage[] {
    if (this.#places.size === 0) return []
    const taken = [...this.#byTopic.find(filter)].flatMap((places) =>
      places.filter(({ message: { topic } }) => isForIt(topic)),
    )
    for (const place of taken) this.#remove(place)
    return taken.map(({ message }) => message)
  }

  #remove(place: Place): void {
    const { topic, payload } = place.message
    this.#places.delete(place)
    this.#bytes -= payload.length
    const others = (this.#byTopic.get(topic) ?? []).filter((other) => other !== place)
    if (others.length === 0) this.#byTopic.delete(topic)
    else this.#byTopic.set(topic, others)
  }

  stop(): void {
    this.#timer?.cancel()
    for (const place of this.#places) this.#remove(place)
  }

  #sweep(): void {
    this.#timer = undefined
    const nowMs = this.#clock.monotonicMs()
    for (const place of this.#places) {
      if (place.untilMs > nowMs) {
        this.#timer = this.#clock.after(place.untilMs - nowMs, () => this.#sweep())
        return
      }
      this.#drop(place, 'expired')
    }
  }

  #drop(place: Place, reason: 'expired' | 'too many'): void {
    this.#remove(place)
    this.#dropped(place.message.topic, reason)
  }
}
