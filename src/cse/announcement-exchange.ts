/**
 * What is said to other CSEs so that an announced resource there is as its original is here (TS-0004 7.3.3.10, 7.3.3.11): made below what is
 * announced of the parent, found again where a response was lost, made anew where the other CSE has lost it.
 */

import { contentObject, type JsonObject } from '../onem2m/content.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { announcedOffset } from '../resources/announced.ts'
import { announcedWire, announceTargets, cseOfEntry, withdrawn } from './announcement.ts'
import type { Announcement, AnnouncementLedger } from './announcement-ledger.ts'
import type { Execution } from './execution.ts'
import type { Resource, StoredInstance } from './resource.ts'
import type { Tree } from './tree.ts'

export interface AnnouncementExchangeFacts {
  readonly tree: Tree
  readonly ledger: AnnouncementLedger
  readonly cseId: string
  readonly randomId: () => string
  /** Sends a request to another CSE, once; rejects when that can't be reached or does not answer. */
  readonly carry: (target: string, request: RequestPrimitive) => Promise<ResponsePrimitive>
  /** Undefined where there is none. */
  readonly registrarCseId: string | undefined
  /** The address of the CSEBase of another CSE. */
  readonly baseOf: (cseId: string) => string
  readonly internally: (change: (execution: Execution) => void) => void
  /** Has something else done, in its turn. */
  readonly enqueue: (record: Announcement) => void
}

/** What a CREATE may be answered with that says what to do next. */
const settling: readonly number[] = [Status.NOT_FOUND, Status.CONFLICT, Status.BAD_REQUEST]

export class AnnouncementExchange {
  /** Announced resources that were made. */
  announced = 0
  readonly #facts: AnnouncementExchangeFacts
  /** CSEs that give the names themselves. */
  readonly #nameless = new Set<string>()

  constructor(facts: AnnouncementExchangeFacts) {
    this.#facts = facts
  }

  /** What is to be announced of a resource, or of an instance of a container, somewhere. */
  newRecord(original: string, target: string, place?: string, container?: string): Announcement {
    return {
      original,
      target,
      requestIdentifier: this.#facts.randomId(),
      ...(place === undefined ? {} : { place }),
      ...(container === undefined ? {} : { container }),
    }
  }

  /** Makes or updates what is announced of a resource. Rejects with what the other CSE objects to, or when it is away. */
  async settle(record: Announcement, resource: Resource | StoredInstance): Promise<void> {
    if (record.address === undefined) await this.#create(record, resource)
    else if (record.isStale === true && !(await this.#update(record, resource))) {
      this.#reset(record, resource)
      await this.#create(record, resource)
    }
  }

  /** Takes back what is announced. Rejects as `settle` does. */
  async withdraw(record: Announcement): Promise<void> {
    const { address } = record
    if (address === undefined) return
    if (this.#isRegistration(record))
      await this.#request(record, Operation.UPDATE, address, { content: withdrawn }, [Status.NOT_FOUND])
    else await this.#request(record, Operation.DELETE, address, {}, [Status.NOT_FOUND])
  }

  /** The announced resource takes the place of its CSE in announceTo: TS-0004 7.3.3.10. Without an address the CSE leaves the list. */
  show({ target }: Announcement, resource: Resource, address: string | undefined): void {
    const { tree, internally } = this.#facts
    if (resource === tree.root) return
    internally((execution) => {
      if (tree.get(resource.resourceIdentifier) !== resource) return
      const entries = announceTargets(resource).flatMap((entry) =>
        cseOfEntry(entry) === target ? (address === undefined ? [] : [address]) : [entry],
      )
      const { announceTo: _, ...rest } = resource.stored
      execution.replaceAttributes(resource, entries.length === 0 ? rest : { ...rest, announceTo: entries })
    })
  }

  /** Whether this is how the registrar knows an AE of the whole service provider, of which its CSE speaks there in its name. */
  #isRegistration({ original, target }: Announcement): boolean {
    return original.startsWith('S') && target === this.#facts.registrarCseId
  }

  async #create(record: Announcement, resource: Resource | StoredInstance): Promise<void> {
    const { definition, parent } = resource
    record.isStale = false
    const wire = announcedWire(resource, this.#facts.cseId)
    const member = `${definition.memberName}A`
    let place = ''
    // A name that says of what it is, so that a CREATE whose response was lost is found again. Strict peers take none: TS-0001 9.6.26.
    const name = this.#nameless.has(record.target) ? {} : { rn: resource.resourceIdentifier }
    const create = async (given: JsonObject = name) => {
      place = await this.#placeOf(record, resource)
      const content = { [member]: { ...given, ...wire } }
      const resourceType = definition.type + announcedOffset
      const { requestIdentifier } = record
      return this.#request(record, Operation.CREATE, place, { requestIdentifier, resourceType, content }, settling)
    }
    let response = await create()
    if (response.responseStatusCode === Status.BAD_REQUEST && 'rn' in name) {
      record.requestIdentifier = this.#facts.randomId()
      response = await create({})
      if (response.responseStatusCode < 4000) this.#nameless.add(record.target)
    }
    const above = this.#above(record, resource)
    if (response.responseStatusCode === Status.NOT_FOUND && above !== undefined && parent !== undefined) {
      // The other CSE has lost what this was to lie below.
      record.requestIdentifier = this.#facts.randomId()
      this.#reset(above, above.original === parent.resourceIdentifier ? parent : this.#facts.tree.root)
      response = await create()
    }
    const made = response.content === undefined ? undefined : contentObject(response.content)[member]
    const identifier = (made as JsonObject | undefined)?.['ri']
    if (typeof identifier === 'string')
      record.address = identifier.startsWith('/') ? identifier : `${record.target}/${identifier}`
    else if (response.responseStatusCode === Status.CONFLICT) {
      record.address = `${place}/${resource.resourceIdentifier}`
      // It may be there from earlier.
      record.isStale = record.container === undefined
    } else throw new OneM2MError(Status.BAD_REQUEST, `${response.responseStatusCode}, and no announced resource`)
    record.sent = Object.keys(wire)
    this.announced++
    if (record.container === undefined) this.show(record, resource as Resource, record.address)
  }

  /** False when the announced resource is there no more. */
  async #update(record: Announcement, resource: Resource | StoredInstance): Promise<boolean> {
    record.isStale = false
    const { lnk, ...rest } = announcedWire(resource, this.#facts.cseId)
    const wire = lnk !== undefined && this.#isRegistration(record) ? { lnk, ...rest } : rest
    const removed = (record.sent ?? []).filter((short) => short !== 'lnk' && !(short in wire))
    const content = {
      [`${resource.definition.memberName}A`]: { ...wire, ...Object.fromEntries(removed.map((short) => [short, null])) },
    }
    const to = record.address as string
    const response = await this.#request(record, Operation.UPDATE, to, { content }, [Status.NOT_FOUND]).catch(
      (error) => {
        record.isStale = true
        throw error
      },
    )
    record.sent = ['lnk', ...Object.keys(wire)]
    return response.responseStatusCode !== Status.NOT_FOUND
  }

  /** The other CSE has lost it, and with it what lay below. */
  #reset(record: Announcement, resource: Resource | StoredInstance): void {
    delete record.address
    record.requestIdentifier = this.#facts.randomId()
    if (!('children' in resource)) return
    for (const child of resource.children.values()) {
      const below = this.#facts.ledger.at(child.resourceIdentifier, record.target)
      if (below?.address === undefined) continue
      this.#reset(below, child)
      this.#facts.enqueue(below)
    }
  }

  /** Below what is announced of the parent; else where it was asked for; else below what is announced of this CSE. TS-0004 7.3.3.10. */
  async #placeOf(record: Announcement, resource: Resource | StoredInstance): Promise<string> {
    const { tree, baseOf } = this.#facts
    const { parent } = resource
    if (parent === undefined) return baseOf(record.target)
    const above = this.#above(record, resource)
    if (above === undefined && record.place !== undefined) return record.place
    if (above !== undefined)
      return this.#addressOf(above, above.original === parent.resourceIdentifier ? (parent as Resource) : tree.root)
    return this.#addressOf(this.newRecord(tree.root.resourceIdentifier, record.target), tree.root)
  }

  /** What a resource is announced below: its parent, or this CSE where nobody asked for another place. */
  #above({ target, place }: Announcement, { parent }: Resource | StoredInstance): Announcement | undefined {
    if (parent === undefined) return undefined
    const { root } = this.#facts.tree
    const above = parent === root ? undefined : this.#facts.ledger.at(parent.resourceIdentifier, target)
    return above ?? (place === undefined ? this.#facts.ledger.at(root.resourceIdentifier, target) : undefined)
  }

  async #addressOf(record: Announcement, resource: Resource): Promise<string> {
    if (record.address === undefined) {
      await this.#create(record, resource)
      this.#facts.ledger.remember(record)
      this.#facts.ledger.write(record)
    }
    return record.address as string
  }

  /** Rejects with what the response says, unless it is among the statuses that are as good as success. */
  async #request(
    record: Announcement,
    operation: Operation,
    to: string,
    parameters: Partial<RequestPrimitive>,
    accepted: readonly number[] = [],
  ): Promise<ResponsePrimitive> {
    const { carry, cseId, randomId } = this.#facts
    const { target, original } = record
    const request: RequestPrimitive = {
      operation,
      to,
      originator: this.#isRegistration(record) ? `${cseId}/${original}` : cseId,
      requestIdentifier: randomId(),
      releaseVersionIndicator: '3',
      ...parameters,
    }
    const response = await carry(target, request)
    const { responseStatusCode: status, content } = response
    if (status < 4000 || accepted.includes(status)) return response
    const reason = content === undefined ? '' : `: ${JSON.stringify(contentObject(content)['m2m:dbg'])}`
    throw new OneM2MError(status, `${original} at ${target}${reason}`)
  }
}
