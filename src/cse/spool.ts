/**
 * What the outbox keeps on the disk: one range of keys for each stream, in order, within a number of bytes for all. It knows how an entry is
 * written and read, and nothing of targets.
 */

import type { Json } from '../onem2m/content.ts'
import type { Store, StoreChange } from '../store/store.ts'
import type { SequenceRange } from './stream.ts'
import type { Transaction } from './transaction.ts'

/** One thing that waits to be sent. */
export interface Entry {
  readonly item: Json
  /** Its own, and the same at every try. */
  readonly requestIdentifier: string
  /** When it was handed in, milliseconds since 1970. */
  readonly atMs: number
  /** Where it is kept; undefined for what is in memory alone. */
  readonly sequence: number | undefined
  readonly size: number
  /** Called once when it has been answered or given up; not after a restart. */
  readonly settled?: ((error: Error | undefined) => void) | undefined
}

type Written = readonly [atMs: number, requestIdentifier: string, item: Json]

const prefix = 'q/'
/** Enough for any number that is counted exactly. */
const digits = 11

export class Spool {
  readonly #store: Store
  readonly #maxBytes: number
  #bytes = 0

  constructor({ store, maxBytes }: { readonly store: Store; readonly maxBytes: number }) {
    this.#store = store
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** True when there is no room for more: somebody has to give up something. */
  get isFull(): boolean {
    return this.#bytes > this.#maxBytes
  }

  /**
   * Keeps an entry: with the transaction, or by itself. `kept` follows when it is on the disk; alone and not stored, an entry without its
   * place there.
   */
  keep(stream: string, entry: Omit<Entry, 'size'>, transaction: Transaction | undefined, kept: (entry: Entry) => void) {
    const written: Written = [entry.atMs, entry.requestIdentifier, entry.item]
    const value = JSON.stringify(written)
    const whole = { ...entry, size: value.length }
    const change: StoreChange = { key: keyOf(stream, entry.sequence as number), value }
    const count = () => {
      this.#bytes += whole.size
      kept(whole)
    }
    if (transaction === undefined)
      this.#store.write([change], { committed: count, failed: () => kept({ ...whole, sequence: undefined }) })
    else {
      transaction.changes.push(change)
      transaction.afterCommit(count)
    }
  }

  /** Gives entries up, because they were answered or nobody wants them any more. */
  drop(stream: string, entries: readonly Entry[]): void {
    const changes: StoreChange[] = []
    for (const { sequence, size } of entries) {
      if (sequence === undefined) continue
      this.#bytes -= size
      changes.push({ key: keyOf(stream, sequence), value: undefined })
    }
    if (changes.length > 0) this.#store.write(changes)
  }

  /** The next entries of a stream from a sequence number on, at most `limit`. Throws StoreError when the disk does not give them. */
  async read(stream: string, from: number, to: number, limit: number): Promise<readonly Entry[]> {
    const entries: Entry[] = []
    const range = { from: keyOf(stream, from), to: keyOf(stream, to), limit }
    for await (const [key, text] of this.#store.scanText(range)) {
      const entry = readEntry(key, text)
      if (entry !== undefined) entries.push(entry)
      else this.#store.write([{ key, value: undefined }])
    }
    return entries
  }

  /** The streams that have something, with the first sequence number of each and the one after its last. */
  async load(): Promise<ReadonlyMap<string, SequenceRange>> {
    const streams = new Map<string, { from: number; to: number }>()
    for await (const [key, text] of this.#store.scanText({ from: prefix, to: 'q0' })) {
      this.#bytes += text.length
      const name = key.slice(prefix.length, -digits - 1)
      const sequence = sequenceOf(key)
      const known = streams.get(name)
      if (known === undefined) streams.set(name, { from: sequence, to: sequence + 1 })
      else known.to = sequence + 1
    }
    return streams
  }
}

function keyOf(stream: string, sequence: number): string {
  return `${prefix}${stream}/${sequence.toString(36).padStart(digits, '0')}`
}

function sequenceOf(key: string): number {
  return Number.parseInt(key.slice(-digits), 36)
}

/** Undefined for what a repair of the store left damaged. */
function readEntry(key: string, text: string): Entry | undefined {
  try {
    const [atMs, requestIdentifier, item] = JSON.parse(text) as Written
    return { atMs, requestIdentifier, item, sequence: sequenceOf(key), size: text.length }
  } catch {
    return undefined
  }
}
