/** Universal and common attributes (TS-0001 9.6.1.3): described once, picked by the tables of the resource types. */

import {
  absoluteOrRelativeTimestamp,
  enumeration,
  identifier,
  integer,
  listOf,
  nonNegativeInteger,
  objectOf,
  refused,
  required,
  resourceName,
  text,
  timestamp,
  type ValueOf,
} from '../onem2m/attribute-type.ts'
import { parseGeometry } from '../onem2m/geometry.ts'
import type { AttributeDefinition } from './resource-type.ts'

const row = (
  short: string,
  type: AttributeDefinition['type'],
  create: AttributeDefinition['create'],
  update: AttributeDefinition['update'],
  announce: AttributeDefinition['announce'],
  isPermanent = false,
): AttributeDefinition => ({ short, type, create, update, announce, isPermanent })

const locationShape = objectOf('a location with typ and crd', {
  locationType: required('typ', enumeration('1 to 6', 1, 2, 3, 4, 5, 6)),
  /** JSON text, longitude before latitude as in GeoJSON. */
  coordinates: required('crd', text),
})

export type Location = ValueOf<typeof locationShape>

const location: AttributeDefinition['type'] = {
  ...locationShape,
  decode(wire, where) {
    const read = locationShape.decode(wire, where)
    if (parseGeometry(read.locationType, read.coordinates) === undefined)
      throw refused(`${where}.crd`, read.coordinates, `the coordinates of a geometry of type ${read.locationType}`)
    return read
  },
  encode: (value) => locationShape.encode?.(value as Location) ?? null,
}

/** In every resource, in this order on the wire. TS-0001 table 9.6.1.3.1-1. */
export const universalAttributes = {
  resourceName: row('rn', resourceName, 'O', 'NP', 'NA', true),
  resourceType: row('ty', integer, 'NP', 'NP', 'NA', true),
  resourceIdentifier: row('ri', identifier, 'NP', 'NP', 'NA', true),
  parentIdentifier: row('pi', text, 'NP', 'NP', 'NA', true),
  creationTime: row('ct', timestamp, 'NP', 'NP', 'NA', true),
  lastModifiedTime: row('lt', timestamp, 'NP', 'NP', 'NA', true),
} satisfies Record<string, AttributeDefinition>

/** In many resource types. TS-0001 table 9.6.1.3.2-1. */
export const commonAttributes = {
  expirationTime: row('et', timestamp, 'O', 'O', 'MA'),
  /** Announced whenever there are any, whether announcedAttribute names them or not. */
  labels: row('lbl', listOf(text), 'O', 'O', 'OA'),
  accessControlPolicyIds: row('acpi', listOf(identifier), 'O', 'O', 'MA'),
  dynamicAuthorizationConsultationIds: row('daci', listOf(identifier), 'O', 'O', 'MA'),
  announceTo: row('at', listOf(identifier), 'O', 'O', 'NA'),
  announcedAttribute: row('aa', listOf(text), 'O', 'O', 'NA'),
  announceSyncType: row('ast', enumeration('1 or 2', 1, 2), 'O', 'O', 'NA'),
  creator: row('cr', identifier, 'O', 'NP', 'NA'),
  custodian: row('cstn', identifier, 'O', 'O', 'NA'),
  stateTag: row('st', nonNegativeInteger, 'NP', 'NP', 'OA', true),
  contentSize: row('cs', nonNegativeInteger, 'NP', 'NP', 'OA', true),
  location: row('loc', location, 'O', 'O', 'OA'),
  dataGenerationTime: row('dgt', absoluteOrRelativeTimestamp, 'O', 'NP', 'OA'),
} satisfies Record<string, AttributeDefinition>

export type CommonAttributeName = keyof typeof commonAttributes

/** What every resource type has that can be protected and announced. */
export const protectedAndAnnounced = [
  'expirationTime',
  'accessControlPolicyIds',
  'labels',
  'dynamicAuthorizationConsultationIds',
  'announceTo',
  'announcedAttribute',
  'announceSyncType',
  'custodian',
] as const satisfies readonly CommonAttributeName[]
