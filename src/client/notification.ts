/** What a notification says (TS-0004 6.3.5.13, 7.5.1.2), and the two ways in which an application takes it: a callback or an iterator. */

import { contentObject, isJsonObject, type Json, type JsonObject } from '../onem2m/content.ts'
import { Operation, type RequestPrimitive } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { type Deferred, defer } from './deferred.ts'
import type { Answer, RequestReceiver } from './reception.ts'

export interface Notification {
  /** Address of the subscription, as the CSE writes it. */
  readonly subscription: string
  /** The resource, or what of it changed: `{ 'm2m:cin': { con: '21.4' } }`. Empty when the subscription was deleted. */
  readonly content: JsonObject
  /** What happened (TS-0004 6.3.4.2.19): 1 update, 2 deletion, 3 creation of a child, 4 deletion of a child. */
  readonly eventType: number | undefined
  /** There will be no more from this subscription. */
  readonly isDeleted: boolean
}

/** The notifications in the content of a request, single or aggregated; those that only verify a subscription are left out. Throws BAD_REQUEST. */
export function readNotifications(content: JsonObject): readonly Notification[] {
  const aggregated = content['m2m:agn']
  const all = isJsonObject(aggregated) ? aggregated['m2m:sgn'] : content['m2m:sgn']
  const list: readonly Json[] = Array.isArray(all) ? all : [all ?? null]
  return list.flatMap((each) => {
    if (!isJsonObject(each))
      throw new OneM2MError(Status.BAD_REQUEST, 'pc: expected a notification, {"m2m:sgn": {...}}')
    const { nev, sur, sud, vrq } = each
    if (vrq === true) return []
    const { rep, net } = isJsonObject(nev) ? nev : {}
    return {
      subscription: typeof sur === 'string' ? sur : '',
      content: isJsonObject(rep) ? rep : {},
      eventType: typeof net === 'number' ? net : undefined,
      isDeleted: sud === true,
    }
  })
}

/** Serves NOTIFY requests by calling with each notification in turn; other operations are refused. */
export function receiveNotifications(call: (notification: Notification) => Promise<void> | void): RequestReceiver {
  return async ({ operation, content }: RequestPrimitive): Promise<Answer | undefined> => {
    if (operation !== Operation.NOTIFY)
      throw new OneM2MError(Status.OPERATION_NOT_ALLOWED, `op: got ${operation}, expected 5 (Notify)`)
    for (const notification of readNotifications(content === undefined ? {} : contentObject(content)))
      await call(notification)
    return undefined
  }
}

interface Item {
  readonly notification: Notification
  readonly taken: Deferred<void>
}

/** Notifications that wait to be taken; the CSE is told to keep more. */
const maxWaiting = 256

/** Notifications one after another. What was handed out is acknowledged when the next is asked for; what was not is refused at the end. */
export class NotificationStream implements AsyncIterableIterator<Notification> {
  readonly #waiting: Item[] = []
  #current: Item | undefined
  #wake: ((result: IteratorResult<Notification>) => void) | undefined
  #isOver = false

  /** Resolves when the notification has been worked on. Rejects when there is no room, or when the iterator ended before. */
  async put(notification: Notification): Promise<void> {
    if (this.#isOver || this.#waiting.length >= maxWaiting)
      throw new OneM2MError(
        Status.TARGET_NOT_REACHABLE,
        this.#isOver ? 'nobody listens any more' : `${maxWaiting} notifications wait here`,
      )
    const item = { notification, taken: defer<void>() }
    this.#waiting.push(item)
    this.#hand()
    await item.taken.promise
  }

  next(): Promise<IteratorResult<Notification>> {
    this.#current?.taken.resolve()
    this.#current = undefined
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => {
      this.#wake = resolve
      this.#hand()
    })
  }

  async return(): Promise<IteratorResult<Notification>> {
    this.#isOver = true
    this.#current?.taken.resolve()
    for (const { taken } of this.#waiting.splice(0))
      taken.reject(new OneM2MError(Status.TARGET_NOT_REACHABLE, 'nobody listens any more'))
    this.#wake?.({ done: true, value: undefined })
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #hand(): void {
    const wake = this.#wake
    const item = wake === undefined ? undefined : this.#waiting.shift()
    if (wake === undefined || item === undefined) return
    this.#wake = undefined
    this.#current = item
    wake({ done: false, value: item.notification })
  }
}
