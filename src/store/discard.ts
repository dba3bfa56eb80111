/** Deletes ranges in the background: a note in the store says which, so that a restart goes on where the last run ended. */

import type { Log } from '../onem2m/log.ts'
import type { CommitParticipant, ScanRange, StoreChange } from './store.ts'

export const discardPrefix = 'x/'

/** Keys deleted between two turns of the event loop. */
const batchSize = 500

interface DiscardFacts {
  readonly log: Log
  write(changes: readonly StoreChange[], participant: CommitParticipant): void
  keys(range: ScanRange): Promise<readonly string[]>
}

export class Discard {
  readonly #facts: DiscardFacts
  #isStopped = false

  constructor(facts: DiscardFacts) {
    this.#facts = facts
  }

  /** Notes the range in the open group, and starts once that group is on the disk. */
  begin(from: string, to: string): void {
    this.#facts.write([{ key: discardPrefix + from, value: to }], {
      committed: () => void this.#run(from, to),
      // The group that makes the range unneeded was lost together with this note.
      failed: () => {},
    })
  }

  /** Goes on with what an earlier run left. */
  async resume(notes: AsyncIterable<readonly [string, string]>): Promise<void> {
    for await (const [key, to] of notes) void this.#run(key.slice(discardPrefix.length), to)
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Never rejects. */
  async #run(from: string, to: string): Promise<void> {
    try {
      for (;;) {
        const keys = this.#isStopped ? [] : await this.#facts.keys({ from, to, limit: batchSize })
        if (this.#isStopped) return
        const isLast = keys.length < batchSize
        const changes: StoreChange[] = keys.map((key) => ({ key, value: undefined }))
        if (isLast) changes.push({ key: discardPrefix + from, value: undefined })
        await new Promise<void>((committed, failed) => this.#facts.write(changes, { committed, failed }))
        if (isLast) return
      }
    } catch (error) {
      this.#facts.log.warn('store: clearing away deleted instances stopped; it goes on after the next start', {
        from,
        reason: (error as Error).message,
      })
    }
  }
}
