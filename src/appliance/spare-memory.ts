/** How a gateway gives back the memory that its start, or a storm, needed and calm does not: V8 would keep it for as long as nothing asks for more. */

import type { Clock } from '../onem2m/clock.ts'

/** What V8 offers to a process that was started with `--expose-gc`, as the binaries are. */
export type CollectGarbage = (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void

export interface SpareMemoryFacts {
  readonly clock: Clock
  /** Undefined in a process that can't; then nothing is done. */
  readonly collectGarbage: CollectGarbage | undefined
  /** Bytes. */
  residentMemory(): number
  /** Microseconds of this process, since it began. */
  usedTime(): number
}

/** After the first connections of a start, which come at once. */
const afterStartMs = 1000
/** What makes a pause of 50 ms worth its while. */
const worthwhileBytes = 32 * 1_048_576
/** The part of a core that a calm gateway uses at most. */
const calmLoad = 0.1

export class SpareMemory {
  readonly #facts: SpareMemoryFacts
  /** What was resident after the last time. */
  #residentBytes = Number.POSITIVE_INFINITY
  #lookedMs = Number.NEGATIVE_INFINITY
  #usedMicroseconds = 0

  constructor(facts: SpareMemoryFacts) {
    this.#facts = facts
  }

  /** Gives back what the start has left: 7 MiB of code and objects on a gateway with 1,000 resources. */
  start(): void {
    this.#facts.clock.after(afterStartMs, () => this.#release())
  }

  /** Asked now and then, gives back what has come since the last time, when that is much and the gateway has been calm since it was asked last. */
  look(): void {
    const { clock, residentMemory, usedTime } = this.#facts
    const nowMs = clock.monotonicMs()
    const usedMicroseconds = usedTime()
    const load = (usedMicroseconds - this.#usedMicroseconds) / 1000 / (nowMs - this.#lookedMs)
    this.#lookedMs = nowMs
    this.#usedMicroseconds = usedMicroseconds
    if (load <= calmLoad && residentMemory() - this.#residentBytes >= worthwhileBytes) this.#release()
  }

  #release(): void {
    const { collectGarbage, residentMemory } = this.#facts
    if (collectGarbage === undefined) return
    collectGarbage({ type: 'major', flavor: 'last-resort' })
    this.#residentBytes = residentMemory()
  }
}
