/** What the MQTT binding asks of a broker, and offers it: messages on topics it takes, in process, instead of a connection of its own. */

import type { Principal } from '../onem2m/principal.ts'

export interface Publication {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1 | 2
  readonly isDuplicate: boolean
  /** Who published; undefined when the broker itself did. */
  readonly connection:
    | {
        readonly clientId: string
        readonly remoteAddress: string
        readonly isLocal: boolean
        readonly principal: Principal | undefined
      }
    | undefined
}

export interface TopicConsumer {
  takes(topic: string): boolean
  /** Handles a publication whose topic it takes; the broker may read more from that connection after `done`. */
  consume(publication: Publication, done: () => void): void
}

export interface TopicBroker {
  consume(consumer: TopicConsumer): void
  /**
   * Publishes: `routed` to whoever listens, `parked` for `parkMs` because its addressee does not subscribe yet, or `nobody` subscribes and
   * nothing was kept. `addressee` is the topic level that the addressee's filters name: a monitor of everything does not count as one.
   */
  send(message: {
    readonly topic: string
    readonly payload: Buffer | string
    readonly qos: 0 | 1
    readonly parkMs?: number
    readonly addressee?: string
  }): 'routed' | 'parked' | 'nobody'
}
