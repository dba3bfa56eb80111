/** Packets that have come in part, of all connections together: what they may take, and whose is given up when they take more. */

interface Holder {
  /** Its packet is not waited for any longer. */
  giveUp(): void
}

export class Unfinished {
  readonly #maxBytes: number
  /** Whose has been coming longest first. */
  readonly #held = new Map<Holder, number>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** So many bytes are held for somebody now; `isNew` when they are the beginning of another packet than before. */
  hold(holder: Holder, bytes: number, isNew: boolean): void {
    this.#bytes += bytes - (this.#held.get(holder) ?? 0)
    if (isNew || bytes === 0) this.#held.delete(holder)
    if (bytes > 0) this.#held.set(holder, bytes)
    for (const longest of this.#held.keys()) {
      if (this.#bytes <= this.#maxBytes) return
      this.hold(longest, 0, false)
      longest.giveUp()
    }
  }
}
