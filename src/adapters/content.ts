/** The resources of adapters in wire form: the one place of this folder where attributes have short names (TS-0004 8.2.3). */

import type { Json, JsonObject } from '../onem2m/content.ts'
import { formatExactTimestamp } from '../onem2m/timestamp.ts'
import type { Module } from './module.ts'

export interface Retention {
  readonly maxNrOfInstances: number
  readonly maxByteSize: number
  readonly maxInstanceAgeSeconds: number
}

/** A resource, as it is created and as one that exists is updated. */
export interface Body {
  readonly resourceType: number
  readonly create: JsonObject
  readonly update: JsonObject
  /** An update that also asks for the expiration time of a new resource: `et` is deleted, and the CSE sets it anew. */
  readonly renewal: JsonObject
}

/** Below an AE: addresses of the policies that protect a resource in place of the CSE's defaults. */
type Policies = readonly string[] | undefined

function body(resourceType: number, member: string, fixed: JsonObject, variable: JsonObject): Body {
  return {
    resourceType,
    create: { [member]: { ...fixed, ...variable } },
    update: { [member]: variable },
    renewal: { [member]: { ...variable, et: null } },
  }
}

/** An AE that can not be sent requests. */
export function applicationEntity(name: string): Body {
  const fixed = { rn: name, api: `Norg.fieldgate.${name}`, srv: ['3'] }
  return body(2, 'm2m:ae', fixed, { rr: false, lbl: [`adapter:${name}`] })
}

/** A container; without a retention, one that only holds others. */
export function container(name: string, labels: readonly string[], retention?: Retention, policies?: Policies): Body {
  const fixed = { rn: name, ...protectedBy(policies) }
  return body(3, 'm2m:cnt', fixed, { ...limits(retention), ...labelled(labels) })
}

export function timeSeries(name: string, labels: readonly string[], retention: Retention, intervalMs: number): Body {
  const interval = { pei: Math.max(1, Math.round(intervalMs)), peid: Math.floor(intervalMs / 2) }
  return body(29, 'm2m:ts', { rn: name }, { ...limits(retention), ...labelled(labels), ...interval })
}

/** A flexContainer with its first value; each change of it becomes an instance. */
export function flexContainer(
  name: string,
  labels: readonly string[],
  retention: Retention,
  module: Module,
  value: Json,
  policies?: Policies,
): Body {
  const definition = `org.onem2m.common.moduleclass.${module.name}`
  const fixed = { rn: name, cnd: definition, [module.attribute]: value, ...protectedBy(policies) }
  return body(28, module.memberName, fixed, { ...limits(retention), ...labelled(labels) })
}

/** Who may do what: rights are the sums of TS-0004 6.3.4.2.29 (1 create, 2 retrieve, 4 update, 8 delete, 16 notify, 32 discovery). */
export function accessControlPolicy(
  name: string,
  owner: string,
  rules: readonly { readonly originators: readonly string[]; readonly rights: number }[],
): Body {
  const own = { acor: [owner], acop: 63 }
  const granted = rules.filter(({ originators }) => originators.length > 0)
  const acr = [own, ...granted.map(({ originators, rights }) => ({ acor: originators, acop: rights }))]
  return body(1, 'm2m:acp', { rn: name }, { pv: { acr }, pvs: { acr: [own] } })
}

/** A subscription of the inbox of adapters to changes of a resource (`update`) or to its new instances (`instance`). */
export function subscription(name: string, event: 'update' | 'instance'): Body {
  const criteria = event === 'update' ? { net: [1] } : { net: [3], chty: [4] }
  return body(23, 'm2m:sub', { rn: name }, { nu: ['adapter:'], enc: criteria, nct: event === 'update' ? 2 : 1 })
}

/** A contentInstance whose content is text: of a figure, or of JSON. */
export function contentInstance(content: string, mediaType: 'text/plain' | 'application/json'): JsonObject {
  return { 'm2m:cin': { con: content, cnf: `${mediaType}:0` } }
}

/** An instance with the time of its measurement, to the millisecond: those of one timeSeries must differ. */
export function timeSeriesInstance(content: Json, measuredAtMs: number): JsonObject {
  return { 'm2m:tsi': { dgt: formatExactTimestamp(measuredAtMs), con: content } }
}

/** Whether a notification asks if it is wanted (TS-0004 7.5.1.2.2), or says that its subscription is gone. */
export function isVerification(content: JsonObject): boolean {
  const { vrq, sud } = (content['m2m:sgn'] ?? {}) as JsonObject
  return vrq === true || sud === true
}

/** What a notification tells: which subscription it comes from, and the attributes that the resource has now. */
export function readNotification(
  content: JsonObject,
): { readonly subscription: string; readonly attributes: JsonObject } | undefined {
  const notification = content['m2m:sgn'] as JsonObject | undefined
  const { sur, nev } = notification ?? {}
  const representation = (nev as JsonObject | undefined)?.['rep']
  if (typeof sur !== 'string' || typeof representation !== 'object' || representation === null) return undefined
  const attributes = Object.values(representation)[0]
  if (typeof attributes !== 'object' || attributes === null) return undefined
  return { subscription: sur, attributes: attributes as JsonObject }
}

function limits(retention: Retention | undefined): JsonObject {
  if (retention === undefined) return {}
  return { mni: retention.maxNrOfInstances, mbs: retention.maxByteSize, mia: retention.maxInstanceAgeSeconds }
}

function labelled(labels: readonly string[]): JsonObject {
  return labels.length === 0 ? {} : { lbl: labels }
}

/** Given once: policies are not changed together with anything else (TS-0004 7.3.3.15). */
function protectedBy(policies: Policies): JsonObject {
  return policies === undefined ? {} : { acpi: policies }
}

/** The resourceID in a representation. */
export function readIdentifier(content: JsonObject): string | undefined {
  const attributes = Object.values(content)[0] as JsonObject | undefined
  const identifier = attributes?.['ri']
  return typeof identifier === 'string' ? identifier : undefined
}
