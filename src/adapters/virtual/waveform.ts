/** Values between 0 and 1 that move as readings of real things do, and chance that repeats itself. */

/** A source of numbers from 0 up to 1; the same seed gives the same ones (mulberry32). */
export function createChance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A value from 0 to 1 at a place in the cycle, from 0 up to 1, by the name of the point. */
export const waveforms = {
  constant: () => 0.5,
  ramp: (place) => place,
  sine: (place) => 0.5 + Math.sin(2 * Math.PI * place) / 2,
  square: (place) => (place < 0.5 ? 0 : 1),
} as const satisfies Readonly<Record<string, (place: number) => number>>

/** The largest step of a walk. */
const stride = 0.05

/** A value that drifts from call to call, and turns back where it would leave the range from 0 to 1. */
export function createWalk(chance: () => number): () => number {
  let value = chance()
  return () => {
    const step = (chance() * 2 - 1) * stride
    value = value + step < 0 || value + step > 1 ? value - step : value + step
    return value
  }
}
