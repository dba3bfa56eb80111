/** Deletes ranges in the background: a note in the store says which, so that a restart goes on where the last run ended. */

import type { CommitParticipant, ScanRange, StoreChange } from './store.ts'

const notePrefix = 'x/'
/** The range of the notes. */
export const discardNotes: ScanRange = { from: notePrefix, to: 'x0' }

/** Keys deleted in one commit group. */
const batchSize = 500

interface DiscardFacts {
  write(changes: readonly StoreChange[], participant: CommitParticipant): void
  /** The first keys of a range that are on the disk. */
  keys(range: ScanRange): Promise<readonly string[]>
  /** Nothing is left of a range. */
  deleted(from: string, to: string): Promise<void>
}

export class Discard {
  readonly #facts: DiscardFacts
  /** What is left of the ranges whose notes are on the disk, by note. */
  readonly #left = new Map<string, { from: string; readonly to: string }>()
  #isRunning = false
  #isStopped = false

  constructor(facts: DiscardFacts) {
    this.#facts = facts
  }

  /** Notes the range in the open group, and starts once that group is on the disk. */
  begin(from: string, to: string): void {
    const note = notePrefix + from
    this.#facts.write([{ key: note, value: to }], {
      committed: () => {
        this.#left.set(note, { from, to })
        this.goOn()
      },
      // What made the range unneeded was lost as well.
      failed: () => {},
    })
  }

  /** Takes up what an earlier run left. */
  async resume(notes: AsyncIterable<readonly [note: string, to: string]>): Promise<void> {
    for await (const [note, to] of notes) this.#left.set(note, { from: note.slice(notePrefix.length), to })
    this.goOn()
  }

  /** Starts again after the store has recovered. */
  goOn(): void {
    if (!this.#isRunning) void this.#run()
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Never rejects: what can not be read or written now stays noted. */
  async #run(): Promise<void> {
    this.#isRunning = true
    try {
      while (!this.#isStopped && this.#left.size > 0) await this.#deleteBatch()
    } catch {
      // The store has said what is wrong with it; it calls `goOn` when that is over.
    } finally {
      this.#isRunning = false
    }
  }

  /** One group's worth of deletions, from as many ranges as it takes. */
  async #deleteBatch(): Promise<void> {
    const changes: StoreChange[] = []
    const done: (() => void | Promise<void>)[] = []
    for (const [note, range] of this.#left) {
      const limit = Math.max(1, batchSize - changes.length)
      const keys = await this.#facts.keys({ ...range, limit })
      for (const key of keys) changes.push({ key, value: undefined })
      if (keys.length < limit) {
        changes.push({ key: note, value: undefined })
        done.push(() => {
          this.#left.delete(note)
          return this.#facts.deleted(note.slice(notePrefix.length), range.to)
        })
      } else {
        // A search from the start would walk over all that has been deleted so far.
        done.push(() => {
          range.from = keys.at(-1) ?? range.from
        })
        break
      }
    }
    await new Promise<void>((committed, failed) => this.#facts.write(changes, { committed, failed }))
    for (const each of done) await each()
  }
}
