/** Stand-ins for what a binding is given: a broker, a CSE, a clock that is moved by hand, a log that listens. */

import type { Publication, TopicBroker, TopicConsumer } from '../../src/bindings/topic-consumer.ts'
import type { RequestContext, RequestHandler } from '../../src/cse/handler.ts'
import type { Clock } from '../../src/onem2m/clock.ts'
import type { Json, JsonObject } from '../../src/onem2m/content.ts'
import type { Log } from '../../src/onem2m/log.ts'
import type { RequestPrimitive, ResponsePrimitive } from '../../src/onem2m/primitive.ts'

export const own = { cseId: '/mn-cse-1', spId: '//openmtc.org' }
export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

type Sent = Parameters<TopicBroker['send']>[0]

/** Hands publications to its consumers as a broker would, and keeps what is sent. */
export class FakeBroker implements TopicBroker {
  readonly sent: Sent[] = []
  /** Topics that somebody subscribes to; undefined for all. */
  subscribed: ReadonlySet<string> | undefined
  readonly #consumers: TopicConsumer[] = []

  consume(consumer: TopicConsumer): void {
    this.#consumers.push(consumer)
  }

  send(message: Sent): 'routed' | 'parked' | 'nobody' {
    if (this.subscribed === undefined || this.subscribed.has(message.topic)) {
      this.sent.push(message)
      return 'routed'
    }
    if (message.parkMs === undefined) return 'nobody'
    this.sent.push(message)
    return 'parked'
  }

  /** Publishes; true when a consumer took it. `done` reports that the broker may go on. */
  publish(
    topic: string,
    payload: string | Buffer | Json,
    options: Partial<Publication> = {},
    done = () => {},
  ): boolean {
    const consumer = this.#consumers.find((candidate) => candidate.takes(topic))
    const body =
      typeof payload === 'string' || Buffer.isBuffer(payload)
        ? Buffer.from(payload)
        : Buffer.from(JSON.stringify(payload))
    consumer?.consume({ topic, payload: body, qos: 1, isDuplicate: false, connection: undefined, ...options }, done)
    return consumer !== undefined
  }

  /** The payload of the last message, as JSON. */
  get last(): JsonObject {
    return JSON.parse(String(this.sent.at(-1)?.payload)) as JsonObject
  }
}

export interface Arrival {
  readonly request: RequestPrimitive
  readonly context: RequestContext
  readonly respond: (response: ResponsePrimitive) => void
}

/** A CSE that keeps each request and answers at once, with OK unless told otherwise; null leaves it to the test. */
export class FakeCse implements RequestHandler {
  readonly arrivals: Arrival[] = []
  isCongested = false
  response: Omit<ResponsePrimitive, 'requestIdentifier'> | null

  constructor(response: FakeCse['response'] = { responseStatusCode: 2000 }) {
    this.response = response
  }

  handle(request: RequestPrimitive, context: RequestContext, respond: (response: ResponsePrimitive) => void): void {
    this.arrivals.push({ request, context, respond })
    if (this.response !== null) respond({ ...this.response, requestIdentifier: request.requestIdentifier })
  }

  get last(): RequestPrimitive | undefined {
    return this.arrivals.at(-1)?.request
  }
}

/** Time that passes when `advance` says so. */
export class ManualClock implements Clock {
  #nowMs = 0
  #timers: { dueMs: number; call: () => void }[] = []

  monotonicMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, call: () => void): { cancel(): void } {
    const timer = { dueMs: this.#nowMs + delayMs, call }
    this.#timers.push(timer)
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer)
      },
    }
  }

  advance(ms: number): void {
    this.#nowMs += ms
    const due = this.#timers.filter((timer) => timer.dueMs <= this.#nowMs)
    this.#timers = this.#timers.filter((timer) => timer.dueMs > this.#nowMs)
    for (const timer of due) timer.call()
  }

  get pending(): number {
    return this.#timers.length
  }
}
