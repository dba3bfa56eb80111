/** contentInstance (TS-0001 9.6.7, TS-0004 7.4.7): one value at one time, never changed. */

import {
  anyJson,
  contentInfo,
  identifier,
  listOf,
  objectOf,
  positiveInteger,
  required,
  text,
} from '../onem2m/attribute-type.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'

const encoder = new TextEncoder()

export const contentInstance = defineResourceType({
  type: 4,
  name: 'contentInstance',
  memberName: 'm2m:cin',
  clause: 'TS-0001 9.6.7',
  common: [
    'expirationTime',
    'labels',
    'announceTo',
    'announcedAttribute',
    'announceSyncType',
    'creator',
    'location',
    'dataGenerationTime',
    'stateTag',
    'contentSize',
  ],
  attributes: {
    contentInfo: attribute('cnf', contentInfo, 'O', 'NP', 'OA'),
    contentRef: attribute(
      'conr',
      listOf(
        objectOf('a content reference with nm and uri', { name: required('nm', text), uri: required('uri', text) }),
      ),
      'O',
      'NP',
      'OA',
    ),
    content: attribute('con', anyJson, 'O', 'NP', 'OA'),
    ontologyRef: attribute('or', identifier, 'O', 'O', 'OA'),
    deletionCount: attribute('dcnt', positiveInteger, 'O', 'NP', 'NA'),
  },
  parents: [3],
  isInstance: true,
  behaviour: {
    refusesUpdate: 'a contentInstance is never changed: create another one',
    beforeCreate({ attributes }) {
      if (attributes['content'] === undefined && attributes['contentRef'] === undefined)
        throw new OneM2MError(Status.BAD_REQUEST, 'con: missing, expected a JSON value (or conr, content references)')
      attributes['contentSize'] = sizeOf(attributes['content'])
    },
  },
})

export type ContentInstance = AttributesOf<typeof contentInstance>

/** Bytes of a content: UTF-8 of a string, or of the JSON text of anything else. TS-0001 9.6.7, contentSize. */
export function sizeOf(content: unknown): number {
  if (content === undefined) return 0
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  return isAscii(text) ? text.length : encoder.encode(text).length
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 127) return false
  return true
}
