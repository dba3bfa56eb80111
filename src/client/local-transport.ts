/** A client's requests handed to a CSE in the same process: what sensor adapters use. */

import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'
import { Reception, type RequestReceiver } from './reception.ts'
import { type SendOptions, type Transport, unreachable } from './transport.ts'

/** The CSE as far as a client in its process needs it. */
export interface LocalCse {
  handle(
    request: RequestPrimitive,
    context: { readonly source: 'internal'; readonly patienceMs?: number },
    respond: (response: ResponsePrimitive) => void,
  ): void
  /** Registers one who carries the CSE's own requests to points of access of some schemes. */
  use?(requester: LocalRequester): void
}

interface LocalRequester {
  readonly schemes: readonly string[]
  send(delivery: { readonly request: RequestPrimitive }): Promise<ResponsePrimitive>
}

export interface LocalTransportOptions {
  readonly cse: LocalCse
  /** How long a change may wait for others to share one write to the disk. */
  readonly patienceMs?: number
}

export class LocalTransport implements Transport {
  readonly #options: LocalTransportOptions

  constructor(options: LocalTransportOptions) {
    this.#options = options
  }

  send(request: RequestPrimitive, { timeoutMs, signal }: SendOptions): Promise<ResponsePrimitive> {
    const { cse, patienceMs } = this.#options
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort)
        reject(unreachable(`no response in ${timeoutMs} ms`))
      }, timeoutMs).unref()
      const abort = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort, { once: true })
      cse.handle(
        request,
        patienceMs === undefined ? { source: 'internal' } : { source: 'internal', patienceMs },
        (response) => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', abort)
          resolve(response)
        },
      )
    })
  }

  async serve(_identity: string, receive: RequestReceiver): Promise<string> {
    const { cse } = this.#options
    if (cse.use === undefined) throw new TypeError('this CSE sends no requests to clients in its process')
    const scheme = `local-${globalThis.crypto.randomUUID()}`
    const reception = new Reception(receive)
    cse.use({ schemes: [scheme], send: ({ request }) => reception.take(request) })
    return `${scheme}:`
  }

  async close(): Promise<void> {}
}
