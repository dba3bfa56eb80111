/** Requests that the CSE sends to adapters, in this process: a requester for points of access such as `adapter:gpio`. */

import { contentObject, type JsonObject } from '../onem2m/content.ts'
import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { readNotification } from './content.ts'

interface Delivery {
  readonly pointOfAccess: string
  readonly target: string | undefined
  readonly request: RequestPrimitive
}

/** Called with the attributes that a resource has now, or that changed, by their short names. */
export type OnChange = (attributes: JsonObject) => void

/** By the resourceID of the subscription that a notification says it comes from. */
export class Inbox {
  readonly schemes = ['adapter'] as const
  readonly #listeners = new Map<string, OnChange>()

  /** Calls with what the subscription with this resourceID tells, until the returned function is called: nobody else's can pass for it. */
  listen(subscription: string, call: OnChange): () => void {
    this.#listeners.set(subscription, call)
    return () => {
      if (this.#listeners.get(subscription) === call) this.#listeners.delete(subscription)
    }
  }

  /** A notification of a subscription that nobody listens to any more is taken and dropped: its adapter does not run. */
  async send({ target, request }: Delivery): Promise<ResponsePrimitive> {
    const notification = request.content === undefined ? undefined : readNotification(contentObject(request.content))
    if (notification === undefined)
      throw new OneM2MError(Status.OPERATION_NOT_ALLOWED, `${target ?? 'an adapter'} takes notifications only`)
    const identifier = notification.subscription.replace(/^\/[^/]+\//, '')
    this.#listeners.get(identifier)?.(notification.attributes)
    return { responseStatusCode: Status.OK, requestIdentifier: request.requestIdentifier }
  }
}
