/** The serialisations that oneM2M entities choose from (TS-0004 8.4): their names in topics, URLs and media types, and the way from one to another. */

import { decodeCbor, encodeCbor } from './cbor.ts'
import type { Json } from './content.ts'
import { parseJson } from './json.ts'

/** As MQTT topics and `?ct=` name it. */
export type Serialization = 'json' | 'cbor'

/** Media types by serialisation; each stands for its `application/vnd.onem2m-…` variants too. */
export const mediaTypes: Readonly<Record<Serialization, string>> = {
  json: 'application/json',
  cbor: 'application/cbor',
}

export function isSerialization(name: string | undefined): name is Serialization {
  return name === 'json' || name === 'cbor'
}

/** The serialisation that a media type without parameters names: `application/cbor`, `application/vnd.onem2m-res+json`. */
export function serializationOfMediaType(name: string): Serialization | undefined {
  return /^application\/(?:vnd\.onem2m-[a-z]+\+)?(json|cbor)$/i.exec(name)?.[1]?.toLowerCase() as
    | Serialization
    | undefined
}

/** What a notification URI asks for with `ct` (TS-0004 7.5.1.2.2); undefined also when it is nothing that is spoken here. */
export function serializationOfUrl(url: string): Serialization | undefined {
  const asked = /[?&]ct=([a-z]+)/.exec(url)?.[1]
  return isSerialization(asked) ? asked : undefined
}

/** A notification target without what it asks for with `ct`, where it is an identifier; in URLs that is part of the query. */
export function withoutSerialization(target: string): string {
  // This runs for every delivery, and hardly any target has one.
  return target.includes('?') ? target.replace(/^([^:?]+)\?ct=[a-z]+$/, '$1') : target
}

/** The value that was sent. Throws BAD_REQUEST naming `where`. */
export function parse(payload: Buffer | string, serialization: Serialization, where: string): Json {
  if (serialization === 'json') return parseJson(payload.toString(), where)
  return decodeCbor(typeof payload === 'string' ? Buffer.from(payload) : payload, where)
}

/** What is sent for a JSON text. */
export function serialize(json: string, serialization: Serialization): Buffer | string {
  return serialization === 'json' ? json : encodeCbor(JSON.parse(json) as Json)
}
