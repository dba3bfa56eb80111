/** How long the CSE works at a stretch: whoever goes through many resources lets others in between. */

/** Resources looked at before others are let in: some tens of microseconds, up to a millisecond where each is matched. */
export const stretch = 1000

/** Resolves when what has arrived meanwhile was served. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
