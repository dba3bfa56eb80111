/** A CSE to ask things of: memory for a disk, a clock that is moved by hand, counted identifiers, and a target that keeps what it is told. */

import { Cse } from '../../src/cse/cse.ts'
import type { Delivery, RequestContext } from '../../src/cse/handler.ts'
import type { CseSettings } from '../../src/cse/parts.ts'
import { contentObject, type JsonObject } from '../../src/onem2m/content.ts'
import type { RequestPrimitive, ResponsePrimitive } from '../../src/onem2m/primitive.ts'
import { resourceTypes } from '../../src/resources/index.ts'
import type { ResourceType } from '../../src/resources/resource-type.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import type { StoreValue } from '../../src/store/store.ts'
import { ManualClock, silent } from '../bindings/fixture.ts'

export const settings: CseSettings = {
  cseId: '/mn-cse-1',
  cseBaseName: 'onem2m',
  spId: '//openmtc.org',
  cseType: 2,
  pointOfAccess: ['mqtt://127.0.0.1:1883'],
  forwardTimeoutMs: 10_000,
  defaultLifetimeSeconds: 86_400,
  maxLifetimeSeconds: 864_000,
  maxResources: 10_000,
  maxResults: 1000,
  unprotected: 'read',
  administrators: ['CAdmin'],
  reservedOriginators: ['Csystem'],
  notification: {
    verification: 'all',
    maxQueued: 100,
    maxInFlight: 16,
    timeoutMs: 1000,
    maxTries: 3,
    maxKeptSizeBytes: 1_000_000,
    maxKeptAgeMs: 86_400_000,
  },
}

export interface KitOptions {
  readonly settings?: Partial<CseSettings>
  readonly resourceTypes?: readonly ResourceType[]
  readonly data?: Map<string, StoreValue>
  readonly clock?: ManualClock
  /** What targets answer, also from the first moment after a restart on. */
  readonly answerDelivery?: Kit['answerDelivery']
}

/** A request with what tests always say the same left out. */
export type Question = Partial<RequestPrimitive> & Pick<RequestPrimitive, 'operation' | 'to'>

export interface Answer {
  readonly status: number
  readonly content: JsonObject | undefined
  /** The text that explains a refusal. */
  readonly reason: string
  readonly response: ResponsePrimitive
}

export class Kit {
  readonly clock: ManualClock
  readonly store: MemoryStore
  readonly cse: Cse
  /** What was sent to targets of notifications, in order. */
  readonly deliveries: Delivery[] = []
  /** Verification requests, which are not among those. */
  readonly verifications: Delivery[] = []
  /** What targets answer; throwing makes them unreachable. */
  answerDelivery: (delivery: Delivery) => number | Promise<number> = () => 2000
  readonly #options: KitOptions
  #asked = 0
  #identifiers = 0

  private constructor(options: KitOptions) {
    this.#options = options
    this.answerDelivery = options.answerDelivery ?? this.answerDelivery
    this.clock = options.clock ?? new ManualClock()
    this.store = new MemoryStore({ clock: this.clock, ...(options.data === undefined ? {} : { data: options.data }) })
    const seed = (options.data?.size ?? 0).toString(36)
    this.cse = new Cse({
      store: this.store,
      clock: this.clock,
      log: silent,
      randomId: () => `${seed}x${(this.#identifiers++).toString(36).padStart(8, '0')}`,
      resourceTypes: options.resourceTypes ?? resourceTypes,
      settings: { ...settings, ...options.settings },
    })
    this.cse.use({
      schemes: ['mqtt', 'http'],
      send: async (delivery) => {
        const { 'm2m:sgn': notification } = (delivery.request.content ?? {}) as { 'm2m:sgn'?: JsonObject }
        const isVerification = notification?.['vrq'] === true
        ;(isVerification ? this.verifications : this.deliveries).push(delivery)
        const responseStatusCode = await this.answerDelivery(delivery)
        return { responseStatusCode, requestIdentifier: delivery.request.requestIdentifier }
      },
    })
  }

  static async start(options: KitOptions = {}): Promise<Kit> {
    const kit = new Kit(options)
    await kit.store.start()
    await kit.cse.start()
    await kit.store.flush()
    return kit
  }

  /** The same gateway after a restart: what was on the disk is there. */
  async restart(): Promise<Kit> {
    this.cse.stop()
    await this.store.stop()
    return Kit.start({ ...this.#options, clock: this.clock, data: this.store.data })
  }

  ask(question: Question, context: RequestContext = { source: 'local' }): Promise<Answer> {
    const request: RequestPrimitive = {
      originator: 'Capp',
      requestIdentifier: `r${this.#asked++}`,
      releaseVersionIndicator: '3',
      ...question,
    }
    return new Promise((resolve) => {
      this.cse.handle(request, context, (response) => {
        const content = response.content === undefined ? undefined : contentObject(response.content)
        resolve({
          status: response.responseStatusCode,
          content,
          reason: typeof content?.['m2m:dbg'] === 'string' ? content['m2m:dbg'] : '',
          response,
        })
      })
    })
  }

  create(to: string, resourceType: number, content: JsonObject, more: Partial<RequestPrimitive> = {}): Promise<Answer> {
    return this.ask({ operation: 1, to, resourceType, content, ...more })
  }

  retrieve(to: string, more: Partial<RequestPrimitive> = {}): Promise<Answer> {
    return this.ask({ operation: 2, to, ...more })
  }

  update(to: string, content: JsonObject, more: Partial<RequestPrimitive> = {}): Promise<Answer> {
    return this.ask({ operation: 3, to, content, ...more })
  }

  delete(to: string, more: Partial<RequestPrimitive> = {}): Promise<Answer> {
    return this.ask({ operation: 4, to, ...more })
  }

  /** An AE named `app` (AE-ID Capp) with a container `temp`. */
  async withContainer(attributes: JsonObject = {}): Promise<this> {
    await this.create('onem2m', 2, { 'm2m:ae': { rn: 'app', api: 'Napp', rr: true, srv: ['3'] } })
    await this.create('onem2m/app', 3, { 'm2m:cnt': { rn: 'temp', ...attributes } })
    return this
  }

  async push(...contents: string[]): Promise<void> {
    for (const con of contents) await this.create('onem2m/app/temp', 4, { 'm2m:cin': { con } })
  }

  /** Contents of notifications so far, once everything under way has arrived. */
  async notifications(): Promise<readonly JsonObject[]> {
    await this.store.flush()
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    return this.deliveries.map(({ request }) => request.content as JsonObject)
  }
}
