/** How retained messages and sessions lie in the store: keys, records, and the group commit that an acknowledgement waits for. */

import { ownCopy } from '../mqtt/own-copy.ts'
import type { CommitParticipant, Store, StoreChange, StoreError } from '../store/store.ts'
import { Message } from './message.ts'
import type { QueuedMessage } from './queued-message.ts'
import type { QoS } from './surface.ts'

const separator = 0x0a

/** Topics and client identifiers may hold any character; keys keep their levels apart. */
function part(text: string): string {
  return encodeURIComponent(text)
}

export const prefixes = {
  retained: 'b/r/',
  subscription: 'b/s/',
  queue: 'b/q/',
  inbound: 'b/i/',
  session: 'b/c/',
} as const

export function retainedKey(topic: string): string {
  return prefixes.retained + topic
}

export function sessionKey(clientId: string): string {
  return prefixes.session + part(clientId)
}

/** Whose session it is. */
export function encodeSession({ owner }: { readonly owner: string }): string {
  return owner === '' ? '{}' : JSON.stringify({ owner })
}

export function ownerIn(text: string): string {
  return (JSON.parse(text) as { readonly owner?: string }).owner ?? ''
}

export function subscriptionKey(clientId: string, filter: string): string {
  return `${prefixes.subscription}${part(clientId)}/${filter}`
}

export function queueKey(clientId: string, counter: number): string {
  return `${prefixes.queue}${part(clientId)}/${counter.toString(36).padStart(11, '0')}`
}

export function inboundKey(clientId: string, messageId: number): string {
  return `${prefixes.inbound}${part(clientId)}/${messageId}`
}

/** Client identifier and the rest of a key of one client. */
export function parseClientKey(key: string, prefix: string): readonly [clientId: string, rest: string] {
  const slash = key.indexOf('/', prefix.length)
  return [decodeURIComponent(key.slice(prefix.length, slash)), key.slice(slash + 1)]
}

interface MessageHead {
  readonly t: string
  readonly q: QoS
  /** Retained. */
  readonly r?: true
  /** Message identifier. */
  readonly i?: number
  /** Released: only its PUBREL is left. */
  readonly d?: true
  /** Properties of MQTT 5. */
  readonly p?: unknown
}

/** A message as bytes: one line of JSON, then the payload as it is. */
export function encodeMessage(message: Message, delivery: Partial<QueuedMessage> = {}): Buffer {
  const { qos = message.qos, retain = false, messageId, isReleased = false } = delivery
  const head: MessageHead = {
    t: message.topic,
    q: qos,
    ...(retain ? { r: true } : {}),
    ...(messageId === undefined ? {} : { i: messageId }),
    ...(isReleased ? { d: true } : {}),
    ...(message.properties === undefined ? {} : { p: message.properties }),
  }
  const line = Buffer.from(`${JSON.stringify(head)}\n`)
  return isReleased ? line : Buffer.concat([line, message.payload])
}

function decode(bytes: Uint8Array): readonly [head: MessageHead, message: Message] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = buffer.indexOf(separator)
  const head = JSON.parse(buffer.toString('utf8', 0, end)) as MessageHead
  const payload = ownCopy(buffer.subarray(end + 1))
  return [head, Message.of({ topic: head.t, payload, qos: head.q, retain: false, properties: head.p })]
}

export function decodeRetained(bytes: Uint8Array): Message {
  return decode(bytes)[1]
}

export function decodeQueued(bytes: Uint8Array, counter: number): QueuedMessage {
  const [head, message] = decode(bytes)
  message.counter = counter
  return {
    counter,
    message,
    qos: head.q as 1 | 2,
    retain: head.r ?? false,
    messageId: head.i,
    isSent: head.i !== undefined,
    isReleased: head.d ?? false,
    isKept: head.q === 1 || head.i !== undefined,
  }
}

/** Collects the changes of one turn of the event loop and writes them as one participant of the commit group. */
export class SessionRecords {
  readonly #store: Store
  #changes: StoreChange[] = []
  #waiting: ((error: StoreError | undefined) => void)[] = []
  #undos: (() => void)[] = []

  constructor(store: Store) {
    this.#store = store
  }

  put(key: string, value: StoreChange['value']): void {
    this.#change({ key, value })
  }

  remove(key: string): void {
    this.#change({ key, value: undefined })
  }

  /** A message joins a client's queue. It is written as it is when its group closes: mostly sent already, with its message identifier. */
  queue(clientId: string, queued: QueuedMessage, undo: () => void): void {
    this.onUndo(undo)
    this.update(clientId, queued)
  }

  update(clientId: string, queued: QueuedMessage): void {
    this.put(queueKey(clientId, queued.counter), () => encodeMessage(queued.message, queued))
  }

  /** Registers how to take back in memory what was just changed. */
  onUndo(undo: () => void): void {
    this.#undos.push(undo)
  }

  /** Calls once what has been changed so far is on the disk, or lost. */
  settled(call: (error: StoreError | undefined) => void): void {
    this.#waiting.push(call)
    this.#schedule()
  }

  #change(change: StoreChange): void {
    this.#changes.push(change)
    this.#schedule()
  }

  #isScheduled = false

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      const [changes, waiting, undos] = [this.#changes, this.#waiting, this.#undos]
      this.#changes = []
      this.#waiting = []
      this.#undos = []
      const participant: CommitParticipant = {
        committed: () => {
          for (const call of waiting) call(undefined)
        },
        failed: (error) => {
          for (const call of waiting) call(error)
        },
        undo: () => {
          for (const undo of undos.reverse()) undo()
        },
      }
      this.#store.write(changes, participant)
    })
  }
}
