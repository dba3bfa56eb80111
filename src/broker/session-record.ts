/** How retained messages and sessions lie in the store: keys, records, and the group commit that an acknowledgement waits for. */

import type { CommitParticipant, Store, StoreChange, StoreError } from '../store/store.ts'
import type { AedesPacket, QoS } from './surface.ts'

const separator = 0x0a

/** Topics and client identifiers may hold any character; keys keep their levels apart. */
function part(text: string): string {
  return encodeURIComponent(text)
}

export const prefixes = { retained: 'b/r/', subscription: 'b/s/', queue: 'b/q/', inbound: 'b/i/' } as const

export function retainedKey(topic: string): string {
  return prefixes.retained + topic
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
  readonly c: 'publish' | 'pubrel'
  readonly t: string
  readonly q: QoS
  readonly r?: boolean
  readonly i?: number
  readonly p?: unknown
}

/** A message as bytes: one line of JSON, then the payload as it is. */
export function encodeMessage(packet: AedesPacket): Buffer {
  const head: MessageHead = {
    c: packet.cmd,
    t: packet.topic,
    q: packet.qos,
    ...(packet.retain ? { r: true } : {}),
    ...(packet.messageId === undefined ? {} : { i: packet.messageId }),
    ...(packet.properties === undefined ? {} : { p: packet.properties }),
  }
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), packet.payload ?? Buffer.alloc(0)])
}

export function decodeMessage(bytes: Uint8Array, brokerId: string, brokerCounter: number): AedesPacket {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = buffer.indexOf(separator)
  const head = JSON.parse(buffer.toString('utf8', 0, end)) as MessageHead
  return {
    cmd: head.c,
    brokerId,
    brokerCounter,
    topic: head.t,
    payload: Buffer.from(buffer.subarray(end + 1)),
    qos: head.q,
    retain: head.r ?? false,
    dup: false,
    ...(head.i === undefined ? {} : { messageId: head.i }),
    ...(head.p === undefined ? {} : { properties: head.p }),
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

  put(key: string, value: () => Uint8Array | string): void {
    this.#change({ key, value })
  }

  remove(key: string): void {
    this.#change({ key, value: undefined })
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
