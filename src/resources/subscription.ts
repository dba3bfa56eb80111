/** subscription (TS-0001 9.6.8, TS-0004 7.4.8): which events below its parent are told to whom; the CSE's notification part acts on it. */

import {
  boolean,
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
import { AccessRight } from './access-control-policy.ts'
import type { Engine, ResourceView } from './behaviour.ts'
import { type AttributesOf, attribute, canContain, defineResourceType } from './resource-type.ts'

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

/** Retrieval of what is not there, triggers and blocking updates: refused, so that nobody waits for a notification that never comes. */
const unsupportedEvents: readonly number[] = [5, 6, 7]

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

const eventNotificationCriteria = objectOf('event notification criteria', {
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
        operations: optional('ops', nonNegativeInteger),
        originator: optional('or', identifier, 'org'),
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

const batchNotify = objectOf('batch notification with num or dur', {
  number: optional('num', positiveInteger),
  duration: optional('dur', durationText),
})

const rateLimit = objectOf('a rate limit with mnn and tww', {
  maxNrOfNotify: optional('mnn', positiveInteger),
  timeWindow: optional('tww', durationText),
})

const notificationStatistics = objectOf('notification statistics of a target', {
  target: required('tg', identifier),
  requests: required('rqs', nonNegativeInteger),
  responses: required('rsr', nonNegativeInteger),
  events: required('noec', nonNegativeInteger),
})

export type NotificationStatistics = ValueOf<typeof notificationStatistics>
export type EventNotificationCriteria = ValueOf<typeof eventNotificationCriteria>
export type BatchNotify = ValueOf<typeof batchNotify>
export type RateLimit = ValueOf<typeof rateLimit>

export const subscription = defineResourceType({
  type: 23,
  name: 'subscription',
  memberName: 'm2m:sub',
  clause: 'TS-0001 9.6.8',
  common: [
    'expirationTime',
    'accessControlPolicyIds',
    'labels',
    'dynamicAuthorizationConsultationIds',
    'custodian',
    'creator',
  ],
  attributes: {
    eventNotificationCriteria: attribute('enc', eventNotificationCriteria, 'O', 'O', 'NA'),
    expirationCounter: attribute('exc', positiveInteger, 'O', 'O', 'NA'),
    notificationUri: attribute('nu', listOf(identifier), 'M', 'O', 'NA'),
    groupId: attribute('gpi', text, 'O', 'O', 'NA'),
    notificationForwardingUri: attribute('nfu', identifier, 'O', 'O', 'NA'),
    batchNotify: attribute('bn', batchNotify, 'O', 'O', 'NA'),
    rateLimit: attribute('rl', rateLimit, 'O', 'O', 'NA'),
    preSubscriptionNotify: attribute('psn', positiveInteger, 'O', 'NP', 'NA'),
    pendingNotification: attribute('pn', enumeration('1 or 2', 1, 2), 'O', 'O', 'NA'),
    notificationStoragePriority: attribute('nsp', positiveInteger, 'O', 'O', 'NA'),
    latestNotify: attribute('ln', boolean, 'O', 'O', 'NA'),
    notificationContentType: attribute('nct', enumeration('1 to 5', 1, 2, 3, 4, 5), 'O', 'O', 'NA', true),
    notificationEventCat: attribute('nec', nonNegativeInteger, 'O', 'O', 'NA'),
    subscriberUri: attribute('su', identifier, 'O', 'NP', 'NA'),
    associatedCrossResourceSub: attribute('acrs', listOf(identifier), 'O', 'O', 'NA'),
    notificationStatsEnable: attribute('nse', boolean, 'O', 'O', 'NA'),
    notificationStatsInfo: attribute('nsi', listOf(notificationStatistics), 'NP', 'NP', 'NA'),
    enableEventNotificationOriginator: attribute('eeno', boolean, 'O', 'O', 'NA'),
    maxAge: attribute('ma', durationText, 'O', 'O', 'OA'),
  },
  parents: [1, 2, 3, 5, 9, 10, 13, 14, 16, 17, 18, 24, 28, 29, 34, 60, 65],
  behaviour: {
    beforeCreate({ parent, originator, attributes }, engine) {
      // TS-0004 7.4.8.2.1: who subscribes must be able to read what it is told about.
      if (!engine.allows(originator, AccessRight.RETRIEVE, parent))
        throw new OneM2MError(
          Status.ORIGINATOR_HAS_NO_PRIVILEGE,
          `${originator} may not retrieve ${parent.address}, so it may not subscribe to it`,
        )
      const criteria = attributes['eventNotificationCriteria'] as EventNotificationCriteria | undefined
      checkCriteria(criteria, parent, engine)
      attributes['notificationContentType'] = contentTypeFor(criteria, attributes['notificationContentType'])
    },
    beforeUpdate(revision, engine) {
      const criteria = revision.value('eventNotificationCriteria') as EventNotificationCriteria | undefined
      if (revision.changes.has('eventNotificationCriteria') && revision.resource.parent !== undefined)
        checkCriteria(criteria, revision.resource.parent, engine)
      contentTypeFor(criteria, revision.value('notificationContentType'))
    },
  },
})

export type Subscription = AttributesOf<typeof subscription>

/** TS-0004 7.4.8.2.1. */
function checkCriteria(criteria: EventNotificationCriteria | undefined, parent: ResourceView, engine: Engine): void {
  if (criteria === undefined) return
  if (criteria.notificationEventType !== undefined && criteria.operationMonitor !== undefined)
    throw refused('enc', Object.keys(criteria), 'net or om, not both')
  const event = criteria.notificationEventType?.find((type) => unsupportedEvents.includes(type))
  if (event !== undefined)
    throw new OneM2MError(Status.NOT_IMPLEMENTED, `enc.net: event type ${event} is not supported, 1, 2, 3, 4 and 8 are`)
  if (criteria.operationMonitor !== undefined)
    throw new OneM2MError(Status.NOT_IMPLEMENTED, 'enc.om: operation monitors are not supported')
  for (const type of criteria.childResourceType ?? []) {
    const child = engine.resourceTypes.get(type)
    if (child === undefined || !canContain(parent.definition, child))
      throw refused('enc.chty', type, `types of children of ${parent.definition.name}`)
  }
  if (
    criteria.notificationEventType?.includes(8) &&
    (criteria.missingData === undefined || parent.definition.type !== 29)
  )
    throw refused('enc.net', 8, 'a parent of type timeSeries, and md with num and dur')
}

/** The content type asked for when all event types allow it; the default that they share when none is asked for. */
function contentTypeFor(criteria: EventNotificationCriteria | undefined, asked: unknown): number {
  const allowed = (criteria?.notificationEventType ?? [1]).map((event) => contentTypes[event] ?? [])
  const choice = asked ?? allowed[0]?.[0] ?? NotificationContentType.ALL_ATTRIBUTES
  if (!allowed.every((types) => types.includes(choice as number)))
    throw refused('nct', asked, 'a content type that every event type in enc.net can have')
  return choice as number
}
