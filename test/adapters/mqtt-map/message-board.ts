/** The broker as adapters see it, small enough to look at: what is published to it, and what is retained. */

import type { Message, Messages } from '../../../src/adapters/adapter.ts'

export class MessageBoard implements Messages {
  /** What the adapter published: topic and payload. */
  readonly published: string[] = []
  readonly retained = new Map<string, string>()
  readonly #subscriptions = new Set<{ readonly filter: RegExp; readonly call: (message: Message) => void }>()

  get subscriptions(): number {
    return this.#subscriptions.size
  }

  subscribe(filter: string, call: (message: Message) => void): () => void {
    const levels = filter
      .split('/')
      .map((level) => (level === '+' ? '[^/]*' : level === '#' ? '.*' : level.replaceAll(/[$.]/g, '\\$&')))
    const subscription = { filter: new RegExp(`^${levels.join('/')}$`), call }
    for (const [topic, text] of this.retained) if (subscription.filter.test(topic)) call(message(topic, text, false))
    this.#subscriptions.add(subscription)
    return () => this.#subscriptions.delete(subscription)
  }

  publish({ topic, payload }: { readonly topic: string; readonly payload: string }): void {
    this.published.push(`${topic} ${payload}`)
    this.#tell(message(topic, payload, true))
  }

  /** A device says something. */
  say(topic: string, text: string): void {
    this.#tell(message(topic, text, false))
  }

  #tell(told: Message): void {
    for (const { filter, call } of [...this.#subscriptions]) if (filter.test(told.topic)) call(told)
  }
}

function message(topic: string, text: string, isInternal: boolean): Message {
  return { topic, payload: Buffer.from(text), isInternal }
}
