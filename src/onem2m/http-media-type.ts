/** Which serialisation an HTTP body is in, and which one its sender wants back (TS-0009 6.4.20, 6.4.21). */

import { mediaTypes, type Serialization, serializationOfMediaType } from './serialization.ts'
import { OneM2MError, Status } from './status.ts'

export interface MediaType {
  readonly serialization: Serialization
  /** The `ty` of a Create. */
  readonly resourceType: string | undefined
}

/** A message without Content-Type is taken for JSON. Throws UNSUPPORTED_MEDIA_TYPE when there is a body of any other kind. */
export function readContentType(contentType: string | undefined, hasBody: boolean): MediaType {
  const [name = '', ...parameters] = (contentType ?? '').split(';').map((part) => part.trim())
  const serialization = name === '' ? 'json' : serializationOfMediaType(name)
  if (serialization === undefined && hasBody)
    throw new OneM2MError(
      Status.UNSUPPORTED_MEDIA_TYPE,
      `Content-Type: got "${name.slice(0, 60)}", expected application/json or application/cbor, and application/json;ty=3 to create a container`,
    )
  const resourceType = parameters.find((parameter) => /^ty\s*=/i.test(parameter))
  return {
    serialization: serialization ?? 'json',
    resourceType: resourceType?.slice(resourceType.indexOf('=') + 1).trim(),
  }
}

export function writeContentType(serialization: Serialization, resourceType?: number): string {
  return resourceType === undefined ? mediaTypes[serialization] : `${mediaTypes[serialization]};ty=${resourceType}`
}

/**
 * The acceptable serialisation of the greatest weight, the first of equals. Who accepts anything gets what he sent.
 * Throws NOT_ACCEPTABLE when there is none.
 */
export function negotiate(accept: string | undefined, contentType: string | undefined): Serialization {
  const sent = serializationOfMediaType((contentType ?? '').split(';', 1)[0]?.trim() ?? '') ?? 'json'
  if (accept === undefined || accept.trim() === '') return sent
  let best: { readonly serialization: Serialization; readonly weight: number } | undefined
  for (const range of accept.split(',')) {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim())
    const serialization = name === '*/*' || name === 'application/*' ? sent : serializationOfMediaType(name)
    const quality = parameters.find((parameter) => /^q=/i.test(parameter))
    const weight = quality === undefined ? 1 : Number(quality.slice(2))
    if (serialization !== undefined && weight > (best?.weight ?? 0)) best = { serialization, weight }
  }
  if (best === undefined)
    throw new OneM2MError(
      Status.NOT_ACCEPTABLE,
      `Accept: got "${accept.slice(0, 60)}", expected application/json or application/cbor`,
    )
  return best.serialization
}
