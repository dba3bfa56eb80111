/** The CSE of a gateway: its settings, and what happens when the store turns out to be damaged. */

import { originatorOf } from '../../adapters/adapter-host.ts'
import { adapters } from '../../adapters/index.ts'
import { Cse } from '../../cse/cse.ts'
import { resourceTypes } from '../../resources/index.ts'
import type { LevelStore } from '../../store/level-store.ts'
import { StoreError } from '../../store/store.ts'
import { expandAddresses, writeAddress } from '../listen-address.ts'
import type { Settings } from '../setting-table.ts'
import type { PartContext } from './part.ts'
import { withoutCredentials } from './point-of-access.ts'

export const cseTypes = { IN: 1, MN: 2 } as const

/** A store that opens and turns out to be damaged while the tree is read is set aside, and what can be saved of it is read instead. */
export async function startCse(context: PartContext, store: LevelStore): Promise<Cse> {
  let cse = createCse(context, store)
  try {
    await cse.start()
  } catch (error) {
    cse.stop()
    if (!(error instanceof StoreError) || error.reason !== 'damaged') throw error
    await store.restartSalvaged()
    cse = createCse(context, store)
    await cse.start()
  }
  context.onStop(() => cse.stop())
  return cse
}

function createCse({ settings, log, clock, randomId }: PartContext, store: LevelStore): Cse {
  const { cse, registration, access, security, notification } = settings
  return new Cse({
    store,
    clock,
    log,
    randomId,
    resourceTypes,
    settings: {
      cseId: cse.id,
      cseBaseName: cse.name,
      spId: cse.spId,
      cseType: cseTypes[cse.type],
      pointOfAccess: pointsOfAccess(settings),
      forwardTimeoutMs: cse.forwardTimeoutMs,
      ...(registration.cseId === '' ? {} : { registrarCseId: registration.cseId }),
      defaultLifetimeSeconds: Math.round(cse.defaultLifetimeMs / 1000),
      maxLifetimeSeconds: Math.round(cse.maxLifetimeMs / 1000),
      maxResources: cse.maxResources,
      maxResults: cse.maxResults,
      unprotected: access.unprotected,
      administrators: security.administrators,
      reservedOriginators: adapters.map(originatorOf),
      notification,
    },
  })
}

/** Where this CSE can be reached, the broker first. */
function pointsOfAccess({ mqtt, brokers, http }: Settings): readonly string[] {
  const points = (scheme: string, listen: readonly string[]) =>
    expandAddresses(listen).map((address) => `${scheme}://${writeAddress(address)}`)
  return [
    ...points('mqtt', mqtt.listen),
    ...brokers.urls.map(withoutCredentials),
    ...points('http', http.listen),
    ...(http.websocket ? points('ws', http.listen) : []),
  ]
}
