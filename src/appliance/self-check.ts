/** What it means that a gateway works: a message reaches a subscriber, a request is answered, and a change reaches the disk. */

import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'
import type { StoreChange, StoreError } from '../store/store.ts'

/** The parts that are checked, as far as they are. */
export interface CheckedParts {
  readonly broker: {
    subscribe(filter: string, handler: (topic: string, payload: Buffer) => void): () => void
    publish(
      message: { readonly topic: string; readonly payload: Buffer; readonly qos: 0; readonly retain: false },
      done: (error?: Error | null) => void,
    ): void
  }
  readonly cse: {
    handle(
      request: RequestPrimitive,
      context: { readonly source: 'internal' },
      respond: (response: ResponsePrimitive) => void,
    ): void
  }
  readonly store: {
    write(changes: readonly StoreChange[], participant: { committed(): void; failed(error: StoreError): void }): void
  }
  readonly cseBaseName: string
  /** The originator that asks. */
  readonly originator: string
  readonly randomId: () => string
}

const topic = '$fieldgate/self-check'

/** Where the last self-check left its mark; overwritten each time. */
const storeKey = 'm/self-check'

/**
 * Resolves with a remark for the status line. Rejects with the part that gave a wrong answer; does not end while a part gives none. A full
 * disk is a state that the gateway lives with, and that starting it again does not mend.
 */
export async function checkSelf(parts: CheckedParts): Promise<string> {
  const mark = parts.randomId()
  await publish(parts, mark)
  await retrieve(parts, mark)
  return commit(parts, mark)
}

function publish({ broker }: CheckedParts, mark: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = broker.subscribe(topic, (_, payload) => {
      if (payload.toString() !== mark) return
      end()
      resolve()
    })
    broker.publish({ topic, payload: Buffer.from(mark), qos: 0, retain: false }, (error) => {
      if (!error) return
      end()
      reject(new Error(`the broker refused a message: ${error.message}`))
    })
  })
}

function retrieve({ cse, cseBaseName, originator }: CheckedParts, mark: string): Promise<void> {
  const request: RequestPrimitive = {
    operation: 2,
    to: cseBaseName,
    originator,
    requestIdentifier: mark,
    releaseVersionIndicator: '3',
  }
  return new Promise((resolve, reject) => {
    cse.handle(request, { source: 'internal' }, ({ responseStatusCode }) => {
      if (responseStatusCode === 2000) resolve()
      else reject(new Error(`the CSE answered a RETRIEVE of its base with ${responseStatusCode}`))
    })
  })
}

function commit({ store }: CheckedParts, mark: string): Promise<string> {
  return new Promise((resolve, reject) => {
    store.write([{ key: storeKey, value: mark }], {
      committed: () => resolve('publishes, answers and keeps'),
      failed: (error) => {
        if (error.reason === 'full') resolve('publishes and answers; the disk is full')
        else reject(error)
      },
    })
  })
}
