/** One request on its way through the CSE: what every operation needs of it, and what behaviours may ask of the engine. */

import { isJsonObject, type JsonObject } from '../onem2m/content.ts'
import { Operation, type RequestPrimitive } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { formatExactTimestamp, parseTimestamp } from '../onem2m/timestamp.ts'
import type { Distant, Engine, Question, ResourceView } from '../resources/behaviour.ts'
import { NotificationEventType } from '../resources/notification-criteria.ts'
import type { Attributes, ResourceType } from '../resources/resource-type.ts'
import type { Announcement } from './announcement-ledger.ts'
import { raise } from './event.ts'
import type { RequestContext } from './handler.ts'
import { Inquiry } from './inquiry.ts'
import { endOfResource, isOver } from './lifetime.ts'
import { missedBy, monitorsOf, type Watcher } from './monitor.ts'
import type { CseParts } from './parts.ts'
import { Resource, type StoredInstance } from './resource.ts'
import { Transaction } from './transaction.ts'
import { checkAddress, type Target } from './tree.ts'

export class Execution implements Engine {
  readonly parts: CseParts
  readonly request: RequestPrimitive
  readonly context: RequestContext
  /** In its shortest form; empty when an AE without an identifier registers. */
  readonly originator: string
  readonly nowMs: number
  readonly transaction = new Transaction()
  /** Subscriptions that want to know of this request, whatever becomes of it. */
  watchers: readonly Watcher[] | undefined
  /** What it changes of what is announced at other CSEs: the response follows that. */
  announcements: Announcement[] | undefined
  /** What has to be read before a denial counts: policies at other CSEs. */
  unread: Promise<unknown> | undefined
  /** It has been: whatever is not known by now grants nothing. */
  hasWaited = false
  #inquiry: Inquiry | undefined
  #reserved: string | undefined

  constructor(parts: CseParts, request: RequestPrimitive, context: RequestContext) {
    this.parts = parts
    this.request = request
    this.context = context
    this.originator = parts.access.shortOriginator(request.originator ?? '')
    this.nowMs = parts.clock.wallMs()
  }

  get now(): string {
    return this.parts.timestampOf(this.nowMs)
  }

  get cseId(): string {
    return this.parts.settings.cseId
  }

  get spId(): string {
    return this.parts.settings.spId
  }

  get resourceTypes(): ReadonlyMap<number, ResourceType> {
    return this.parts.resourceTypes
  }

  /** Whether the target lies at another CSE. Throws BAD_REQUEST for what is no address. */
  get isForOtherCse(): boolean {
    const { to } = this.request
    if (!to.startsWith('/')) return false
    checkAddress(to)
    return this.parts.tree.localPart(to) === undefined
  }

  /** What the request is addressed to. Throws NOT_FOUND. */
  target(address = this.request.to): Target {
    const { tree } = this.parts
    checkAddress(address)
    const local = tree.localPart(address)
    if (local === undefined)
      throw new OneM2MError(
        Status.NOT_FOUND,
        `to: ${address} lies at another CSE, and none is registered under that identifier`,
      )
    const target = tree.resolve(local, this.nowMs)
    if (target === undefined) {
      this.watchers ??= missedBy(this, address)
      if (isChange(this.request) && this.#isVirtual(address))
        throw new OneM2MError(Status.OPERATION_NOT_ALLOWED, `to: ${address} is retrieved and deleted, nothing else`)
      throw new OneM2MError(Status.NOT_FOUND, `to: there is no ${address}`)
    }
    if (this.#hasExpired(target.resource)) throw new OneM2MError(Status.NOT_FOUND, `to: ${address} has expired`)
    const { resource, virtualChild } = target
    if (resource instanceof Resource && resource.subscriptions.length > 0 && virtualChild === undefined)
      this.watchers ??= monitorsOf(this, resource)
    return target
  }

  /** Whether an address names a virtual child, which may stand for nothing at the moment. */
  #isVirtual(address: string): boolean {
    const slash = address.lastIndexOf('/')
    const parent = this.resolve(address.slice(0, Math.max(0, slash)))
    return parent?.definition.virtualChildren?.includes(address.slice(slash + 1)) === true
  }

  resolve(identifier: string): ResourceView | undefined {
    const local = this.parts.tree.localPart(identifier)
    return local === undefined ? undefined : this.parts.tree.resolve(local, this.nowMs)?.resource
  }

  allows(originator: string, operation: number, resource: ResourceView): boolean {
    return this.parts.access.allows(this.shortOriginator(originator), operation, resource, this.context)
  }

  /** Throws ORIGINATOR_HAS_NO_PRIVILEGE unless the originator has the right on the resource. */
  require(right: number, resource: ResourceView, childType?: number): void {
    const attributes = touchedAttributes(this.request)
    if (this.parts.access.allows(this.originator, right, resource, this.context, { childType, attributes })) return
    throw this.denied(
      `has no right ${right} (1 create, 2 retrieve, 4 update, 8 delete, 16 notify, 32 discovery) on ${resource.address}`,
      resource,
    )
  }

  /** ORIGINATOR_HAS_NO_PRIVILEGE by what is known of these policies, or of those of a resource. */
  denied(reason: string, policies: ResourceView | readonly string[]): OneM2MError {
    this.unread = this.parts.access.unread(policies)
    return new OneM2MError(Status.ORIGINATOR_HAS_NO_PRIVILEGE, `fr: ${this.originator} ${reason}`)
  }

  newIdentifier(prefix: string): string {
    let identifier = prefix + this.parts.randomId()
    while (this.parts.tree.get(identifier) !== undefined) identifier = prefix + this.parts.randomId()
    return identifier
  }

  reserveIdentifier(prefix: string): string {
    this.#reserved ??= this.newIdentifier(prefix)
    return this.#reserved
  }

  ask(question: Question): boolean {
    return this.#inquire().ask(question)
  }

  learn(identifier: string): Distant | undefined {
    return this.parts.tree.localPart(identifier) === undefined ? this.#inquire().learn(identifier) : undefined
  }

  #inquire(): Inquiry {
    this.#inquiry ??= new Inquiry(this.parts.settings.notification.verification)
    return this.#inquiry
  }

  /** What others have to be asked before the request is executed any further. */
  get openInquiry(): Inquiry | undefined {
    return this.#inquiry?.isNeeded === true ? this.#inquiry : undefined
  }

  shortOriginator(originator: string): string {
    return this.parts.access.shortOriginator(originator)
  }

  childrenOf(resource: ResourceView): Iterable<ResourceView> {
    return this.parts.tree.get(resource.resourceIdentifier)?.children.values() ?? []
  }

  remoteCse(cseId: string): ResourceView | undefined {
    return this.parts.routes.remoteCse(cseId)
  }

  remoteCsesChange(): void {
    this.transaction.afterCommit(() => this.parts.remoteCsesChanged())
  }

  notify(targets: readonly string[], notification: JsonObject): void {
    this.transaction.afterCommit(() => {
      for (const target of targets) this.parts.notifier.send(target, notification)
    })
  }

  /** When the resource expires; milliseconds since 1970, Infinity for the CSEBase. */
  expiryOf(resource: Resource): number {
    const text = resource.stored['expirationTime']
    return typeof text === 'string' ? (parseTimestamp(text) ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY
  }

  /** What has expired is never shown, even in the moment before it is removed. An instance ends with its container; what ends before, its log sees to. */
  #hasExpired(resource: Resource | StoredInstance): boolean {
    const structure = resource instanceof Resource ? resource : resource.parent
    const text = structure.stored['expirationTime']
    if (typeof text !== 'string') return false
    // A time stamp of whole seconds stands before the exact ones of its second, as text too; this is asked at every step of a path.
    if (text.length === 15 && text > this.now) return false
    const { clock } = this.parts
    return isOver(clock, endOfResource(clock, structure), this.nowMs)
  }

  amend(resource: ResourceView, changes: Attributes): void {
    const structure = this.parts.tree.get(resource.resourceIdentifier)
    if (structure === undefined) return
    const attributes: Record<string, unknown> = { ...structure.stored, lastModifiedTime: this.now, ...changes }
    for (const name in changes) if (changes[name] === undefined) delete attributes[name]
    this.replaceAttributes(structure, attributes)
    const modified = new Set([...Object.keys(changes), 'lastModifiedTime'])
    raise(this, structure, { event: NotificationEventType.UPDATE_OF_RESOURCE, resource: structure, modified })
  }

  /** Gives a resource other attributes, for good once the transaction is stored. */
  replaceAttributes(resource: Resource, attributes: Resource['stored']): void {
    const { tree } = this.parts
    const before = resource.stored
    tree.replaceAttributes(resource, attributes)
    this.transaction.onUndo(() => tree.replaceAttributes(resource, before))
    this.transaction.changes.push(tree.changeOf(resource))
  }
}

function isChange({ operation }: RequestPrimitive): boolean {
  return operation !== Operation.RETRIEVE && operation !== Operation.DELETE
}

/** The attributes that a request gives or asks for; undefined when it is about a resource as a whole. */
function touchedAttributes({ operation, attributeList, content }: RequestPrimitive): readonly string[] | undefined {
  if (operation === Operation.RETRIEVE) return attributeList
  const given = Object.values(content ?? {})[0]
  return isJsonObject(given) ? Object.keys(given) : undefined
}

/** Remembers the text of the current moment: a time stamp is asked for several times a request. */
export function timestampCache(): (ms: number) => string {
  let moment = Number.NaN
  let text = ''
  return (ms) => {
    if (ms !== moment) {
      moment = ms
      text = formatExactTimestamp(ms)
    }
    return text
  }
}
