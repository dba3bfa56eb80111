/** The client of a oneM2M application: the five operations and discovery under plain names, over any transport. */

import { contentObject, type JsonObject } from '../onem2m/content.ts'
import { type FilterCriteria, FilterUsage } from '../onem2m/filter-criteria.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive } from '../onem2m/primitive.ts'
import { type Notification, NotificationStream, receiveNotifications } from './notification.ts'
import type { RequestReceiver } from './reception.ts'
import { errorOf, type Transport } from './transport.ts'

export interface OneM2MClientOptions {
  readonly transport: Transport
  /** The AE-ID or CSE-ID that requests come from; absent for an AE that is still to get one. */
  readonly originator?: string
  /** Unique for each request; random by default. */
  readonly newRequestIdentifier?: () => string
  /** The release that is spoken: `3` by default. */
  readonly releaseVersionIndicator?: string
  readonly timeoutMs?: number
}

/** What may be said beside the essence of a request: any of its parameters, a time-out of its own, a signal that gives it up. */
export type RequestOptions = Partial<Omit<RequestPrimitive, 'operation' | 'to' | 'content' | 'resourceType'>> & {
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

type Request = Partial<RequestPrimitive> & Pick<RequestPrimitive, 'operation' | 'to'>

export class OneM2MClient {
  readonly #options: OneM2MClientOptions

  constructor(options: OneM2MClientOptions) {
    this.#options = options
  }

  /**
   * Creates a resource below `to`: `create('onem2m/ae', 3, { 'm2m:cnt': { rn: 'temp' } })`. Resolves with the content of the response,
   * empty when none was asked for. This and the others reject with OneM2MResponseError when the request does not succeed.
   */
  create(to: string, resourceType: number, content: JsonObject, options?: RequestOptions): Promise<JsonObject> {
    return this.#content({ operation: Operation.CREATE, to, resourceType, content }, options)
  }

  /** The resource at `to`: `{ 'm2m:cnt': { ... } }`. */
  retrieve(to: string, options?: RequestOptions): Promise<JsonObject> {
    return this.#content({ operation: Operation.RETRIEVE, to }, options)
  }

  /** Changes the attributes that `content` has, and deletes those that are null in it. */
  update(to: string, content: JsonObject, options?: RequestOptions): Promise<JsonObject> {
    return this.#content({ operation: Operation.UPDATE, to, content }, options)
  }

  async delete(to: string, options?: RequestOptions): Promise<void> {
    await this.request({ operation: Operation.DELETE, to }, options)
  }

  async notify(to: string, content: JsonObject, options?: RequestOptions): Promise<void> {
    await this.request({ operation: Operation.NOTIFY, to, content }, options)
  }

  /** Identifiers of the resources below `to` that match: `discover('onem2m', { labels: ['temperature'] })`. */
  async discover(
    to: string,
    filterCriteria: FilterCriteria = {},
    options?: RequestOptions,
  ): Promise<readonly string[]> {
    const content = await this.#content(
      {
        operation: Operation.RETRIEVE,
        to,
        filterCriteria: { ...filterCriteria, filterUsage: FilterUsage.DISCOVERY },
      },
      options,
    )
    const found = content['m2m:uril']
    // Lists of one type are arrays in JSON; some peers write them as XML would, with spaces between.
    return typeof found === 'string' ? found.split(' ').filter(Boolean) : ((found ?? []) as readonly string[])
  }

  /** Any request, completed with what this client knows; resolves with the whole response. */
  async request(request: Request, options: RequestOptions = {}): Promise<ResponsePrimitive> {
    const { transport, originator, newRequestIdentifier, releaseVersionIndicator, timeoutMs } = this.#options
    const { timeoutMs: ownTimeoutMs, signal, ...parameters } = options
    const response = await transport.send(
      {
        ...(originator === undefined ? {} : { originator }),
        requestIdentifier: newRequestIdentifier?.() ?? randomIdentifier(),
        releaseVersionIndicator: releaseVersionIndicator ?? '3',
        ...parameters,
        ...request,
      },
      { timeoutMs: ownTimeoutMs ?? timeoutMs ?? 10_000, ...(signal === undefined ? {} : { signal }) },
    )
    if (response.responseStatusCode >= 4000) throw errorOf(response)
    return response
  }

  /** A client of somebody else over the same transport: of the AE-ID that a registration has brought, for example. */
  as(originator: string): OneM2MClient {
    return new OneM2MClient({ ...this.#options, originator })
  }

  /**
   * Answers requests to this client's originator, or to `identity`: what `receive` resolves with, nothing for OK; what it throws as OneM2MError
   * is the refusal. Resolves with the point of access to register under.
   */
  serve(receive: RequestReceiver, identity: string | undefined = this.#options.originator): Promise<string> {
    if (identity === undefined) throw new TypeError('serve: name the AE-ID or CSE-ID whose requests are meant')
    return this.#options.transport.serve(identity, receive)
  }

  /**
   * Calls with each notification for this client's originator; the CSE gets its answer when `call` is done, and an error when it fails.
   * Verification requests are agreed to. Resolves with the point of access to register under.
   */
  onNotification(call: (notification: Notification) => Promise<void> | void): Promise<string> {
    return this.serve(receiveNotifications(call))
  }

  /** The same as an iterator: `for await (const { content } of await client.notifications())`. Asking for the next acknowledges the last. */
  async notifications(): Promise<NotificationStream> {
    const stream = new NotificationStream()
    await this.onNotification((notification) => stream.put(notification))
    return stream
  }

  close(): Promise<void> {
    return this.#options.transport.close()
  }

  async #content(request: Request, options: RequestOptions | undefined): Promise<JsonObject> {
    const { content } = await this.request(request, options)
    return content === undefined ? {} : contentObject(content)
  }
}

function randomIdentifier(): string {
  return globalThis.crypto.randomUUID()
}
