/** eventNotificationCriteria (TS-0001 9.6.8, TS-0004 6.3.5.9): which events a subscription may ask for, below which parents, and what each is told with. */

import {
  durationText,
  enumeration,
  identifier,
  integer,
  listOf,
  nonNegativeInteger,
  objectOf,
  optional,
  positiveInteger,
  refused,
  required,
  text,
  timestamp,
  type ValueOf,
} from '../onem2m/attribute-type.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import type { Engine, ResourceView } from './behaviour.ts'
import { canContain } from './resource-type.ts'

/** TS-0004 6.3.4.2.19. */
export const NotificationEventType = {
  UPDATE_OF_RESOURCE: 1,
  DELETE_OF_RESOURCE: 2,
  CREATE_OF_CHILD: 3,
  DELETE_OF_CHILD: 4,
  RETRIEVE_OF_CONTAINER_WITH_NO_CHILD: 5,
  TRIGGER_RECEIVED: 6,
  BLOCKING_UPDATE: 7,
  MISSING_DATA: 8,
} as const

/** TS-0004 6.3.4.2.31. */
export const NotificationContentType = {
  ALL_ATTRIBUTES: 1,
  MODIFIED_ATTRIBUTES: 2,
  RESOURCE_ID: 3,
  TRIGGER_PAYLOAD: 4,
  TIME_SERIES: 5,
} as const

/** Which content types an event type may have, the default first. */
const contentTypes: Readonly<Record<number, readonly number[]>> = {
  1: [1, 2, 3],
  2: [1, 3],
  3: [1, 3],
  4: [1, 3],
  5: [1],
  6: [4],
  7: [2],
  8: [5],
}
/** What a subscription to operations may be told with. */
const monitorContentTypes = [1, 3]

const timeSeriesType = 29

export const eventNotificationCriteria = objectOf('event notification criteria', {
  createdBefore: optional('crb', timestamp),
  createdAfter: optional('cra', timestamp),
  modifiedSince: optional('ms', timestamp),
  unmodifiedSince: optional('us', timestamp),
  stateTagSmaller: optional('sts', positiveInteger),
  stateTagBigger: optional('stb', nonNegativeInteger),
  expireBefore: optional('exb', timestamp),
  expireAfter: optional('exa', timestamp),
  sizeAbove: optional('sza', nonNegativeInteger),
  sizeBelow: optional('szb', nonNegativeInteger),
  operationMonitor: optional(
    'om',
    listOf(
      objectOf('an operation monitor', {
        operations: optional('ops', enumeration('an operation, 1 to 5', 1, 2, 3, 4, 5)),
        originator: optional('org', identifier, 'or'),
      }),
    ),
  ),
  attribute: optional('atr', listOf(text)),
  notificationEventType: optional('net', listOf(enumeration('1 to 8', 1, 2, 3, 4, 5, 6, 7, 8))),
  childResourceType: optional('chty', listOf(integer)),
  missingData: optional(
    'md',
    objectOf('missing data with num and dur', {
      number: required('num', positiveInteger),
      duration: required('dur', durationText),
    }),
  ),
  filterOperation: optional('fo', enumeration('1, 2 or 3', 1, 2, 3)),
})

export type EventNotificationCriteria = ValueOf<typeof eventNotificationCriteria>

/** The criteria with the default that the standard has for them: updates of the resource. */
export function completeCriteria(criteria: EventNotificationCriteria = {}): EventNotificationCriteria {
  if (criteria.notificationEventType !== undefined || criteria.operationMonitor !== undefined) return criteria
  return { ...criteria, notificationEventType: [NotificationEventType.UPDATE_OF_RESOURCE] }
}

/** Criteria that can never hold, or that this CSE does not know how to meet, are refused: TS-0004 7.4.8.2.1. */
export function checkCriteria(criteria: EventNotificationCriteria, parent: ResourceView, engine: Engine): void {
  const { notificationEventType: events = [], operationMonitor: monitors, missingData } = criteria
  if (events.length > 0 && monitors !== undefined) throw refused('enc', Object.keys(criteria), 'net or om, not both')
  if (monitors?.some(({ operations, originator }) => operations === undefined && originator === undefined) === true)
    throw refused('enc.om', {}, 'ops, org or both in each')
  if (events.includes(NotificationEventType.TRIGGER_RECEIVED))
    throw new OneM2MError(Status.NOT_IMPLEMENTED, 'enc.net: 6 is not supported, this CSE receives no triggers')
  for (const type of criteria.childResourceType ?? []) {
    const child = engine.resourceTypes.get(type)
    if (child === undefined || !canContain(parent.definition, child))
      throw refused('enc.chty', type, `types of children of ${parent.definition.name}`)
  }
  if (
    events.includes(NotificationEventType.RETRIEVE_OF_CONTAINER_WITH_NO_CHILD) &&
    parent.definition.instanceDefinition === undefined
  )
    throw refused('enc.net', 5, 'a parent that keeps instances')
  if (
    events.includes(NotificationEventType.MISSING_DATA) &&
    (missingData === undefined || parent.definition.type !== timeSeriesType)
  )
    throw refused('enc.net', 8, 'a parent of type timeSeries, and md with num and dur')
}

/** The content type asked for when all events allow it; the default that they share when none is asked for. */
export function contentTypeFor(criteria: EventNotificationCriteria, asked: unknown): number {
  const allowed =
    criteria.operationMonitor === undefined
      ? (criteria.notificationEventType ?? []).map((event) => contentTypes[event] ?? [])
      : [monitorContentTypes]
  const defaults = new Set(allowed.map(([first]) => first))
  if (asked === undefined && defaults.size > 1)
    throw refused('nct', undefined, 'a content type: the event types in enc.net have different ones by default')
  const choice = asked ?? [...defaults][0] ?? NotificationContentType.ALL_ATTRIBUTES
  if (!allowed.every((types) => types.includes(choice as number)))
    throw refused('nct', asked, 'a content type that every event type in enc.net can have')
  return choice as number
}
