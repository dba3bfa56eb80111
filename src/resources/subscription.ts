/** subscription (TS-0001 9.6.8, TS-0004 7.4.8): which events at its parent are told to whom; the CSE's notification part acts on it. */

import {
  boolean,
  durationText,
  enumeration,
  identifier,
  listOf,
  nonNegativeInteger,
  objectOf,
  optional,
  positiveInteger,
  refused,
  required,
  text,
  type ValueOf,
} from '../onem2m/attribute-type.ts'
import { withoutSerialization } from '../onem2m/serialization.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { AccessRight } from './access-control-policy.ts'
import type { Engine, ResourceView } from './behaviour.ts'
import {
  checkCriteria,
  completeCriteria,
  contentTypeFor,
  type EventNotificationCriteria,
  eventNotificationCriteria,
  NotificationEventType,
} from './notification-criteria.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'

/** The provider's default for a batch that names a number only. */
const defaultBatchDuration = 'PT60S'

const batchNotify = objectOf('batch notification with num, dur or both', {
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

export type BatchNotify = ValueOf<typeof batchNotify>
export type NotificationStatistics = ValueOf<typeof notificationStatistics>

const aeType = 2
const subscriptionType = 23

export const subscription = defineResourceType({
  type: subscriptionType,
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
  parents: [1, 2, 3, 5, 9, 10, 13, 14, 16, 17, 18, 24, 25, 26, 27, 28, 29, 34, 60, 65],
  virtualChildren: ['ntsr'],
  behaviour: {
    beforeCreate(draft, engine) {
      const { parent, originator, attributes } = draft
      // TS-0004 7.4.8.2.1: who subscribes must be able to read what it is told about.
      if (!engine.allows(originator, AccessRight.RETRIEVE, parent))
        throw new OneM2MError(
          Status.ORIGINATOR_HAS_NO_PRIVILEGE,
          `${originator} may not retrieve ${parent.address}, so it may not subscribe to it`,
        )
      const criteria = completeCriteria(attributes['eventNotificationCriteria'] as EventNotificationCriteria)
      checkCriteria(criteria, parent, engine)
      attributes['eventNotificationCriteria'] = criteria
      attributes['notificationContentType'] = contentTypeFor(criteria, attributes['notificationContentType'])
      attributes['batchNotify'] = completeBatch(attributes['batchNotify'] as BatchNotify | undefined)
      const isBlocking = criteria.notificationEventType?.includes(NotificationEventType.BLOCKING_UPDATE) === true
      if (isBlocking) checkBlocking(criteria, parent, attributes, engine)
      const targets = attributes['notificationUri'] as readonly string[]
      checkTargets(targets)
      draft.resourceIdentifier = engine.reserveIdentifier('sub')
      const areVerified = verify(targets, draft.resourceIdentifier, originator, engine)
      // Only now, so that a target that can't be reached is called that.
      if (isBlocking && areVerified && targets.some(isUrl))
        throw refused('nu', targets, 'an AE or a CSE, which can answer for a blocking update')
    },
    beforeUpdate({ resource, originator, changes, value }, engine) {
      if (changes.has('eventNotificationCriteria')) {
        const criteria = completeCriteria(changes.get('eventNotificationCriteria') as EventNotificationCriteria)
        if (resource.parent !== undefined) checkCriteria(criteria, resource.parent, engine)
        if (criteria.notificationEventType?.includes(NotificationEventType.BLOCKING_UPDATE) === true)
          throw refused('enc.net', 7, 'another event type: a subscription blocks updates from its creation, or never')
        changes.set('eventNotificationCriteria', criteria)
      }
      const criteria = value('eventNotificationCriteria') as EventNotificationCriteria
      contentTypeFor(criteria, value('notificationContentType'))
      if (criteria.notificationEventType?.includes(NotificationEventType.BLOCKING_UPDATE) === true)
        checkBlockingAttributes(criteria, changes.keys())
      if (changes.get('batchNotify') !== undefined)
        changes.set('batchNotify', completeBatch(changes.get('batchNotify') as BatchNotify))
      settleStatistics(changes, value)
      const targets = changes.get('notificationUri') as readonly string[] | undefined
      if (targets === undefined) return
      checkTargets(targets)
      const known = resource.attributes['notificationUri'] as readonly string[]
      const added = targets.filter((target) => !known.includes(target))
      verify(added, resource.resourceIdentifier, originator, engine)
    },
  },
})

export type Subscription = AttributesOf<typeof subscription>

function isUrl(target: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/.test(target)
}

function checkTargets(targets: readonly string[]): void {
  if (targets.length === 0) throw refused('nu', targets, 'at least one notification target')
}

/** What was collected goes out some day, also when nobody says which: TS-0001 9.6.8. */
export function completeBatch(batch: BatchNotify | undefined): BatchNotify | undefined {
  return batch === undefined || batch.duration !== undefined ? batch : { ...batch, duration: defaultBatchDuration }
}

/** Blocking updates take one target and nothing that could keep it waiting; and there is one for a resource. TS-0004 7.4.8.2.1. */
function checkBlocking(
  criteria: EventNotificationCriteria,
  parent: ResourceView,
  attributes: Readonly<Record<string, unknown>>,
  engine: Engine,
): void {
  const given = Object.keys(attributes).filter((name) => attributes[name] !== undefined)
  checkBlockingAttributes(criteria, given)
  const targets = attributes['notificationUri'] as readonly string[]
  if (targets.length !== 1) throw refused('nu', targets, 'one target, which decides of the update')
  for (const { definition, stored, name } of engine.childrenOf(parent)) {
    const other = (stored as Subscription).eventNotificationCriteria
    if (
      definition.type === subscriptionType &&
      other?.notificationEventType?.includes(NotificationEventType.BLOCKING_UPDATE) === true
    )
      throw new OneM2MError(
        Status.BLOCKING_SUBSCRIPTION_ALREADY_EXISTS,
        `enc.net: ${name} blocks updates of ${parent.address} already`,
      )
  }
}

const allowedForBlocking: readonly string[] = [
  'eventNotificationCriteria',
  'notificationUri',
  'notificationContentType',
]

function checkBlockingAttributes(criteria: EventNotificationCriteria, names: Iterable<string>): void {
  for (const name of Object.keys(criteria))
    if (name !== 'notificationEventType' && name !== 'attribute')
      throw refused('enc', name, 'net and atr alone with a blocking update')
  if (criteria.notificationEventType?.length !== 1)
    throw refused('enc.net', criteria.notificationEventType, '7 alone: a blocking update goes with no other event')
  for (const name of names)
    if (name in subscription.attributes && !allowedForBlocking.includes(name))
      throw refused(subscription.table.get(name)?.short ?? name, name, 'nothing: a blocking update goes without it')
}

/** Statistics begin anew whenever they are switched on, stay when they are switched off, and go with the switch: TS-0001 9.6.8. */
function settleStatistics(changes: Map<string, unknown>, value: (name: string) => unknown): void {
  if (changes.has('notificationStatsEnable') && changes.get('notificationStatsEnable') !== false)
    changes.set('notificationStatsInfo', undefined)
  const statistics = value('notificationStatsInfo') as readonly NotificationStatistics[] | undefined
  const targets = changes.get('notificationUri') as readonly string[] | undefined
  if (statistics === undefined || targets === undefined) return
  changes.set(
    'notificationStatsInfo',
    statistics.filter(({ target }) => targets.includes(target)),
  )
}

/** Has each target confirm that it wants the notifications (TS-0004 7.4.8.2.1); true when all of them have. */
function verify(targets: readonly string[], subscriptionId: string, creator: string, engine: Engine): boolean {
  const notification = { 'm2m:sgn': { vrq: true, sur: `${engine.cseId}/${subscriptionId}`, cr: creator } }
  const isOwn = (target: string) => {
    const identifier = withoutSerialization(target)
    const short = engine.shortOriginator(identifier)
    // A CSE that asks for its AE has made sure of it.
    return (
      short === creator || short.startsWith(`${creator}/`) || engine.resolve(identifier)?.resourceIdentifier === creator
    )
  }
  const others = targets.filter((target) => !isOwn(target))
  for (const target of others) checkTargetRights(target, creator, engine)
  return others.map((target) => engine.ask({ target, notification, about: 'notification' })).every((isYes) => isYes)
}

/** A target with policies says by them who may have it notified; one without is asked. */
function checkTargetRights(target: string, creator: string, engine: Engine): void {
  const entity = isUrl(target) ? undefined : engine.resolve(withoutSerialization(target))
  if (entity?.definition.type !== aeType || entity.attributes['accessControlPolicyIds'] === undefined) return
  if (engine.allows(creator, AccessRight.NOTIFY, entity)) return
  throw new OneM2MError(
    Status.SUBSCRIPTION_CREATOR_HAS_NO_PRIVILEGE,
    `nu: ${creator} may not have ${entity.address} notified`,
  )
}
