/** A client's requests handed to a CSE in the same process: what sensor adapters use. */

import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'
import { type SendOptions, type Transport, unreachable } from './transport.ts'

/** The CSE as far as a client in its process needs it. */
export interface LocalCse {
  handle(
    request: RequestPrimitive,
    context: { readonly source: 'internal'; readonly patienceMs?: number },
    respond: (response: ResponsePrimitive) => void,
  ): void
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

  async close(): Promise<void> {}
}
