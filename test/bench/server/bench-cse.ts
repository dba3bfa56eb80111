/** The CSE of the sides that put their parts together themselves: on a store of its own, with the settings that a gateway has by default. */

import { readConfiguration } from '../../../src/appliance/configuration.ts'
import { startCse } from '../../../src/appliance/part/cse.ts'
import { createRandomId } from '../../../src/appliance/random-id.ts'
import { systemClock } from '../../../src/appliance/system-clock.ts'
import type { Cse } from '../../../src/cse/cse.ts'
import type { Log } from '../../../src/onem2m/log.ts'
import type { Database } from '../../../src/store/database.ts'
import { LevelStore } from '../../../src/store/level-store.ts'

export const own = { cseId: '/mn-cse-1', spId: '//openmtc.org' }

export const log: Log = { debug() {}, info() {}, warn: console.warn, error: console.error }

export interface BenchCse {
  readonly store: LevelStore
  readonly cse: Cse
}

export async function startBenchCse(
  directory: string,
  open?: (directory: string) => Promise<Database>,
): Promise<BenchCse> {
  const clock = systemClock
  const store = new LevelStore({ directory, durability: 'power-cut', log, clock, ...(open ? { open } : {}) })
  await store.start()
  const { settings } = readConfiguration({ adapters: [] })
  const context = { settings, dataDirectory: directory, log, clock, randomId: createRandomId(), onStop() {} }
  return { store, cse: await startCse(context, store) }
}

/** What a side says when it serves: the line that its starter waits for. */
export function sayReady(mqttPort: number, httpPort = 0): void {
  const ready = { message: 'ready', mqtt: [`127.0.0.1:${mqttPort}`], http: [`127.0.0.1:${httpPort}`] }
  process.stderr.write(`${JSON.stringify(ready)}\n`)
}
