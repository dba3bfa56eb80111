/** Retained messages: in memory by topic, bounded, and on the disk. MQTT 3.1.1 section 3.3.1.3. */

import { TopicTree } from './filter-tree.ts'
import type { Message } from './message.ts'
import { encodeMessage, retainedKey, type SessionRecords } from './session-record.ts'

export interface RetainedLimits {
  readonly maxRetainedMessages: number
  /** Of topics and payloads together. */
  readonly maxRetainedBytes: number
}

export class RetainedMessages {
  readonly #limits: RetainedLimits
  readonly #records: SessionRecords
  readonly #messages = new TopicTree<Message>()
  #bytes = 0

  constructor(limits: RetainedLimits, records: SessionRecords) {
    this.#limits = limits
    this.#records = records
  }

  get count(): number {
    return this.#messages.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Retains a message, or forgets the one of its topic when the payload is empty [MQTT-3.3.1-10]. False when there is no room. */
  set(message: Message): boolean {
    const { topic } = message
    const before = this.#messages.get(topic)
    if (message.payloadBytes === 0) {
      if (before === undefined) return true
      this.restore(undefined, topic)
      this.#records.onUndo(() => this.restore(before, topic))
      this.#records.remove(retainedKey(topic))
      return true
    }
    const { maxRetainedMessages, maxRetainedBytes } = this.#limits
    const count = this.count + (before === undefined ? 1 : 0)
    const bytes = this.#bytes + weigh(message) - (before === undefined ? 0 : weigh(before))
    if (count > maxRetainedMessages || bytes > maxRetainedBytes) return false
    this.restore(message.keep(), topic)
    this.#records.onUndo(() => this.restore(before, topic))
    this.#records.put(retainedKey(topic), () => encodeMessage(this.#messages.get(topic) ?? message))
    return true
  }

  /** Takes a message as the disk has it; undefined when it has none. */
  restore(message: Message | undefined, topic: string): void {
    const before = this.#messages.get(topic)
    if (before !== undefined) this.#bytes -= weigh(before)
    if (message === undefined) this.#messages.delete(topic)
    else {
      this.#messages.set(topic, message)
      this.#bytes += weigh(message)
    }
  }

  /** Messages whose topic matches, read while they are asked for. */
  matching(filter: string): Generator<Message, void> {
    return this.#messages.find(filter)
  }

  /** The same, with undefined for each place that was looked at and holds none: looking may take longer than there is something to find. */
  search(filter: string): Generator<Message | undefined, void> {
    return this.#messages.search(filter)
  }
}

function weigh(message: Message): number {
  return message.topic.length + message.payloadBytes
}
