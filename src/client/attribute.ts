/** Resources as typed values: from the wire form with its short names to the long names of the standard, and back. */

import type { JsonObject } from '../onem2m/content.ts'
import {
  type Attributes,
  type AttributesOf,
  contentMember,
  decodeStored,
  encodeAttributes,
  type ResourceType,
} from '../resources/resource-type.ts'

/**
 * The attributes in a response's content: `readAttributes(container, await client.retrieve('onem2m/app/temp')).maxNrOfInstances`. What the type does
 * not know is left out. Throws OneM2MError when the content is of another type, or a value is not what the standard says.
 */
export function readAttributes<D extends ResourceType>(type: D, content: JsonObject): AttributesOf<D> {
  return decodeStored(type, contentMember(content, type)) as AttributesOf<D>
}

/** The content of a request: `client.create('onem2m/app', 3, writeContent(container, { resourceName: 'temp', maxNrOfInstances: 10 }))`. */
export function writeContent<D extends ResourceType>(type: D, attributes: AttributesOf<D> & Attributes): JsonObject {
  return { [type.memberName]: encodeAttributes(type, attributes) }
}
