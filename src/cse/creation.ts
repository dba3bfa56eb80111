/** CREATE (TS-0004 7.3.3.1, 7.3.3.6): from the checks over name, expiration time and registration to the new resource or instance. */

import { refused } from '../onem2m/attribute-type.ts'
import { ResultContent } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { formatTimestamp, parseTimestamp } from '../onem2m/timestamp.ts'
import { AccessRight } from '../resources/access-control-policy.ts'
import type { Draft } from '../resources/behaviour.ts'
import { NotificationEventType } from '../resources/notification-criteria.ts'
import {
  type Attributes,
  canContain,
  contentMember,
  decodeForCreate,
  type ResourceType,
  specialization,
} from '../resources/resource-type.ts'
import { raise, raisePast } from './event.ts'
import type { Execution } from './execution.ts'
import type { InstanceLog } from './instance-log.ts'
import { encodeRecord } from './instance-record.ts'
import type { Eventually, Outcome } from './outcome.ts'
import { checkPolicies } from './reference.ts'
import { creationResult } from './representation.ts'
import { Resource, type StoredInstance } from './resource.ts'
import { limitOf, trimLog } from './trimming.ts'

const aeType = 2
const remoteCseType = 16
/** TS-0001 9.6.49: its place is the IN-CSE. */
const triggerRequestType = 47
const inCse = 1
/** Walks over subtrees are recursive; nobody nests resources this deep in earnest. */
const deepestLevel = 100

export function create(execution: Execution): Eventually {
  const { request, parts, originator } = execution
  const { resourceType = 0 } = request
  const { resource: parent, virtualChild } = execution.target()
  if (virtualChild !== undefined)
    throw new OneM2MError(Status.OPERATION_NOT_ALLOWED, `to: nothing can be created below ${virtualChild}`)
  const representative = parts.resourceTypes.get(resourceType)
  if (representative === undefined) {
    if (!isStandardType(resourceType)) throw refused('ty', resourceType, 'a resource type of the standard')
    if (resourceType === triggerRequestType && parts.settings.cseType !== inCse)
      throw new OneM2MError(Status.OPERATION_NOT_ALLOWED, 'ty: a triggerRequest has its place at an IN-CSE')
    throw new OneM2MError(Status.NOT_IMPLEMENTED, `ty: this CSE has no resource type ${resourceType}`)
  }
  if (representative.behaviour?.refusesCreate !== undefined)
    throw new OneM2MError(Status.OPERATION_NOT_ALLOWED, `ty: ${representative.behaviour.refusesCreate}`)
  // TS-0004 7.4.5.2.1: whoever registers has no rights yet; what it may do is the registration's business.
  // TS-0004 7.4.26: nor has a CSE that announces what is its own.
  const isOwnAnnouncement = representative.isAnnounced === true && parts.routes.isRegistered(originator)
  if (resourceType !== aeType && resourceType !== remoteCseType && !isOwnAnnouncement)
    execution.require(AccessRight.CREATE, parent, resourceType)
  if (!(parent instanceof Resource) || !canContain(parent.definition, representative))
    throw new OneM2MError(
      representative.name === 'subscription' ? Status.TARGET_NOT_SUBSCRIBABLE : Status.INVALID_CHILD_RESOURCE_TYPE,
      `ty: a ${parent.definition.name} has no child of type ${resourceType} (${representative.name})`,
    )
  const type = specialization(parts.typesByMemberName, representative, request.content)
  const wire = contentMember(request.content, type)
  const attributes = decodeForCreate(type, wire)
  if (attributes['accessControlPolicyIds'] !== undefined) checkPolicies(execution, attributes)
  if (attributes['creator'] === null) attributes['creator'] = originator
  const draft: Draft = {
    parent,
    originator:
      type.type === aeType ? parts.registrants.registeringOriginator(originator, execution.context) : originator,
    attributes,
    wire,
    releaseVersionIndicator: request.releaseVersionIndicator,
    resourceIdentifier: '',
    name: typeof attributes['resourceName'] === 'string' ? attributes['resourceName'] : '',
  }
  type.behaviour?.beforeCreate?.(draft, execution)
  const inquiry = execution.openInquiry
  if (inquiry !== undefined) return inquiry.make(execution, () => create(execution))
  return type.isInstance === true
    ? createInstance(execution, parent, type, draft)
    : createResource(execution, parent, type, draft)
}

/** The numbers that TS-0004 6.3.4.2.1 gives to resource types, and to their announced variants. */
function isStandardType(resourceType: number): boolean {
  const number = resourceType > 10_000 ? resourceType - 10_000 : resourceType
  return number >= 1 && number <= 99
}

function createResource(execution: Execution, parent: Resource, type: ResourceType, draft: Draft): Outcome {
  const { parts, transaction, now } = execution
  const { tree } = parts
  if (draft.resourceIdentifier === '') draft.resourceIdentifier = execution.newIdentifier(type.shortName)
  if (draft.name === '') draft.name = freeName(parent, type, draft.resourceIdentifier)
  else if (isTaken(parent, draft.name)) throw conflict(parent, draft.name)
  if (tree.size >= parts.settings.maxResources)
    throw new OneM2MError(
      Status.NOT_ACCEPTABLE,
      `pc: this CSE keeps at most ${parts.settings.maxResources} resources besides instances (cse.max_resources)`,
    )
  if (parent.depth >= deepestLevel)
    throw new OneM2MError(Status.NOT_ACCEPTABLE, `to: resources are nested at most ${deepestLevel} levels deep`)
  const resource = new Resource({
    definition: type,
    resourceIdentifier: draft.resourceIdentifier,
    name: draft.name,
    parent,
    // An AE owns itself: its identifier may have been assigned only now.
    originator: type.type === aeType ? draft.resourceIdentifier : draft.originator,
    attributes: {
      ...draft.attributes,
      resourceName: draft.name,
      resourceType: type.type,
      resourceIdentifier: draft.resourceIdentifier,
      parentIdentifier: parent.resourceIdentifier,
      creationTime: now,
      lastModifiedTime: now,
      ...(type.hasExpirationTime ? { expirationTime: expirationTime(execution, parent, draft.attributes) } : {}),
      ...(type.table.has('stateTag') && type.instanceDefinition === undefined ? { stateTag: 0 } : {}),
    },
  })
  tree.add(resource)
  transaction.onUndo(() => tree.remove(resource))
  transaction.changes.push(tree.changeOf(resource))
  if (type.type === aeType) parts.registrants.bind(transaction, resource.resourceIdentifier, execution.context)
  else if (type.type === remoteCseType)
    parts.registrants.bind(transaction, draft.attributes['cseId'] as string, execution.context)
  transaction.afterCommit(() => {
    if (type.hasExpirationTime) parts.expiration.watch(resource)
    parts.notifier.changed(resource)
  })
  keepState(execution, resource)
  parts.announcer.observe(execution, resource)
  raise(execution, parent, { event: NotificationEventType.CREATE_OF_CHILD, resource })
  if (draft.attributes['preSubscriptionNotify'] !== undefined) raisePast(execution, resource)
  return {
    status: Status.CREATED,
    content: () => creationResult(execution, resource, draft.wire),
    createdAt: resource.address,
  }
}

function createInstance(execution: Execution, container: Resource, type: ResourceType, draft: Draft): Outcome {
  const { transaction, request } = execution
  const log = container.instances
  if (log === undefined || log.type !== type)
    throw new OneM2MError(Status.INVALID_CHILD_RESOURCE_TYPE, `ty: ${container.address} keeps no ${type.name}`)
  const maxByteSize = limitOf(container, 'maxByteSize')
  const size = (draft.attributes['contentSize'] as number | undefined) ?? 0
  if (size > maxByteSize)
    throw new OneM2MError(
      Status.NOT_ACCEPTABLE,
      `con: ${size} bytes are more than ${container.address} keeps in all (mbs ${maxByteSize})`,
    )
  if (draft.name !== '' && isTaken(container, draft.name)) throw conflict(container, draft.name)
  const unique = type.uniqueAttribute === undefined ? undefined : draft.attributes[type.uniqueAttribute]
  if (unique !== undefined && log.isValueTaken(unique))
    throw new OneM2MError(Status.CONFLICT, `${container.address} has an instance of ${String(unique)} already`)
  const instance = append(execution, container, log, { attributes: draft.attributes, name: draft.name, size, unique })
  if (container.definition.table.has('missingDataDetect'))
    transaction.afterCommit(() => execution.parts.missingData.observe(container, String(unique)))
  const announceTo = draft.attributes['announceTo'] as readonly string[] | undefined
  execution.parts.announcer.observeInstance(execution, container, instance, announceTo)
  raise(execution, container, { event: NotificationEventType.CREATE_OF_CHILD, resource: instance })
  return {
    status: Status.CREATED,
    content:
      request.resultContent === undefined || request.resultContent === ResultContent.ATTRIBUTES
        ? instance
        : creationResult(execution, instance, draft.wire),
    createdAt: instance.address,
  }
}

/**
 * Keeps the new state of a resource that keeps its states: a flexContainerInstance. TS-0004 7.4.37. `modified` are the long names of what an
 * update changed.
 */
export function keepState(execution: Execution, resource: Resource, modified?: ReadonlySet<string>): void {
  const attributes = resource.definition.behaviour?.instanceOf?.(resource, modified)
  const log = resource.instances
  if (attributes === undefined || log === undefined) return
  const size = (attributes['contentSize'] as number | undefined) ?? 0
  attributes['originator'] = execution.originator
  append(execution, resource, log, { attributes, name: '', size, unique: undefined })
}

/** What an instance is made of. */
interface Appended {
  readonly attributes: Attributes
  /** Empty when its originator chose none. */
  readonly name: string
  readonly size: number
  readonly unique: unknown
}

/** Appends an instance and trims to the limits of its container. */
function append(execution: Execution, container: Resource, log: InstanceLog, appended: Appended): StoredInstance {
  const { transaction, now, parts } = execution
  const { attributes, name, size, unique } = appended
  const expiration = instanceExpiration(execution, container, attributes)
  transaction.onUndo(log.remember())
  const chosenName = log.settleName(name)
  const record = encodeRecord(log.type, attributes, {
    chosenName,
    creationTime: now,
    expirationTime: expiration.text,
    stateTag: log.type.table.has('stateTag') ? log.stateTag + 1 : undefined,
  })
  const isChange = container.definition.behaviour?.instanceOf === undefined
  const expiryMs = expiration.ownMs
  const labels = attributes['labels'] as readonly string[] | undefined
  if (labels !== undefined) parts.tree.noteLabelledInstances(container)
  const instance = log.append(transaction.changes, { chosenName, record, size, expiryMs, unique, labels, isChange })
  trimLog(transaction.changes, container, log)
  transaction.changes.push(log.countersChange())
  if (Number.isFinite(expiryMs)) parts.expiration.watch(container)
  return instance
}

/** An instance lives as long as its container allows; `ownMs` is finite only when it ends before the container does. */
function instanceExpiration(execution: Execution, container: Resource, attributes: Attributes) {
  const containerText = container.stored['expirationTime'] as string
  const maxInstanceAge = container.stored['maxInstanceAge'] as number | undefined
  if (attributes['expirationTime'] === undefined && maxInstanceAge === undefined)
    return { text: containerText, ownMs: Number.POSITIVE_INFINITY }
  let text = expirationTime(execution, container, attributes)
  let ms = parseTimestamp(text) ?? Number.POSITIVE_INFINITY
  if (maxInstanceAge !== undefined && execution.nowMs + maxInstanceAge * 1000 < ms) {
    ms = execution.nowMs + maxInstanceAge * 1000
    text = formatTimestamp(ms)
    ms = parseTimestamp(text) ?? ms
  }
  return { text, ownMs: text === containerText ? Number.POSITIVE_INFINITY : ms }
}

/** The expiration time of a new resource: what was asked for, at most its parent's and this CSE's maximum. TS-0004 7.3.3.2. */
function expirationTime(execution: Execution, parent: Resource, attributes: Attributes): string {
  const { nowMs, parts } = execution
  const asked = attributes['expirationTime'] as string | undefined
  const askedMs =
    asked === undefined ? nowMs + parts.settings.defaultLifetimeSeconds * 1000 : (parseTimestamp(asked) as number)
  if (askedMs <= nowMs) throw refused('et', asked, 'a time in the future')
  const latest = latestExpiration(execution, parent)
  if (askedMs > latest.ms) return latest.text
  return asked ?? formatTimestamp(askedMs)
}

/** When a resource expires at the latest: with its parent, which says so to its own precision, or at this CSE's maximum. */
export function latestExpiration(execution: Execution, parent: Resource | undefined): { ms: number; text: string } {
  const parentMs = parent === undefined ? Number.POSITIVE_INFINITY : execution.expiryOf(parent)
  const longestMs = execution.nowMs + execution.parts.settings.maxLifetimeSeconds * 1000
  if (parentMs <= longestMs) return { ms: parentMs, text: parent?.stored['expirationTime'] as string }
  return { ms: longestMs, text: formatTimestamp(longestMs) }
}

function freeName(parent: Resource, type: ResourceType, identifier: string): string {
  const prefix = type.shortName
  const name = identifier.startsWith(prefix)
    ? `${prefix}_${identifier.slice(prefix.length)}`
    : `${prefix}_${identifier}`
  let free = name
  for (let count = 2; isTaken(parent, free); count++) free = `${name}_${count}`
  return free
}

function isTaken(parent: Resource, name: string): boolean {
  return (
    parent.children.has(name) ||
    (parent.definition.virtualChildren?.includes(name) ?? false) ||
    (parent.instances?.isNameTaken(name) ?? false)
  )
}

function conflict(parent: Resource, name: string): OneM2MError {
  return new OneM2MError(Status.CONFLICT, `rn: ${parent.address} has a child named ${name} already`)
}
