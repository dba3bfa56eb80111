/** The resources of the tree as they lie in memory: structure with its children, and instances as they come from the disk. */

import type { JsonObject } from '../onem2m/content.ts'
import type { ResourceView } from '../resources/behaviour.ts'
import { type Attributes, decodeStored, encodeAttributes, type ResourceType } from '../resources/resource-type.ts'
import type { InstanceLog } from './instance-log.ts'
import { chosenNameIn, completeRecord } from './instance-record.ts'

interface ResourceFacts {
  readonly definition: ResourceType
  readonly resourceIdentifier: string
  readonly name: string
  readonly parent: Resource | undefined
  readonly originator: string
  readonly attributes: Attributes
}

const childless: ReadonlyMap<string, Resource> = new Map()
const unwatched: readonly never[] = []

/** A resource that lives in memory. Its attributes are an immutable record: a change puts another record in its place. */
export class Resource implements ResourceView {
  readonly definition: ResourceType
  readonly resourceIdentifier: string
  readonly name: string
  readonly parent: Resource | undefined
  readonly originator: string
  /** 0 for the CSEBase. */
  readonly depth: number
  /** Children of type subscription, which every event looks at. */
  subscriptions: readonly Resource[] = unwatched
  /** Of containers and the like. */
  instances: InstanceLog | undefined
  /** Most resources have none, and what they do not need is not made. */
  #children: Map<string, Resource> | undefined
  /** Attributes in use, or as they came from the disk: at least one of the two is there. */
  #stored: Attributes | undefined
  #wireText: string | undefined

  constructor(facts: ResourceFacts) {
    this.definition = facts.definition
    this.resourceIdentifier = facts.resourceIdentifier
    this.name = facts.name
    this.parent = facts.parent
    this.originator = facts.originator
    this.depth = facts.parent === undefined ? 0 : facts.parent.depth + 1
    this.#stored = facts.attributes
  }

  /** Structured, CSE-relative (TS-0001 9.3.1): made when it is asked for, as most are not for years. */
  get address(): string {
    return this.parent === undefined ? this.name : `${this.parent.address}/${this.name}`
  }

  /** What is stored: all but the counters of instances and what is computed at each retrieve. */
  get stored(): Attributes {
    this.#stored ??= decodeStored(this.definition, JSON.parse(this.#wireText as string) as JsonObject)
    return this.#stored
  }

  set stored(attributes: Attributes) {
    this.#stored = attributes
    this.#wireText = undefined
  }

  get attributes(): Attributes {
    return this.instances === undefined ? this.stored : { ...this.stored, ...this.instances.counters }
  }

  /** The attributes as JSON text in wire form. */
  get wireText(): string {
    this.#wireText ??= JSON.stringify(encodeAttributes(this.definition, this.stored))
    return this.instances === undefined ? this.#wireText : this.instances.completeWireText(this.#wireText)
  }

  /** Keeps nothing of the attributes but their text until somebody asks for them again: most resources are asked for rarely. */
  fold(wireText: string): void {
    this.#wireText = wireText
    this.#stored = undefined
  }

  /** By name. */
  get children(): ReadonlyMap<string, Resource> {
    return this.#children ?? childless
  }

  /** Takes a child, in the place of the one that has its name. */
  adopt(child: Resource, isSubscription = false): void {
    this.#children ??= new Map()
    this.#children.set(child.name, child)
    if (isSubscription) this.subscriptions = [...this.subscriptions, child]
  }

  release(child: Resource): void {
    if (this.#children?.get(child.name) === child) this.#children.delete(child.name)
    if (this.subscriptions.includes(child)) this.subscriptions = this.subscriptions.filter((each) => each !== child)
  }

  /** True when `other` is this resource or lies below it. */
  contains(other: ResourceView): boolean {
    for (let at: ResourceView | undefined = other; at !== undefined; at = at.parent) if (at === this) return true
    return false
  }
}

/** One instance of a container, read from the disk for the time of a request. */
export class StoredInstance implements ResourceView {
  readonly parent: Resource
  readonly sequence: number
  /** As it is stored. */
  readonly record: string
  readonly #log: InstanceLog
  #attributes: Attributes | undefined

  constructor(log: InstanceLog, parent: Resource, sequence: number, record: string) {
    this.#log = log
    this.parent = parent
    this.sequence = sequence
    this.record = record
  }

  get definition(): ResourceType {
    return this.#log.type
  }

  /** The attributes as JSON text in wire form. */
  get wireText(): string {
    return completeRecord(this.record, {
      resourceType: this.definition.type,
      resourceIdentifier: this.resourceIdentifier,
      parentIdentifier: this.parent.resourceIdentifier,
      defaultName: this.#log.defaultName(this.sequence),
    })
  }

  get attributes(): Attributes {
    this.#attributes ??= decodeStored(this.definition, JSON.parse(this.wireText) as JsonObject)
    return this.#attributes
  }

  get stored(): Attributes {
    return this.attributes
  }

  get resourceIdentifier(): string {
    return this.#log.identifierOf(this.sequence)
  }

  get name(): string {
    return chosenNameIn(this.record) ?? this.#log.defaultName(this.sequence)
  }

  get address(): string {
    return `${this.parent.address}/${this.name}`
  }

  /** Instances have no originator of their own: their container's rights are theirs. */
  get originator(): string {
    return this.parent.originator
  }
}
