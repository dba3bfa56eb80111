/** The registration of this CSE with another one, as the configuration has it, and where that one is told to reach this one. */

import type { Cse } from '../../cse/cse.ts'
import { Registration } from '../../cse/registration.ts'
import { type ListenAddress, reachableAddresses, writeAddress } from '../listen-address.ts'
import { cseTypes } from './cse.ts'
import type { PartContext } from './part.ts'
import { withoutCredentials } from './point-of-access.ts'
import type { RemoteBrokers } from './remote-broker.ts'

/** Nobody waits for the other CSE: a gateway is ready without. Does nothing where there is none to register with. */
export function startRegistration(
  { settings, log, clock, randomId, onStop }: PartContext,
  cse: Cse,
  brokers: RemoteBrokers,
  http: readonly ListenAddress[],
): void {
  const { registration: remote, cse: own } = settings
  if (remote.cseId === '') return
  const prefix = 'registration:'
  const ownPointOfAccess = () =>
    remote.ownPoa.length > 0 ? remote.ownPoa.map(withoutCredentials) : derive(remote.poa, http)
  if (ownPointOfAccess().length === 0)
    log.warn('the registrar has no way to this CSE: listen beyond loopback, or name one in registration.own_poa', {
      registrar: remote.cseId,
    })
  const registration = new Registration({
    cse,
    own: { cseId: own.id, cseBaseName: own.name, cseType: cseTypes[own.type] },
    settings: {
      remoteCseId: remote.cseId,
      remoteCseBase: remote.cseBase,
      remoteCseType: cseTypes[remote.cseType],
      pointOfAccess: remote.poa.map(withoutCredentials),
      labels: remote.labels,
      intervalMs: remote.intervalMs,
      offsetMs: remote.offsetMs,
      checkMs: remote.checkMs,
    },
    ownPointOfAccess,
    clock,
    log,
    randomId,
    random: Math.random,
    changed: (state) => cse.label(prefix, [`${prefix}${remote.cseId.slice(1)}:${state}`]),
  })
  cse.onRemoteCses(() => registration.check())
  brokers.onUp(() => {
    cse.wake()
    registration.check()
  })
  onStop(() => registration.stop())
  registration.start()
}

/** The broker through which the other CSE is reached leads back as well; for HTTP, where this one listens for others than itself. */
function derive(pointsOfAccess: readonly string[], http: readonly ListenAddress[]): readonly string[] {
  const places = pointsOfAccess.map(withoutCredentials)
  const isAllHere = places.every((url) => /\/\/(?:localhost|127\.|\[::1\])/.test(url))
  const own = (url: string) =>
    url.startsWith('http')
      ? reachableAddresses(http, isAllHere).map((address) => `http://${writeAddress(address)}`)
      : [url]
  return [...new Set(places.flatMap(own))]
}
