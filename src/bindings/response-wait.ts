/** Requests of the CSE that wait for their responses: each ends once, with a response, with its time-out, or with the connection. */

import type { Clock, Timer } from '../onem2m/clock.ts'
import type { ResponsePrimitive } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'

interface Pending {
  readonly timer: Timer
  resolve(response: ResponsePrimitive): void
  reject(reason: OneM2MError): void
}

export class ResponseWait {
  readonly #clock: Clock
  readonly #limit: number
  readonly #pending = new Map<string, Pending>()

  constructor({ clock, limit }: { readonly clock: Clock; readonly limit: number }) {
    this.#clock = clock
    this.#limit = limit
  }

  get isFull(): boolean {
    return this.#pending.size >= this.#limit
  }

  has(key: string): boolean {
    return this.#pending.has(key)
  }

  /** Resolves with what `answer` is given for this key; rejects with REQUEST_TIMEOUT, or with what `fail` is given. */
  response(key: string, target: string, timeoutMs: number): Promise<ResponsePrimitive> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(timeoutMs, () => {
        this.#pending.delete(key)
        reject(new OneM2MError(Status.REQUEST_TIMEOUT, `${target}: no response in ${timeoutMs} ms`))
      })
      this.#pending.set(key, { timer, resolve, reject })
    })
  }

  /** A response that nobody waits for (late, or a second copy) is dropped. */
  answer(key: string, response: ResponsePrimitive): void {
    this.#take(key)?.resolve(response)
  }

  fail(key: string, reason: OneM2MError): void {
    this.#take(key)?.reject(reason)
  }

  failAll(reason: OneM2MError): void {
    for (const key of [...this.#pending.keys()]) this.fail(key, reason)
  }

  #take(key: string): Pending | undefined {
    const pending = this.#pending.get(key)
    if (pending === undefined) return undefined
    this.#pending.delete(key)
    pending.timer.cancel()
    return pending
  }
}
