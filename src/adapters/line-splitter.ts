/** Lines out of chunks of bytes, whatever ends them; one that never ends is dropped and not kept. */

const maxLineBytes = 65_536

export class LineSplitter {
  readonly #onLine: (line: string) => void
  readonly #onOverflow: () => void
  #rest: Buffer = Buffer.alloc(0)
  #isOverflowing = false

  /** `onOverflow` is called when a line is longer than 64 KiB; its rest is dropped up to its end. */
  constructor(onLine: (line: string) => void, onOverflow: () => void) {
    this.#onLine = onLine
    this.#onOverflow = onOverflow
  }

  push(chunk: Buffer): void {
    let from = 0
    for (let end = indexOfEnd(chunk, from); end >= 0; end = indexOfEnd(chunk, from)) {
      const line = Buffer.concat([this.#rest, chunk.subarray(from, end)])
      this.#rest = Buffer.alloc(0)
      from = end + 1
      if (this.#isOverflowing) this.#isOverflowing = false
      else if (line.length > 0) this.#onLine(line.toString('utf8'))
    }
    if (this.#isOverflowing) return
    // Copied: the chunk belongs to whoever read it.
    this.#rest = Buffer.concat([this.#rest, chunk.subarray(from)])
    if (this.#rest.length <= maxLineBytes) return
    this.#rest = Buffer.alloc(0)
    this.#isOverflowing = true
    this.#onOverflow()
  }
}

/** CR, LF, or both: an empty line between them is none. */
function indexOfEnd(chunk: Buffer, from: number): number {
  const feed = chunk.indexOf(10, from)
  const carriage = chunk.indexOf(13, from)
  if (feed < 0 || carriage < 0) return Math.max(feed, carriage)
  return Math.min(feed, carriage)
}
