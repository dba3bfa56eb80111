/**
 * What Node is told in the binaries: baked in, as it is in effect wherever the file is started; NODE_OPTIONS may add to it. What the first two do to
 * memory is measured in docs/performance.md; the third lets the gateway give back what its start needed.
 */
export const runtimeFlags = ['--max-semi-space-size=4', '--heap-growing-percent=30', '--expose-gc'] as const
