/** Which ways into a gateway are open: those on this machine always, those on the network when it is provisioned. */

import { existsSync } from 'node:fs'
import { readAccounts } from '../../security/account-book.ts'
import { TlsIdentity } from '../../security/tls-identity.ts'
import { expandAddresses, isLoopback, type ListenAddress, writeAddress } from '../listen-address.ts'
import { securityFilesIn } from '../state/security-directory.ts'
import type { PartContext } from './part.ts'

export interface Doors {
  readonly mqtt: readonly ListenAddress[]
  readonly mqttTls: readonly ListenAddress[]
  readonly webSocket: readonly ListenAddress[]
  readonly webSocketTls: readonly ListenAddress[]
  readonly http: readonly ListenAddress[]
  readonly httpTls: readonly ListenAddress[]
  /** Undefined where there is no certificate; then nothing listens with TLS. */
  readonly tls: TlsIdentity | undefined
}

/** Throws the system's error when a certificate that the configuration names can't be read. */
export function createDoors(context: PartContext): Doors {
  const { mqtt, http } = context.settings
  const tls = createTls(context)
  const mayOpen = isProvisioned(context)
  const closed: string[] = []
  const open = (texts: readonly string[]) => {
    const addresses = expandAddresses(texts)
    const shown = addresses.filter(({ host }) => mayOpen || isLoopback(host))
    closed.push(...addresses.filter((address) => !shown.includes(address)).map(writeAddress))
    return shown
  }
  const doors = { mqtt: open(mqtt.listen), webSocket: open(mqtt.websocketListen), http: open(http.listen) }
  if (closed.length > 0)
    context.log.warn(
      'does not listen on the network: nobody has an account yet; run fieldgate provision, or set security.allow_anonymous in a closed test network',
      { closed },
    )
  warnOfPlainDoors(context, [...doors.mqtt, ...doors.webSocket, ...doors.http])
  const openTls = (texts: readonly string[]) => (tls === undefined ? [] : open(texts))
  return {
    ...doors,
    mqttTls: openTls(mqtt.tlsListen),
    webSocketTls: openTls(mqtt.websocketTlsListen),
    httpTls: openTls(http.tlsListen),
    tls,
  }
}

/** Somebody has an account, or a certificate says who somebody is, or nobody needs either. */
function isProvisioned({ settings, dataDirectory }: PartContext): boolean {
  const { allowAnonymous, certificate } = settings.security
  return allowAnonymous || certificate !== '' || readAccounts(securityFilesIn(dataDirectory).accounts).length > 0
}

function createTls({ settings, dataDirectory, log }: PartContext): TlsIdentity | undefined {
  const { certificate, key, clientAuthority, clientCertificates } = settings.security
  const files = securityFilesIn(dataDirectory)
  if (certificate === '' && !existsSync(files.server)) return undefined
  return new TlsIdentity({
    files: {
      certificate: certificate === '' ? files.server : certificate,
      key: key === '' ? files.serverKey : key,
      clientAuthority:
        clientAuthority === '' && existsSync(files.authority) ? files.authority : clientAuthority || certificate,
      revoked: files.revoked,
    },
    clientCertificates,
    log,
  })
}

function warnOfPlainDoors({ log }: PartContext, addresses: readonly ListenAddress[]): void {
  const plain = addresses.filter(({ host }) => !isLoopback(host)).map(writeAddress)
  if (plain.length > 0)
    log.warn('listens on the network without TLS: passwords and values can be read on their way', { plain })
}
