/**
 * What one request changes, from its first change in memory to its answer: the changes for the disk, how to take each back, and what is to
 * happen once they are stored. It is the participant of the commit group, so that a request costs one object and no promise.
 */

import type { CommitParticipant, Store, StoreChange, StoreError } from '../store/store.ts'

export class Transaction implements CommitParticipant {
  readonly changes: StoreChange[] = []
  /** Ranges of keys that the changes leave without an owner: noted in the same group, so that no crash between the two leaks them. */
  readonly discards: (readonly [from: string, to: string])[] = []
  /** It removes things: a full disk still takes it. */
  makesRoom = false
  readonly #undos: (() => void)[] = []
  readonly #afterCommit: (() => void)[] = []
  #settled: ((error: StoreError | undefined) => void) | undefined

  /** Registers how to take back the change in memory that was just made. */
  onUndo(undo: () => void): void {
    this.#undos.push(undo)
  }

  /** Registers what follows once the change is on the disk: notifications, timers. */
  afterCommit(action: () => void): void {
    this.#afterCommit.push(action)
  }

  /** Joins the open commit group; `settled` is called once the group is on the disk, or undone and lost. */
  commit(store: Store, patienceMs: number | undefined, settled: (error: StoreError | undefined) => void): void {
    this.#settled = settled
    if (this.makesRoom) store.write(this.changes, this, { makesRoom: true })
    else store.write(this.changes, this, patienceMs === undefined ? undefined : { patienceMs })
    for (const [from, to] of this.discards) store.discardRange(from, to)
  }

  undo(): void {
    for (let index = this.#undos.length - 1; index >= 0; index--) this.#undos[index]?.()
    this.#undos.length = 0
  }

  /** The response goes first, the notifications follow it. */
  committed(): void {
    this.#settled?.(undefined)
    for (const action of this.#afterCommit) action()
  }

  failed(error: StoreError): void {
    this.#settled?.(error)
  }
}
