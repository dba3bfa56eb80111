/**
 * The face of the one database: point reads that see everything written so far, scans, and writes that join a commit group.
 * Nobody outside this folder knows that LevelDB is behind it.
 */

/** What a key holds: text (UTF-8) or bytes. */
export type StoreValue = string | Uint8Array

/**
 * One change of one key. `undefined` deletes the key. A function is called once, when its group closes, so that a counter
 * that moves a hundred times within a group is written once; it must return the state as it is in memory at that moment.
 * (Whoever reads the key before that has it called as well: it must not change anything.) Bytes belong to the store from now on.
 */
export interface StoreChange {
  /** Well-formed text, not empty; keys are ordered by their UTF-8 bytes. */
  readonly key: string
  readonly value: StoreValue | (() => StoreValue) | undefined
}

/** Who waits for a commit group. Exactly one of the two is called, exactly once. */
export interface CommitParticipant {
  /** The group is on the disk (durability "power-cut") or handed to the operating system ("process"). */
  committed(): void
  /** The group did not reach the disk. Called after `undo` of every participant of every group that was lost with it. */
  failed(error: StoreError): void
  /** Takes back what this participant changed in memory. Called in the reverse order of joining, before any `failed`. */
  undo?(): void
}

export interface WriteOptions {
  /** The group may wait up to this long for company (card wear against the last moments before a power cut). 0 by default. */
  readonly patienceMs?: number
  /** It frees more than it takes, sooner or later: a full disk still takes it, out of the reserve, because nothing else would help. */
  readonly makesRoom?: boolean
}

export interface ScanRange {
  /** First key, inclusive. */
  readonly from: string
  /** Key after the last one, exclusive. */
  readonly to: string
  readonly reverse?: boolean
  readonly limit?: number
}

export type StoreErrorReason = 'full' | 'damaged' | 'io' | 'closed' | 'locked'

/** A group that could not be stored, or a key that could not be read: the disk is full, the device failed, the store is closed. */
export class StoreError extends Error {
  readonly reason: StoreErrorReason

  constructor(reason: StoreErrorReason, text: string, cause?: unknown) {
    super(text, { cause })
    this.name = 'StoreError'
    this.reason = reason
  }
}

export interface Store {
  /**
   * Text of a key as of the last `write`, committed or not; undefined when it has none. Synchronous: about 1-4 us, no promise.
   * Throws StoreError `damaged` or `io` when the disk does not give it, also for the moment in which a store that failed is reopened.
   */
  getText(key: string): string | undefined
  getBytes(key: string): Uint8Array | undefined
  /**
   * Keys and texts of a range in key order, as of this call, uncommitted writes included. Has to be iterated, to the end or not: it holds a
   * snapshot until then. Throws StoreError as `getText` does.
   */
  scanText(range: ScanRange): AsyncIterable<readonly [key: string, text: string]>
  scanBytes(range: ScanRange): AsyncIterable<readonly [key: string, bytes: Uint8Array]>
  /**
   * Joins the open commit group; within a group the last change of a key wins. Never throws: a closed or failed store calls `undo` and
   * `failed` before this returns.
   */
  write(changes: readonly StoreChange[], participant?: CommitParticipant, options?: WriteOptions): void
  /**
   * Deletes a range in the background, in small batches, resumed after a restart. The keys must never be used again. Joins the open group:
   * called in the same turn as the `write` that makes the range unneeded, it is kept or lost together with it.
   */
  discardRange(from: string, to: string): void
  /** True while writers should hold back: more is waiting than the bound for one group. */
  readonly isCongested: boolean
}
