/** What of a resource is announced, and where: TS-0001 9.6.26, TS-0004 7.3.3.10 and 7.3.3.11. */

import type { Json } from '../onem2m/content.ts'
import type { ResourceView } from '../resources/behaviour.ts'
import { encodeAttributes } from '../resources/resource-type.ts'

/** Identifiers that mean nothing at another CSE until they name this one. */
const references: ReadonlySet<string> = new Set([
  'accessControlPolicyIds',
  'dynamicAuthorizationConsultationIds',
  'nodeLink',
  'hostedCseLink',
  'hostedAeLinks',
  'memberIds',
  'membersAccessControlPolicyIds',
])
/** Announced though they are optional: by what a resource is found, and what bounds what an announced container keeps. */
const always: ReadonlySet<string> = new Set(['labels', 'maxNrOfInstances', 'maxByteSize'])

/** Announced of an AE of the whole service provider: who it is. */
const identity: ReadonlySet<string> = new Set(['aeId', 'appId'])
/** What `lnk` is while an AE of the whole service provider is registered nowhere. */
const inactive = 'INACTIVE'

/** Whether a resource is an AE whose identifier counts for the whole service provider: the IN-CSE knows where it is. TS-0001 10.2.2.2. */
export function isServiceWide({ definition, resourceIdentifier }: ResourceView): boolean {
  return definition.type === 2 && resourceIdentifier.startsWith('S')
}

/** What such an AE leaves behind at the IN-CSE, where it may be registered again from elsewhere. */
export const withdrawn = { 'm2m:aeA': { lnk: inactive } } as const

/** The entries of announceTo. */
export function announceTargets(resource: ResourceView): readonly string[] {
  return (resource.stored['announceTo'] as readonly string[] | undefined) ?? []
}

/** The CSE-ID in an entry of announceTo, which is a CSE-ID, a place at a CSE, or an announced resource there; undefined for what is none. */
export function cseOfEntry(entry: string): string | undefined {
  return /^(?:\/\/[\w.-]+)?(\/[\w.~-]+)(?:\/|$)/.exec(entry)?.[1]
}

/** The attributes of the announced resource in wire form: what must be announced, and what announcedAttribute names of the rest. */
export function announcedWire(resource: ResourceView, cseId: string): Readonly<Record<string, Json>> {
  const { definition } = resource
  const { attributes } = resource
  const asked = new Set((attributes['announcedAttribute'] as readonly string[] | undefined) ?? [])
  const shown: Record<string, unknown> = {}
  const names = new Set<string>()
  for (const [name, { short, announce }] of definition.table) {
    const value = attributes[name]
    const isShown =
      announce === 'MA' ||
      (announce === 'OA' && (always.has(name) || asked.has(short) || asked.has(name))) ||
      (isServiceWide(resource) && identity.has(name))
    if (!isShown || value === undefined) continue
    names.add(name)
    shown[name] = references.has(name) ? absolute(value, cseId) : value
  }
  return { lnk: `${cseId}/${resource.resourceIdentifier}`, ...encodeAttributes(definition, shown, names) }
}

function absolute(value: unknown, cseId: string): unknown {
  if (Array.isArray(value)) return value.map((item) => absolute(item, cseId))
  return typeof value === 'string' && !value.startsWith('/') ? `${cseId}/${value}` : value
}
