/**
 * The resource tree: who is whose child, which identifier means which resource, and indexes over what discovery asks for most. It knows
 * every addressing form of TS-0004 7.3.2 and nothing of operations.
 */

import type { Clock } from '../onem2m/clock.ts'
import type { JsonObject } from '../onem2m/content.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { decodeStored, encodeAttributes, type ResourceType } from '../resources/resource-type.ts'
import type { Store, StoreChange } from '../store/store.ts'
import { InstanceLog } from './instance-log.ts'
import { Resource, type StoredInstance } from './resource.ts'

/** What an address leads to: a resource, an instance, or a virtual child (`fopt`, `pcu`) with what follows it. */
export interface Target {
  readonly resource: Resource | StoredInstance
  readonly virtualChild?: string
  readonly suffix?: string
}

interface TreeFacts {
  readonly store: Store
  readonly clock: Clock
  readonly resourceTypes: ReadonlyMap<number, ResourceType>
  readonly typesByMemberName: ReadonlyMap<string, ResourceType>
  readonly cseId: string
  readonly spId: string
  readonly cseBaseName: string
}

/** The resource identifier of the CSEBase. */
export const rootIdentifier = 'cb'

const subscriptionType = 23

/** How a structural resource is stored: internal originator, attributes in wire form, and which specialization it is. */
type StoredResource = readonly [originator: string, attributes: JsonObject, memberName?: string]

interface LoadedResource {
  readonly definition: ResourceType
  readonly resourceIdentifier: string
  readonly originator: string
  readonly attributes: Resource['stored']
  readonly wireText: string
}

export class Tree {
  readonly #facts: TreeFacts
  readonly #byIdentifier = new Map<string, Resource>()
  readonly #byType = new Map<number, Set<Resource>>()
  readonly #byLabel = new Map<string, Set<Resource>>()
  /** Containers whose instances have, or had, labels. */
  readonly #withLabelledInstances = new Set<Resource>()
  /** Roots of subtrees that are gone, whose resources are still in the indexes. */
  readonly #detached = new Set<Resource>()
  #root: Resource | undefined

  constructor(facts: TreeFacts) {
    this.#facts = facts
  }

  get root(): Resource {
    if (this.#root === undefined) throw new Error('the tree is not loaded')
    return this.#root
  }

  get size(): number {
    return this.#byIdentifier.size
  }

  get(resourceIdentifier: string): Resource | undefined {
    const resource = this.#byIdentifier.get(resourceIdentifier)
    return resource !== undefined && this.#detached.size > 0 && this.#isDetached(resource) ? undefined : resource
  }

  /** Takes a subtree out of sight in one step; its resources are in the indexes until each is removed. */
  detach(root: Resource): void {
    this.#detached.add(root)
    root.parent?.release(root)
  }

  attach(root: Resource): void {
    this.#detached.delete(root)
    root.parent?.adopt(root, root.definition.type === subscriptionType)
  }

  /** All resources of a detached subtree have been removed. */
  settle(root: Resource): void {
    this.#detached.delete(root)
  }

  #isDetached(resource: Resource): boolean {
    for (let at: Resource | undefined = resource; at !== undefined; at = at.parent)
      if (this.#detached.has(at)) return true
    return false
  }

  ofType(type: number): ReadonlySet<Resource> {
    return this.#byType.get(type) ?? new Set()
  }

  withLabel(label: string): ReadonlySet<Resource> {
    return this.#byLabel.get(label) ?? new Set()
  }

  /** Containers with instances that have labels. */
  *withLabelledInstances(): Iterable<Resource> {
    for (const container of this.#withLabelledInstances) if (container.instances?.hasLabels === true) yield container
  }

  /** Has discovery by label look into a container. */
  noteLabelledInstances(container: Resource): void {
    this.#withLabelledInstances.add(container)
  }

  /**
   * The part of an address that follows this CSE's own identifier, or undefined when the address leads to another CSE.
   * TS-0004 7.3.2.6: `onem2m/x`, `/mn-cse-1/onem2m/x`, `//openmtc.org/mn-cse-1/onem2m/x` are one.
   */
  localPart(address: string): string | undefined {
    if (!address.startsWith('/')) return address
    const { cseId, spId } = this.#facts
    let rest = address
    if (address.startsWith('//')) {
      if (!address.startsWith(`${spId}/`)) return undefined
      rest = address.slice(spId.length)
    }
    if (rest === cseId) return ''
    // The AE-ID of an S-type has no CSE part (TS-0001 7.2).
    if (rest.startsWith('/S') && this.get(rest.slice(1)) !== undefined) return rest.slice(1)
    return rest.startsWith(`${cseId}/`) ? rest.slice(cseId.length + 1) : undefined
  }

  /** What a CSE-relative address leads to; undefined when nothing is there. */
  resolve(localPart: string, nowMs: number): Target | undefined {
    const root = this.root
    let at = root
    let rest = localPart
    const first = takeSegment(rest)
    if (first === this.#facts.cseBaseName || first === '-' || localPart === '') {
      rest = rest.slice(first.length + 1)
    } else {
      const resource = this.get(first)
      if (resource === undefined) {
        const instance = this.#instanceByIdentifier(first, nowMs)
        return instance === undefined || rest.length > first.length ? undefined : { resource: instance }
      }
      at = resource
      rest = rest.slice(first.length + 1)
    }
    while (rest !== '') {
      const segment = takeSegment(rest)
      rest = rest.slice(segment.length + 1)
      const child = at.children.get(segment)
      if (child !== undefined) at = child
      else return this.#beyondStructure(at, segment, rest, nowMs)
    }
    return { resource: at }
  }

  #beyondStructure(at: Resource, segment: string, rest: string, nowMs: number): Target | undefined {
    if (at.definition.virtualChildren?.includes(segment)) {
      if (at.instances === undefined) return { resource: at, virtualChild: segment, suffix: rest }
      const instance = segment === 'la' ? at.instances.latest(nowMs) : at.instances.oldest(nowMs)
      return instance === undefined || rest !== '' ? undefined : { resource: instance, virtualChild: segment }
    }
    const instance = rest === '' ? at.instances?.findByName(segment, nowMs) : undefined
    return instance === undefined ? undefined : { resource: instance }
  }

  #instanceByIdentifier(identifier: string, nowMs: number): StoredInstance | undefined {
    const cut = identifier.lastIndexOf('-')
    if (cut <= 0) return undefined
    return this.get(identifier.slice(0, cut))?.instances?.findBySuffix(identifier.slice(cut + 1), nowMs)
  }

  /** Puts a resource into the tree and all indexes. */
  add(resource: Resource): void {
    const { definition, parent } = resource
    if (definition.instanceDefinition !== undefined)
      resource.instances ??= new InstanceLog(resource, definition.instanceDefinition, this.#facts)
    if (parent === undefined) this.#root = resource
    else parent.adopt(resource, definition.type === subscriptionType)
    this.#byIdentifier.set(resource.resourceIdentifier, resource)
    addTo(this.#byType, definition.type, resource)
    for (const label of labelsOf(resource)) addTo(this.#byLabel, label, resource)
    if (resource.instances?.hasLabels === true) this.#withLabelledInstances.add(resource)
  }

  /** Takes one resource out of the tree and all indexes; its children are the caller's business. */
  remove(resource: Resource): void {
    const { definition, parent } = resource
    parent?.release(resource)
    // The identifier of an AE may be somebody else's by now.
    if (this.#byIdentifier.get(resource.resourceIdentifier) === resource)
      this.#byIdentifier.delete(resource.resourceIdentifier)
    removeFrom(this.#byType, definition.type, resource)
    this.#withLabelledInstances.delete(resource)
    for (const label of labelsOf(resource)) removeFrom(this.#byLabel, label, resource)
  }

  /** Gives a resource other attributes and keeps the indexes right. */
  replaceAttributes(resource: Resource, attributes: Resource['stored']): void {
    for (const label of labelsOf(resource)) removeFrom(this.#byLabel, label, resource)
    resource.stored = attributes
    for (const label of labelsOf(resource)) addTo(this.#byLabel, label, resource)
  }

  changeOf(resource: Resource): StoreChange {
    const { definition, originator } = resource
    return {
      key: `r/${resource.resourceIdentifier}`,
      value: () => {
        const wire = encodeAttributes(definition, resource.stored)
        const record: StoredResource =
          definition.isSpecialized === true ? [originator, wire, definition.memberName] : [originator, wire]
        return JSON.stringify(record)
      },
    }
  }

  removalOf(resource: Resource): StoreChange {
    return { key: `r/${resource.resourceIdentifier}`, value: undefined }
  }

  /**
   * Loads the structure below `root`. Resources whose parent or type is not there are left out and counted: after a repair of a damaged
   * store some may be missing, and the rest must still be served. Those that are `gone` are on the disk only because their removal has not
   * come to its end. `placed` hears of each while its attributes are at hand; after that it keeps their text alone.
   */
  async load(
    root: Resource,
    gone: ReadonlySet<string>,
    placed: (resource: Resource) => void,
  ): Promise<{ readonly resources: number; readonly orphans: number }> {
    this.add(root)
    const waiting = new Map<string, LoadedResource[]>()
    let found = 0
    for await (const [key, text] of this.#facts.store.scanText({ from: 'r/', to: 'r0' })) {
      const resourceIdentifier = key.slice(2)
      if (resourceIdentifier === rootIdentifier || gone.has(resourceIdentifier)) continue
      found++
      const loaded = this.#read(resourceIdentifier, text)
      if (loaded !== undefined) this.#place(loaded, waiting, placed)
    }
    return { resources: this.size, orphans: found - (this.size - 1) }
  }

  /** A resource from its stored text; undefined when that is damaged, or of a type that this CSE has no more. */
  #read(resourceIdentifier: string, text: string): LoadedResource | undefined {
    const { resourceTypes, typesByMemberName } = this.#facts
    try {
      const [originator, wire, memberName] = JSON.parse(text) as StoredResource
      const definition =
        memberName === undefined ? resourceTypes.get(wire['ty'] as number) : typesByMemberName.get(memberName)
      return definition === undefined
        ? undefined
        : {
            definition,
            resourceIdentifier,
            originator,
            attributes: decodeStored(definition, wire),
            wireText: text.slice(`[${JSON.stringify(originator)},`.length, text.lastIndexOf('}') + 1),
          }
    } catch {
      // Whatever is wrong with it: the gateway starts with the others, and the log counts it.
      return undefined
    }
  }

  /** Places a stored resource below its parent, and then those that have waited for it; without its parent it waits itself. */
  #place(first: LoadedResource, waiting: Map<string, LoadedResource[]>, placed: (resource: Resource) => void): void {
    const ready = [first]
    for (let loaded = ready.pop(); loaded !== undefined; loaded = ready.pop()) {
      const { resourceIdentifier, attributes } = loaded
      const parent = this.#byIdentifier.get(attributes['parentIdentifier'] as string)
      if (parent === undefined) {
        addToList(waiting, attributes['parentIdentifier'] as string, loaded)
        continue
      }
      const resource = new Resource({ ...loaded, name: attributes['resourceName'] as string, parent })
      this.add(resource)
      resource.instances?.restore()
      if (resource.instances?.hasLabels === true) this.#withLabelledInstances.add(resource)
      placed(resource)
      resource.fold(loaded.wireText)
      const children = waiting.get(resourceIdentifier)
      if (children === undefined) continue
      waiting.delete(resourceIdentifier)
      for (const child of children.reverse()) ready.push(child)
    }
  }
}

/** An address that is none, refused with what is wrong about it: empty segments, white space. */
export function checkAddress(to: string): void {
  if (to === '' || to.length > 1024 || /\s|[^/]\/\/|^\/\/\/|\/$/.test(to))
    throw new OneM2MError(
      Status.BAD_REQUEST,
      `to: got ${JSON.stringify(to.slice(0, 80))}, expected an address such as onem2m/app/temp, /mn-cse-1/onem2m or //sp/mn-cse-1/cnt1`,
    )
}

function takeSegment(path: string): string {
  const slash = path.indexOf('/')
  return slash < 0 ? path : path.slice(0, slash)
}

function labelsOf(resource: Resource): readonly string[] {
  return (resource.stored['labels'] as readonly string[] | undefined) ?? []
}

function addToList<K, T>(lists: Map<K, T[]>, key: K, item: T): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [item])
  else list.push(item)
}

function addTo<K>(index: Map<K, Set<Resource>>, key: K, resource: Resource): void {
  const set = index.get(key)
  if (set === undefined) index.set(key, new Set([resource]))
  else set.add(resource)
}

function removeFrom<K>(index: Map<K, Set<Resource>>, key: K, resource: Resource): void {
  const set = index.get(key)
  set?.delete(resource)
  if (set?.size === 0) index.delete(key)
}
