/** The resources of adapters in wire form: the one place of this folder where attributes have short names (TS-0004 8.2.3). */

import type { JsonObject } from '../onem2m/content.ts'

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
export function container(name: string, labels: readonly string[], retention?: Retention): Body {
  const limits = retention && {
    mni: retention.maxNrOfInstances,
    mbs: retention.maxByteSize,
    mia: retention.maxInstanceAgeSeconds,
  }
  return body(3, 'm2m:cnt', { rn: name }, { ...limits, ...(labels.length === 0 ? {} : { lbl: labels }) })
}

/** A contentInstance whose content is text: of a figure, or of JSON. */
export function contentInstance(content: string, mediaType: 'text/plain' | 'application/json'): JsonObject {
  return { 'm2m:cin': { con: content, cnf: `${mediaType}:0` } }
}
