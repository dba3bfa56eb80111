/** Requests that the CSE sends to adapters, in this process: a requester for the point of access `adapter:`. */

import { contentObject, type JsonObject } from '../onem2m/content.ts'
import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { isVerification, readNotification } from './content.ts'

interface Delivery {
  readonly pointOfAccess: string
  readonly target: string | undefined
  readonly request: RequestPrimitive
}

/** Called with the attributes that a resource has now, or that changed, by their short names. */
export type OnChange = (attributes: JsonObject) => void

/** By the subscription that a notification says it comes from: the CSE says so, and nobody else's can pass for it. */
export class Inbox {
  readonly schemes = ['adapter'] as const
  readonly #listeners = new Map<string, OnChange>()

  /** Calls with what the subscription tells that bears one of these identifiers, until the returned function is called. */
  listen(identifiers: readonly string[], call: OnChange): () => void {
    for (const identifier of identifiers) this.#listeners.set(identifier, call)
    return () => {
      for (const identifier of identifiers)
        if (this.#listeners.get(identifier) === call) this.#listeners.delete(identifier)
    }
  }

  /** A notification of a subscription that nobody listens to any more is taken and dropped: its adapter does not run. */
  async send({ target, request }: Delivery): Promise<ResponsePrimitive> {
    const answer = { responseStatusCode: Status.OK, requestIdentifier: request.requestIdentifier }
    const content = request.content === undefined ? {} : contentObject(request.content)
    // Anybody may subscribe an adapter; what it does not listen to it drops.
    if (isVerification(content)) return answer
    const notification = readNotification(content)
    if (notification === undefined)
      throw new OneM2MError(Status.OPERATION_NOT_ALLOWED, `${target ?? 'an adapter'} takes notifications only`)
    const identifier = notification.subscription.replace(/^\/[^/]+\//, '')
    this.#listeners.get(identifier)?.(notification.attributes)
    return answer
  }
}
