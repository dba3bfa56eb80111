/**
 * Where a target of this CSE's own requests is, and how one request gets there: the points of access of an AE in order, its polling channel,
 * a URL as it stands, another CSE (TS-0004 7.3.3.9). It tries once; who wants more keeps the request in the outbox.
 */

import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'
import {
  type Serialization,
  serializationOfMediaType,
  serializationOfUrl,
  withoutSerialization,
} from '../onem2m/serialization.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import type { Schedule } from '../resources/schedule.ts'
import { supportedReleaseVersions } from './check.ts'
import type { Delivery, Requester } from './handler.ts'
import { pollingChannelOf } from './polling.ts'
import { Resource } from './resource.ts'
import type { Tree } from './tree.ts'

interface Place {
  readonly pointOfAccess: string
  /** AE-ID or address at another CSE; undefined where the URL says all. */
  readonly entity: string | undefined
  readonly serialization?: Serialization | undefined
  /** supportedReleaseVersions of an AE. */
  readonly releases?: readonly string[] | undefined
}

export type CarryOptions = Pick<Delivery, 'timeoutMs' | 'isPatient' | 'handedOver'>

/** Where a target is when nothing says how to reach it: it has a connection of its own open here, or it uses the broker that runs here. */
const connectedHere: readonly string[] = ['ws:', 'mqtt:']
/** The points of access of an AE that fetches its requests, and of what lies at another CSE. */
const pollingChannel = 'pch:'
const otherCse = 'cse:'
/** Groups take the notifications of their members. */
const group = 'grp:'

const groupType = 9
const scheduleType = 18

export class Courier {
  readonly #tree: Tree
  readonly #requesters = new Map<string, Requester>()

  constructor({ tree }: { readonly tree: Tree }) {
    this.#tree = tree
  }

  /** Has points of access with this requester's schemes served by it; `cse` is the scheme of everything at other CSEs. */
  use(requester: Requester): void {
    for (const scheme of requester.schemes) this.#requesters.set(scheme, requester)
  }

  /**
   * Sends a request to the first place that can be reached. Resolves with the target's response, whatever it says. Rejects with
   * TARGET_NOT_REACHABLE when there is no way to it, with REQUEST_TIMEOUT when it does not answer.
   */
  async carry(target: string, request: RequestPrimitive, options: CarryOptions): Promise<ResponsePrimitive> {
    let failure: OneM2MError | undefined
    for (const { pointOfAccess, entity, serialization, releases } of this.#placesOf(target)) {
      const requester = this.#requesters.get(pointOfAccess.slice(0, pointOfAccess.indexOf(':')))
      if (requester === undefined) {
        failure = unreachable(target, `nothing here speaks ${pointOfAccess}`)
        continue
      }
      // Not worth an error, which takes longer to make than many a delivery.
      if (requester.reaches?.({ pointOfAccess, target: entity }) === false) continue
      try {
        return await requester.send({
          ...options,
          pointOfAccess,
          target: entity,
          request: inRelease(
            request.to === target ? { ...request, to: withoutSerialization(target) } : request,
            releases,
          ),
          ...(serialization === undefined ? {} : { serialization }),
        })
      } catch (error) {
        failure = error instanceof OneM2MError ? error : unreachable(target, String(error), error)
      }
    }
    throw failure ?? unreachable(target, 'there is no point of access where it can be reached')
  }

  /** True for what lies at another CSE: the way there may be down for days. */
  isElsewhere(target: string): boolean {
    return !isUrl(target) && this.#tree.localPart(target) === undefined
  }

  /** The resource of this CSE that a target names. */
  entityOf(target: string): Resource | undefined {
    const local = isUrl(target) ? undefined : this.#tree.localPart(withoutSerialization(target))
    const resource = local === undefined ? undefined : this.#tree.resolve(local, 0)?.resource
    return resource instanceof Resource ? resource : undefined
  }

  /** When the node of a target can be reached: the schedule below it, TS-0001 9.6.9. */
  scheduleOf(target: string): readonly string[] | undefined {
    if (this.#tree.ofType(scheduleType).size === 0) return undefined
    const nodeLink = this.entityOf(target)?.stored['nodeLink']
    const node = typeof nodeLink === 'string' ? this.entityOf(nodeLink) : undefined
    return node === undefined ? undefined : scheduleEntriesOf(node)
  }

  #placesOf(target: string): readonly Place[] {
    if (isUrl(target)) return [{ pointOfAccess: target, entity: undefined }]
    const address = withoutSerialization(target)
    if (this.isElsewhere(address)) return [{ pointOfAccess: otherCse, entity: address }]
    const resource = this.entityOf(address)
    if (resource?.definition.type === groupType) return [{ pointOfAccess: group, entity: address }]
    const entity = resource?.stored['aeId']
    if (resource === undefined || typeof entity !== 'string') return []
    const asked = address === target ? undefined : serializationOfUrl(target)
    const serialization = asked ?? wantedSerialization(resource.stored['contentSerialization'])
    const releases = resource.stored['supportedReleaseVersions'] as readonly string[] | undefined
    return pointsOfAccess(resource).map((pointOfAccess) => ({ pointOfAccess, entity, serialization, releases }))
  }
}

/** The entries of the schedule below a resource. */
export function scheduleEntriesOf(resource: Resource): readonly string[] | undefined {
  for (const { definition, stored } of resource.children.values())
    if (definition.type === scheduleType) return (stored as Schedule).scheduleElement?.scheduleEntry
  return undefined
}

/** TS-0004 7.3.3.9: an entity that polls is not reached otherwise, and one that says it takes no requests is not reached at all. */
function pointsOfAccess(resource: Resource): readonly string[] {
  const { stored } = resource
  if (pollingChannelOf(resource) !== undefined) return [pollingChannel]
  if (stored['requestReachability'] === false) return []
  const listed = stored['pointOfAccess'] as readonly string[] | undefined
  return listed === undefined || listed.length === 0 ? connectedHere : listed
}

/** The request in a release that its target knows (TS-0004 6.3.2). Release 1 has neither release indicators nor vendor information. */
function inRelease(request: RequestPrimitive, releases: readonly string[] | undefined): RequestPrimitive {
  const { releaseVersionIndicator, vendorInformation: _, ...rest } = request
  if (releases === undefined || releases.length === 0 || releases.includes(releaseVersionIndicator ?? '1'))
    return request
  const best = supportedReleaseVersions.findLast((version) => releases.includes(version))
  if (best === undefined) return request
  return best === '1' ? rest : { ...request, releaseVersionIndicator: best }
}

/** The first serialisation in an AE's list that is spoken here (TS-0001 9.6.5). */
function wantedSerialization(contentSerialization: unknown): Serialization | undefined {
  const names = (contentSerialization as readonly string[] | undefined) ?? []
  return names.map(serializationOfMediaType).find((found) => found !== undefined)
}

function unreachable(target: string, reason: string, cause?: unknown): OneM2MError {
  return new OneM2MError(Status.TARGET_NOT_REACHABLE, `${target}: ${reason}`, cause)
}

function isUrl(target: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/.test(target)
}
