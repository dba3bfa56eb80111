/** The CSE of the sides that put one together themselves: on a store of its own, with the settings of a gateway. */

import { createRandomId } from '../../../src/appliance/random-id.ts'
import { systemClock } from '../../../src/appliance/system-clock.ts'
import { Cse } from '../../../src/cse/cse.ts'
import type { Log } from '../../../src/onem2m/log.ts'
import { resourceTypes } from '../../../src/resources/index.ts'
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
  const store = new LevelStore({
    directory,
    durability: 'power-cut',
    log,
    clock: systemClock,
    ...(open ? { open } : {}),
  })
  await store.start()
  const cse = new Cse({
    store,
    clock: systemClock,
    log,
    randomId: createRandomId(),
    resourceTypes,
    settings: {
      ...own,
      cseBaseName: 'onem2m',
      cseType: 2,
      pointOfAccess: [],
      defaultLifetimeSeconds: 31_536_000,
      maxLifetimeSeconds: 315_360_000,
      maxResources: 200_000,
      maxResults: 10_000,
      unprotected: 'read',
      administrators: [],
      reservedOriginators: [],
      notification: { maxQueued: 1000, maxInFlight: 16, timeoutMs: 10_000, maxTries: 5 },
    },
  })
  await cse.start()
  return { store, cse }
}

/** What a side says when it serves: the line that its starter waits for. */
export function sayReady(mqttPort: number, httpPort = 0): void {
  const ready = { message: 'ready', mqtt: [`127.0.0.1:${mqttPort}`], http: [`127.0.0.1:${httpPort}`] }
  process.stderr.write(`${JSON.stringify(ready)}\n`)
}
