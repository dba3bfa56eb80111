/** Who is who on every way into a gateway: one authority, and how the broker and the HTTP binding ask it. */

import { watch } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { contextOf } from '../../bindings/connection-context.ts'
import type { Identified } from '../../bindings/http.ts'
import type { Broker, BrokerAuthority } from '../../broker/broker.ts'
import { matchesFilter } from '../../broker/filter-tree.ts'
import type { Cse } from '../../cse/cse.ts'
import { Authority, type Credentials } from '../../security/authority.ts'
import { urisOf } from '../../security/certificate-identity.ts'
import type { TlsIdentity } from '../../security/tls-identity.ts'
import { makeSecurityDirectory, securityFilesIn } from '../state/security-directory.ts'
import type { Doors } from './door.ts'
import type { PartContext } from './part.ts'

export function createAuthority({ settings, dataDirectory, clock, log }: PartContext, cse: Cse): Authority {
  return new Authority({
    accountFile: securityFilesIn(dataDirectory).accounts,
    own: { cseId: settings.cse.id, spId: settings.cse.spId },
    allowsAnonymous: settings.security.allowAnonymous,
    clock,
    log,
    mayUse: (principal, entity) => cse.mayUse(entity, { source: 'network', ...(principal ? { principal } : {}) }),
    mayRegister: (principal, entity) => cse.mayRegister(entity, { source: 'network', principal }),
    matches: matchesFilter,
  })
}

/** Who comes in, and through which doors. */
export interface Security {
  readonly authority: Authority
  readonly doors: Doors
}

/** Takes notice of accounts and certificates as they are changed: whoever is gone, is gone at once. */
export function watchSecurity(
  { dataDirectory, onStop, log }: PartContext,
  authority: Authority,
  tls: TlsIdentity | undefined,
): void {
  const files = securityFilesIn(dataDirectory)
  makeSecurityDirectory(files)
  const watcher = watch(files.directory, { persistent: false }, () => {
    authority.refresh()
    tls?.reload()
  })
  // Where nothing can be watched, accounts are looked at when somebody comes.
  watcher.on('error', (error) => log.debug('security: accounts are not watched', { reason: error.message }))
  onStop(() => watcher.close())
}

/** Has the broker look again at who may hear what, when accounts or registrations are others, and show how many spoke for somebody else. */
export function watchRights(authority: Authority, cse: Cse, broker: Broker): void {
  authority.start((areAccountsOthers) =>
    broker.reconsider(areAccountsOthers ? (principal) => authority.isOutdated(principal) : undefined),
  )
  cse.onRegistrants(() => broker.reconsider())
  broker.showBounds(() => ({ impostors: cse.statistics.impostors }))
}

export function brokerAuthority(authority: Authority): BrokerAuthority {
  return {
    authenticate(attempt, decided) {
      const { clientId, username, certificateUris, isLocal } = attempt
      const decide: typeof decided = (verdict) => {
        const isMeant = 'returnCode' in verdict || authority.mayBeCalled(verdict.principal, clientId)
        decided(isMeant ? verdict : { returnCode: 2, reason: 'its client identifier names somebody else' })
      }
      // Nothing to look up, nothing to wait for.
      if (username === undefined && certificateUris.length === 0 && authority.admitsNobody(isLocal)) {
        decide({ principal: undefined })
        return
      }
      authority.identify(attempt).then((found) => {
        if ('principal' in found) decide(found)
        else decide({ returnCode: found.isSecretWrong ? 4 : 5, reason: found.refusal })
      })
    },
    mayPublish: (principal, topic) => authority.mayPublish(principal, topic),
    mayReceive: (owner, topic) => authority.mayReceive(owner, topic),
  }
}

/** Who sends an HTTP request: TS-0009 leaves that to HTTP, which has Basic and Bearer, and to TLS. */
export function identifyRequest(authority: Authority, incoming: IncomingMessage): Identified | Promise<Identified> {
  const { headers, socket } = incoming
  const context = contextOf(socket)
  const isLocal = context.source === 'local'
  const certificateUris = certificateUrisOf(socket)
  const { authorization } = headers
  if (authorization === undefined && certificateUris.length === 0 && authority.admitsNobody(isLocal)) return { context }
  const { remoteAddress = '' } = context
  const shown = readAuthorization(authorization)
  return authority.identify({ ...shown, certificateUris, remoteAddress, isLocal }).then((found) => {
    if ('refusal' in found) return found
    return { context: found.principal === undefined ? context : { ...context, principal: found.principal } }
  })
}

/** Of a client certificate that was asked for and is good. */
export function certificateUrisOf(socket: object): readonly string[] {
  const { authorized, getPeerCertificate } = socket as Partial<TLSSocket>
  if (authorized !== true || getPeerCertificate === undefined) return []
  return urisOf((socket as TLSSocket).getPeerCertificate().subjectaltname)
}

function readAuthorization(text: string | undefined): Pick<Credentials, 'username' | 'password' | 'token'> {
  const [, scheme = '', value = ''] = /^(\w+) +(\S+) *$/.exec(text ?? '') ?? []
  if (scheme.toLowerCase() === 'bearer') return { token: value }
  if (scheme.toLowerCase() !== 'basic') return text === undefined ? {} : { token: '' }
  const [username = '', ...rest] = Buffer.from(value, 'base64').toString('utf8').split(':')
  return { username, password: rest.join(':') }
}
