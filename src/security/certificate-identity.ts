/** Whom a certificate names: TS-0003 10.1 has AE-IDs and CSE-IDs as URIs among its alternative names. */

import { entityOfIdentifier, type OwnIdentity } from '../onem2m/mqtt-mapping.ts'
import type { Principal } from '../onem2m/principal.ts'

const namePrefix = 'certificate:'

/** The URIs of a certificate as Node writes them (`URI://sp/cse/AE`, `DNS:...`), without what makes them URIs. */
export function urisOf(subjectAltName: string | undefined): readonly string[] {
  const uris: string[] = []
  for (const entry of subjectAltName?.split(/,\s*/) ?? []) {
    const uri = /^URI:(?:[a-z][a-z0-9+.-]*:)?(\/\/[^"\s]+)$/i.exec(entry)?.[1]
    if (uri !== undefined) uris.push(uri)
  }
  return uris
}

/** Somebody who may speak for the entities of a certificate, and for what lies behind them; undefined when it names none. */
export function principalOfCertificate(uris: readonly string[], own: OwnIdentity): Principal | undefined {
  const entities = uris.map((uri) => entityOfIdentifier(uri, own)).sort()
  return entities.length === 0 ? undefined : principalFor(entities)
}

/** The principal of a certificate by its name. */
export function principalNamed(name: string): Principal | undefined {
  return name.startsWith(namePrefix) ? principalFor(name.slice(namePrefix.length).split(' ')) : undefined
}

function principalFor(entities: readonly string[]): Principal {
  return {
    name: namePrefix + entities.join(' '),
    isAdministrator: false,
    originators: entities,
    registersOne: false,
    topics: [],
  }
}
