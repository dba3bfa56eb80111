/**
 * Requests for other CSEs, passed on hop by hop (TS-0004 7.3.2.6, 7.3.3.9): through the remoteCSE that leads there, over its points of access in
 * order, in the name of their originator. The response goes back as it came.
 */

import { Operation, type RequestPrimitive, type ResponsePrimitive, ResponseTypeValue } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { parseAbsoluteOrRelative } from '../onem2m/timestamp.ts'
import type { Execution } from './execution.ts'
import type { Delivery, Requester } from './handler.ts'
import type { Outcome } from './outcome.ts'
import { pollingChannelOf } from './polling.ts'
import type { Resource } from './resource.ts'
import type { Routes } from './route.ts'

/** Requests under way to one CSE: one that does not answer must not use up what all share. */
const maxInTransit = 256
/** No tree of CSEs is this deep; a request that has passed so many goes round in a circle. */
const maxHops = 8
const hopsMember = /^fieldgate-hops=(\d{1,2})$/

/** A remote CSE that says nothing of how to reach it may have a connection open here. */
const connectedHere: readonly string[] = ['ws:', 'mqtt:']

/** One that fetches its requests is reached no other way (TS-0004 7.3.3.9). */
const pollingChannel = 'pch:'

const registrations: readonly (number | undefined)[] = [2, 16]

interface ForwardingFacts {
  readonly routes: Routes
  readonly cseId: string
  /** How long the next CSE may take to answer when the request does not say. */
  readonly timeoutMs: number
}

/** Also the way of the CSE's own requests to entities of other CSEs: the scheme `cse`, with an address as the target. */
export class Forwarding implements Requester {
  readonly schemes = ['cse'] as const
  readonly statistics = { forwarded: 0, unreachable: 0 }
  readonly #facts: ForwardingFacts
  readonly #requesters = new Map<string, Requester>()
  /** For each remote CSE the identifiers of the requests under way, with who asked. */
  readonly #inTransit = new Map<string, Map<string, string>>()

  constructor(facts: ForwardingFacts) {
    this.#facts = facts
  }

  use(requester: Requester): void {
    for (const scheme of requester.schemes) this.#requesters.set(scheme, requester)
  }

  /** Passes on a request that came here. Throws NOT_FOUND when nobody knows the way, TARGET_NOT_REACHABLE when it is blocked. */
  async forward({ request, originator, nowMs }: Pick<Execution, 'request' | 'originator' | 'nowMs'>): Promise<Outcome> {
    // TS-0004 7.3.2.6: an entity registers with the CSE that it speaks to, never with another behind it.
    if (request.operation === Operation.CREATE && registrations.includes(request.resourceType))
      throw new OneM2MError(
        Status.BAD_REQUEST,
        `to: ${request.to} is at another CSE, where ${originator} can't register from here`,
      )
    const remote = this.#facts.routes.towards(request.to, originator)
    if (remote === undefined)
      throw new OneM2MError(
        Status.NOT_FOUND,
        `to: ${request.to} lies at another CSE, and none is registered that leads there`,
      )
    const passed = { ...answered(request), ...this.#withOriginator(originator), ...countHop(request) }
    const relayed = await this.#relay(remote, passed, this.#timeoutMs(request, nowMs))
    return { status: relayed.responseStatusCode, relayed: { ...relayed, requestIdentifier: request.requestIdentifier } }
  }

  /** Sends a request of this CSE itself to where `target` lies. That nobody knows the way may be other in a moment. */
  async send({ target = '', request, timeoutMs }: Delivery): Promise<ResponsePrimitive> {
    const remote = this.#facts.routes.towards(target, this.#facts.cseId)
    if (remote === undefined)
      throw new OneM2MError(
        Status.TARGET_NOT_REACHABLE,
        `${target} lies at another CSE, and none is registered that leads there`,
      )
    return this.#relay(remote, request, timeoutMs)
  }

  /** TS-0004 7.3.2.6: what is relative to this CSE means nothing at another. */
  #withOriginator(originator: string): Partial<RequestPrimitive> {
    if (originator.startsWith('/')) return { originator }
    return { originator: originator.startsWith('S') ? `/${originator}` : `${this.#facts.cseId}/${originator}` }
  }

  #timeoutMs({ requestExpirationTimestamp }: RequestPrimitive, nowMs: number): number {
    const atMs =
      requestExpirationTimestamp === undefined ? undefined : parseAbsoluteOrRelative(requestExpirationTimestamp, nowMs)
    return atMs === undefined ? this.#facts.timeoutMs : Math.max(1, Math.min(atMs - nowMs, 6 * this.#facts.timeoutMs))
  }

  async #relay(remote: Resource, request: RequestPrimitive, timeoutMs: number): Promise<ResponsePrimitive> {
    const cseId = remote.stored['cseId'] as string
    let inTransit = this.#inTransit.get(cseId)
    if (inTransit === undefined) {
      inTransit = new Map()
      this.#inTransit.set(cseId, inTransit)
    }
    if (inTransit.size >= maxInTransit)
      throw new OneM2MError(
        Status.TARGET_NOT_REACHABLE,
        `${cseId}: ${maxInTransit} requests wait for its answers already`,
      )
    const requestIdentifier = identifierFor(request, inTransit)
    inTransit.set(requestIdentifier, request.originator ?? '')
    try {
      const {
        to: _,
        originator: __,
        ...response
      } = await this.#try(remote, cseId, { ...request, requestIdentifier }, timeoutMs)
      this.statistics.forwarded++
      return response
    } catch (error) {
      this.statistics.unreachable++
      // Also for want of an answer: the originator asked this CSE, and it was there.
      throw new OneM2MError(Status.TARGET_NOT_REACHABLE, error instanceof Error ? error.message : String(error), error)
    } finally {
      inTransit.delete(requestIdentifier)
      if (inTransit.size === 0) this.#inTransit.delete(cseId)
    }
  }

  /** Each point of access in order; rejects with what went wrong at the last one. */
  async #try(
    remote: Resource,
    cseId: string,
    request: RequestPrimitive,
    timeoutMs: number,
  ): Promise<ResponsePrimitive> {
    const listed =
      pollingChannelOf(remote) === undefined
        ? ((remote.stored['pointOfAccess'] as readonly string[] | undefined) ?? [])
        : [pollingChannel]
    let failure: unknown = new OneM2MError(Status.TARGET_NOT_REACHABLE, `${cseId} has no point of access`)
    for (const pointOfAccess of listed.length === 0 ? connectedHere : listed) {
      const requester = this.#requesters.get(pointOfAccess.slice(0, pointOfAccess.indexOf(':')))
      if (requester === undefined) {
        failure = new OneM2MError(Status.TARGET_NOT_REACHABLE, `${cseId}: nothing here speaks ${pointOfAccess}`)
        continue
      }
      try {
        return await requester.send({ pointOfAccess, target: cseId, request, timeoutMs })
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }
}

/** Who wants no response gets none from here; between CSEs there is one, so that the hop does not wait in vain. */
function answered(request: RequestPrimitive): RequestPrimitive {
  if (request.responseType?.responseTypeValue !== ResponseTypeValue.NO_RESPONSE) return request
  const { responseType: _, ...rest } = request
  return rest
}

/**
 * The identifier that the request has on this hop: its own, so that the CSE at the end recognises a repetition; only where another originator's
 * request under the same identifier is under way, one that is made from both.
 */
function identifierFor(
  { requestIdentifier, originator = '' }: RequestPrimitive,
  inTransit: ReadonlyMap<string, string>,
): string {
  let identifier = requestIdentifier
  if (inTransit.has(identifier)) identifier = `${requestIdentifier}${originator.replaceAll('/', '.')}`
  for (let count = 2; inTransit.has(identifier); count++) identifier = `${requestIdentifier}.${count}`
  return identifier
}

/** Counts the CSEs that a request has passed where vendorInformation is free for it. Throws TARGET_NOT_REACHABLE for one that goes in circles. */
function countHop({ vendorInformation }: RequestPrimitive): Partial<RequestPrimitive> {
  if (vendorInformation === undefined) return { vendorInformation: 'fieldgate-hops=1' }
  const hops = Number(hopsMember.exec(vendorInformation)?.[1] ?? Number.NaN)
  if (Number.isNaN(hops)) return {}
  if (hops >= maxHops)
    throw new OneM2MError(
      Status.TARGET_NOT_REACHABLE,
      `vsi: this request has passed ${hops} CSEs and goes round in a circle`,
    )
  return { vendorInformation: `fieldgate-hops=${hops + 1}` }
}
