/**
 * What a resource type may add to what its table says: checks and derived values at the moments of a resource's life, and what the engine
 * offers them. All hooks are synchronous and work on memory; what they throw as OneM2MError refuses the request as a whole.
 */

import type { JsonObject } from '../onem2m/content.ts'
import type { RequestPrimitive } from '../onem2m/primitive.ts'
import type { Attributes, ResourceType } from './resource-type.ts'

/** A resource in the tree, as behaviours see it. */
export interface ResourceView {
  readonly definition: ResourceType
  readonly resourceIdentifier: string
  readonly name: string
  /** Structured, CSE-relative: `onem2m/ae/temp`. */
  readonly address: string
  readonly parent: ResourceView | undefined
  /** Who created it, also where `creator` is not among its attributes. */
  readonly originator: string
  readonly attributes: Attributes
  /** The attributes without counters that change by themselves; cheaper to get at. */
  readonly stored: Attributes
}

/** A resource that is about to be created: hooks may change what is not readonly. */
export interface Draft {
  readonly parent: ResourceView
  readonly originator: string
  readonly attributes: Record<string, unknown>
  /** Proposed by the engine; AE and remoteCSE choose their own. */
  resourceIdentifier: string
  name: string
  /** As the request had it, for what the table can't tell. */
  readonly wire: JsonObject
  readonly releaseVersionIndicator: string | undefined
}

/** An UPDATE that is about to be made. */
export interface Revision {
  readonly resource: ResourceView
  readonly originator: string
  /** New values by long name; undefined deletes. Hooks may add to it. */
  readonly changes: Map<string, unknown>
  /** The attribute as it will be. */
  value(name: string): unknown
}

/** What somebody else has to agree to before a request is executed. */
export interface Question {
  readonly target: string
  readonly notification: JsonObject
  /** Whether the target wants notifications at all, agrees to an UPDATE, or to another target's leaving. */
  readonly about: 'notification' | 'update' | 'removal'
}

/** A resource of another CSE, as that shows it to the originator, or that it does not. */
export type Distant = Pick<ResourceView, 'definition' | 'stored'> | 'forbidden'

/** What the engine does for a behaviour. */
export interface Engine {
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** Now, as a time stamp. */
  readonly now: string
  readonly cseId: string
  readonly spId: string
  /** Resource types this CSE has, by number. */
  readonly resourceTypes: ReadonlyMap<number, ResourceType>
  /** The local resource an identifier of any form leads to; undefined when there is none, or it lies at another CSE. */
  resolve(identifier: string): ResourceView | undefined
  /** True when the originator may do this (a bit of accessControlOperations) to the resource. */
  allows(originator: string, operation: number, resource: ResourceView): boolean
  /** An identifier nobody has, with this prefix. */
  newIdentifier(prefix: string): string
  /** The same, and the same again for as long as the request is under way. */
  reserveIdentifier(prefix: string): string
  /** The identifier of an originator without what is this CSE's own: `//sp/cse/CAE01`, `/cse/CAE01` and `CAE01` are one. */
  shortOriginator(originator: string): string
  /** Changes another resource as a consequence of this change; undefined deletes an attribute. Its subscribers are told. */
  amend(resource: ResourceView, changes: Attributes): void
  /** Children of a resource that are kept in memory. */
  childrenOf(resource: ResourceView): Iterable<ResourceView>
  /**
   * True when the target agreed. Before it was asked, false: the hook goes on with its checks, then the target is asked, the request is
   * executed again from its start, and refused if the target did not agree.
   */
  ask(question: Question): boolean
  /** What lies at another CSE, which is asked for it like `ask` does. Undefined before that, when it can't be had, and for what should be here. */
  learn(identifier: string): Distant | undefined
  /** The remoteCSE of a CSE-ID. */
  remoteCse(cseId: string): ResourceView | undefined
  /** Which CSEs are known here, and how they are reached, is other once the change is on the disk. */
  remoteCsesChange(): void
  /** Sends a NOTIFY once the change is on the disk. */
  notify(targets: readonly string[], notification: JsonObject): void
}

export interface Behaviour {
  /** CREATE by request is refused (OPERATION_NOT_ALLOWED) with this reason. */
  readonly refusesCreate?: string
  readonly refusesUpdate?: string
  readonly refusesDelete?: string
  /** After the table's checks, before name and expiration time are settled. */
  beforeCreate?(draft: Draft, engine: Engine): void
  beforeUpdate?(revision: Revision, engine: Engine): void
  beforeDelete?(resource: ResourceView, engine: Engine): void
  /**
   * The attributes of the instance that a resource's new state leaves behind; undefined when it keeps none. `modified` are the long names of
   * what an update changed; it is absent for a new resource.
   */
  instanceOf?(resource: ResourceView, modified?: ReadonlySet<string>): Record<string, unknown> | undefined
  /** Whether this update leaves all instances behind. */
  leavesInstances?(revision: Revision): boolean
  /** Attributes computed at each retrieve. */
  computed?(resource: ResourceView, engine: Engine): Attributes
  /** Where a request to a virtual child of a resource of this type is sent instead: fan-out. */
  members?(resource: ResourceView, virtualChild: string, request: RequestPrimitive): readonly string[]
}
