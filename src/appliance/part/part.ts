/** What every part of a gateway is started with, and how it says what undoes its start. */

import type { Clock } from '../../onem2m/clock.ts'
import type { Log } from '../../onem2m/log.ts'
import type { Settings } from '../setting-table.ts'

export interface PartContext {
  readonly settings: Settings
  /** Made when it is not there. */
  readonly dataDirectory: string
  readonly log: Log
  readonly clock: Clock
  /** At least 8 characters out of letters and digits, never the same twice. */
  readonly randomId: () => string
  /** Registers what undoes a start; all are called when the gateway stops, the last one registered first. */
  onStop(stop: () => void | Promise<void>): void
}
