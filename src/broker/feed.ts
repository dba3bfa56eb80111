/**
 * Answers to subscriptions that are under way to one client: retained messages, or figures. Each filter has one answer, which begins anew when
 * it is subscribed to again, and a turn of the event loop looks at so many messages for a client: nobody waits for what somebody else asks for.
 */

import type { Message } from './message.ts'
import type { QoS } from './surface.ts'

export interface Feed {
  /** What is undefined was looked at and is not for the client. */
  readonly messages: Iterator<Message | undefined>
  readonly qos: QoS
  /** The last message before the subscription: what came later, the subscription itself brought. */
  readonly since: number
  nextCounter(): number
}

export interface FeedFacts {
  /** Whether the client may have one more now; where it may not, `run` is called when it may. */
  maySend(): boolean
  send(message: Message, feed: Feed): void
}

const stepsPerTurn = 1000

export class Feeds {
  readonly #facts: FeedFacts
  readonly #byFilter = new Map<string, Feed>()
  #stepsLeft = stepsPerTurn
  #isRunning = false
  #isResting = false

  constructor(facts: FeedFacts) {
    this.#facts = facts
  }

  set(filter: string, feed: Feed): void {
    this.#byFilter.delete(filter)
    this.#byFilter.set(filter, feed)
    this.run()
  }

  delete(filter: string): void {
    this.#byFilter.delete(filter)
  }

  clear(): void {
    this.#byFilter.clear()
  }

  /** Sends as far as the client, and this turn, allow. What is sent may make room for more: it is this call that goes on then, not one within it. */
  run(): void {
    if (this.#isRunning || this.#byFilter.size === 0) return
    this.#isRunning = true
    try {
      for (const [filter, feed] of this.#byFilter)
        while (this.#byFilter.get(filter) === feed) {
          if (!this.#facts.maySend()) return
          if (this.#stepsLeft === 0) {
            this.#rest()
            return
          }
          this.#step(filter, feed)
        }
    } finally {
      this.#isRunning = false
    }
  }

  #step(filter: string, feed: Feed): void {
    this.#stepsLeft--
    const { done, value: message } = feed.messages.next()
    if (done === true) this.#byFilter.delete(filter)
    else if (message !== undefined && message.counter <= feed.since) this.#facts.send(message, feed)
  }

  #rest(): void {
    if (this.#isResting) return
    this.#isResting = true
    setImmediate(() => {
      this.#isResting = false
      this.#stepsLeft = stepsPerTurn
      this.run()
    })
  }
}
