/**
 * `$SYS/broker/...` under mosquitto's names: values are worked out when somebody subscribes, and again every ten seconds (mosquitto's
 * sys_interval) for as long as somebody does. Otherwise nothing is published, and no timer runs.
 */

import type { Clock, Timer } from '../onem2m/clock.ts'
import { matchesFilter } from './filter-tree.ts'
import { Message } from './message.ts'

export interface SysFacts {
  readonly clock: Clock
  /** Figures by what follows `$SYS/broker/`, as they are now. */
  figures(): Readonly<Record<string, string | number>>
  isWanted(topic: string): boolean
  publish(message: Message): void
}

const intervalMs = 10_000
const prefix = '$SYS/broker/'

export class SysTopics {
  readonly #facts: SysFacts
  #timer: Timer | undefined
  #published = new Map<string, string>()

  constructor(facts: SysFacts) {
    this.#facts = facts
  }

  /** What a new subscription is answered with; empty for a filter of other topics. */
  *answer(filter: string): Generator<Message, void> {
    if (!filter.startsWith('$SYS/')) return
    for (const message of this.#messages()) if (matchesFilter(filter, message.topic)) yield message
  }

  /** Somebody subscribes, or comes back to a subscription. */
  watch(filter: string): void {
    if (filter.startsWith('$SYS/')) this.#timer ??= this.#facts.clock.after(intervalMs, () => this.#publish())
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #messages(): readonly Message[] {
    return Object.entries(this.#facts.figures()).map(([name, value]) =>
      Message.of({ topic: prefix + name, payload: Buffer.from(String(value)), qos: 0, retain: false }),
    )
  }

  #publish(): void {
    this.#timer = undefined
    const wanted = this.#messages().filter(({ topic }) => this.#facts.isWanted(topic))
    for (const message of wanted) {
      const text = message.payload.toString()
      if (this.#published.get(message.topic) === text) continue
      this.#published.set(message.topic, text)
      this.#facts.publish(message)
    }
    if (wanted.length > 0) this.watch(prefix)
    else this.#published = new Map()
  }
}
