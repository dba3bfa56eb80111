/** Message identifiers, of which there are 65,535: a few as numbers, many as bits, so that however many a client uses take 8 KiB. */

const mostNumbers = 200

export class IdentifierSet {
  #numbers: Set<number> | undefined
  #bits: Uint8Array | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  has(identifier: number): boolean {
    if (this.#bits === undefined) return this.#numbers?.has(identifier) === true
    return ((this.#bits[identifier >> 3] as number) & maskOf(identifier)) !== 0
  }

  add(identifier: number): void {
    if (this.has(identifier)) return
    this.#size++
    if (this.#bits !== undefined) (this.#bits[identifier >> 3] as number) |= maskOf(identifier)
    else {
      this.#numbers ??= new Set()
      this.#numbers.add(identifier)
      if (this.#size > mostNumbers) this.#useBits(this.#numbers)
    }
  }

  /** Whether it was there. */
  delete(identifier: number): boolean {
    if (!this.has(identifier)) return false
    this.#size--
    this.#numbers?.delete(identifier)
    if (this.#bits !== undefined) (this.#bits[identifier >> 3] as number) &= ~maskOf(identifier)
    if (this.#size === 0) this.#numbers = this.#bits = undefined
    return true
  }

  *[Symbol.iterator](): Generator<number, void> {
    if (this.#numbers !== undefined) yield* this.#numbers
    if (this.#bits !== undefined) for (let each = 1; each <= 65_535; each++) if (this.has(each)) yield each
  }

  #useBits(numbers: ReadonlySet<number>): void {
    this.#bits = new Uint8Array(8192)
    for (const each of numbers) (this.#bits[each >> 3] as number) |= maskOf(each)
    this.#numbers = undefined
  }
}

function maskOf(identifier: number): number {
  return 1 << (identifier & 7)
}
