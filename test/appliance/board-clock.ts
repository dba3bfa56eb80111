/** The clocks of a board that somebody sets, and a gateway's view of them. */

import { GatewayClock } from '../../src/appliance/gateway-clock.ts'
import type { Calendar } from '../../src/onem2m/clock.ts'
import type { Log } from '../../src/onem2m/log.ts'
import type { Store } from '../../src/store/store.ts'
import { ManualClock } from '../bindings/fixture.ts'

export const minuteMs = 60_000
export const dayMs = 86_400_000
/** When most of the tests take place. */
export const todayMs = Date.UTC(2026, 10, 23, 12)

export class BoardClock extends ManualClock {
  #aheadMs: number

  constructor(wallMs = todayMs) {
    super()
    this.#aheadMs = wallMs
  }

  override wallMs(): number {
    return this.monotonicMs() + this.#aheadMs
  }

  set(wallMs: number): void {
    this.#aheadMs = wallMs - this.monotonicMs()
  }
}

/** A gateway's clock that tests move: the board's by hand, its own by what it makes of that. */
export class MovedGatewayClock extends ManualClock {
  readonly board: BoardClock
  readonly #gateway: GatewayClock

  constructor(board: BoardClock, store: Store, log: Log) {
    super()
    this.board = board
    this.#gateway = new GatewayClock(board)
    this.#gateway.start(store, log)
  }

  get calendar(): Calendar {
    return this.#gateway
  }

  override monotonicMs(): number {
    return this.board.monotonicMs()
  }

  override wallMs(): number {
    return this.#gateway.wallMs()
  }

  override after(delayMs: number, call: () => void): { cancel(): void } {
    return this.board.after(delayMs, call)
  }

  override advance(ms: number): void {
    this.board.advance(ms)
  }

  /** Has the board's clock set, and lets the gateway notice. */
  set(wallMs: number): void {
    this.board.set(wallMs)
    this.wallMs()
    this.advance(0)
  }
}
