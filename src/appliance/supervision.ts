/** Whether somebody watches over this process, and what the watcher is told of a gateway. Costs nothing where nobody does. */

import type { Clock } from '../onem2m/clock.ts'
import type { Log } from '../onem2m/log.ts'
import type { Gateway, GatewayAddresses } from './gateway.ts'
import type { SpareMemory } from './spare-memory.ts'
import type { Watchdog } from './systemd/watchdog.ts'

export interface SupervisionOptions {
  readonly gateway: Gateway
  readonly addresses: GatewayAddresses
  readonly memory: SpareMemory
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly log: Log
}

/** To be called when the gateway listens. Resolves with undefined where no service manager wants to be told. */
export async function startSupervision(options: SupervisionOptions): Promise<Watchdog | undefined> {
  const { gateway, addresses, environment, memory, clock, log } = options
  if (!environment['NOTIFY_SOCKET']) return undefined
  const [{ findServiceManager }, { Watchdog }] = await Promise.all([
    import('./systemd/service-manager.ts'),
    import('./systemd/watchdog.ts'),
  ])
  const manager = findServiceManager(environment, process.pid)
  if (!manager) return undefined
  const describe = () => `listens on ${[...addresses.mqtt, ...addresses.http].join(', ')}`
  const check = () => {
    // The process is awake anyhow.
    memory.look()
    return gateway.check()
  }
  const watchdog = new Watchdog({ manager, check, describe, clock, log })
  watchdog.start()
  return watchdog
}
