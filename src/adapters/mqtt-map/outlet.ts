/** What the rules and templates of this adapter are given: readings out, commands in, and messages only of others, at a bounded rate. */

import type { Clock } from '../../onem2m/clock.ts'
import type { AdapterContext, Message, Point, Reading, Value } from '../adapter.ts'
import { asSwitch } from '../point.ts'
import { Rate } from '../rate.ts'

/** A command as a message, and the readings that confirm it. */
export interface Control {
  readonly point: Point
  /** Topic and payload for a value. Throws when the device can't have it. */
  readonly message: (value: Value) => { readonly topic: string; readonly payload: string }
  /** Whether the device says what it has: then that confirms a command, else having sent it does. */
  readonly isConfirmed: boolean
}

/** Sensors rarely say more than this. */
const expectedPeriodMs = 60_000
const maxControls = 500
const maxSubscriptions = 1000
/** TS-0010 6.4 and what the broker says of itself: mapping those would map what this adapter does. */
const ownTopic = /^(?:\/?oneM2M\/|\$)/

export class Outlet {
  readonly #context: Pick<AdapterContext<unknown>, 'push' | 'actuate' | 'report' | 'messages' | 'signal'>
  readonly #rate: Rate
  readonly #controls = new Set<string>()
  /** Commands that wait for the device to say what it has, by the path of their point. */
  readonly #waiting = new Map<string, { readonly value: Value; readonly confirm: () => void }>()
  readonly #subscriptions = new Map<string, () => void>()

  constructor(
    context: Pick<AdapterContext<unknown>, 'push' | 'actuate' | 'report' | 'messages' | 'signal'>,
    clock: Clock,
    maxRate: number,
  ) {
    this.#context = context
    this.#rate = new Rate(clock, maxRate, (text) => context.report('rate', text))
    context.signal.addEventListener('abort', () => this.#end(), { once: true })
  }

  /** Hands over what others publish to a filter; what it can't make anything of is a fault of the source, until the next that it can. */
  subscribe(filter: string, source: string, handle: (message: Message) => void): void {
    const { messages, report } = this.#context
    const key = `${source} ${filter}`
    if (messages === undefined || this.#subscriptions.has(key)) return
    if (this.#subscriptions.size >= maxSubscriptions) {
      report('subscriptions', `more than ${maxSubscriptions} of them: ${filter} is left out`)
      return
    }
    // Retained messages are handed over before the broker returns.
    this.#subscriptions.set(key, () => {})
    const end = messages.subscribe(filter, (message) => {
      if (message.isInternal || ownTopic.test(message.topic) || !this.#rate.allows()) return
      try {
        handle(message)
        report(source)
      } catch (error) {
        report(source, `${message.topic}: ${error instanceof Error ? error.message : String(error)}`)
      }
    })
    this.#subscriptions.set(key, end)
  }

  /** What confirms a command is stored as what became of that, and not once more as a reading. */
  push(readings: readonly Reading[]): void {
    const news = readings.filter((reading) => !this.#confirms(reading))
    if (news.length > 0) this.#context.push(news, expectedPeriodMs)
  }

  /** Takes commands for a point from now on; once. */
  control({ point, message, isConfirmed }: Control): void {
    if (this.#controls.has(point.path) || this.#controls.size >= maxControls) return
    this.#controls.add(point.path)
    this.#context.actuate({
      point,
      write: (told, signal) => {
        const value = point.quantity === 'switch' ? (asSwitch(told) ?? told) : told
        const { topic, payload } = message(value)
        const confirmed = isConfirmed ? this.#confirmation(point.path, value, signal) : undefined
        this.#context.messages?.publish({ topic, payload, qos: 1, retain: false })
        return confirmed ?? Promise.resolve(value)
      },
    })
  }

  report(part: string, fault?: string): void {
    this.#context.report(part, fault)
  }

  #confirms({ point, value }: Reading): boolean {
    const waiting = this.#waiting.get(point.path)
    if (waiting === undefined || value !== waiting.value) return false
    waiting.confirm()
    return true
  }

  #confirmation(path: string, value: Value, signal: AbortSignal): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(path, {
        value,
        confirm: () => {
          this.#waiting.delete(path)
          resolve(value)
        },
      })
      signal.addEventListener(
        'abort',
        () => {
          this.#waiting.delete(path)
          reject(signal.reason)
        },
        { once: true },
      )
    })
  }

  #end(): void {
    for (const end of this.#subscriptions.values()) end()
    this.#subscriptions.clear()
  }
}
