/** When systemd hears that the gateway is alive: after a check of the whole way that data takes, and at no other time. */

import type { Clock, Timer } from '../../onem2m/clock.ts'
import type { Log } from '../../onem2m/log.ts'
import type { ServiceManager } from './service-manager.ts'

export interface WatchdogOptions {
  readonly manager: ServiceManager
  /** Resolves with a remark for the status line when the gateway works; rejects with what does not. */
  readonly check: () => Promise<string>
  /** What the gateway does besides, for the status line. */
  readonly describe: () => string
  readonly clock: Clock
  readonly log: Log
}

/** Three checks fit into the time after which systemd gives up: one may fail, and one may be late. */
const checksPerPeriod = 3

/** Without a watchdog only the status line is sent, once. */
export class Watchdog {
  readonly #options: WatchdogOptions
  #timer: Timer | undefined
  #isStopped = false

  constructor(options: WatchdogOptions) {
    this.#options = options
  }

  /** Says that the gateway is ready, and begins to check. */
  start(): void {
    const { manager, describe } = this.#options
    manager.tell('READY=1', `STATUS=${describe()}`)
    this.#schedule()
  }

  /** Says that the gateway stops; no check is begun after that. May be called twice. */
  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#timer?.cancel()
    this.#options.manager.tell('STOPPING=1', 'STATUS=stopping')
  }

  #schedule(): void {
    const { manager, clock } = this.#options
    if (this.#isStopped || manager.watchdogMs === undefined) return
    this.#timer = clock.after(manager.watchdogMs / checksPerPeriod, () => {
      void this.#check().then(() => this.#schedule())
    })
  }

  /** A check that never ends is never followed by another: that is what the watchdog is for. */
  async #check(): Promise<void> {
    const { manager, check, describe, log } = this.#options
    try {
      const remark = await check()
      if (!this.#isStopped) manager.tell('WATCHDOG=1', `STATUS=${describe()}; ${remark}`)
    } catch (error) {
      log.error('the self-check failed: systemd will start the gateway again unless the next one succeeds', { error })
      if (!this.#isStopped) manager.tell(`STATUS=the self-check failed: ${String(error)}`)
    }
  }
}
