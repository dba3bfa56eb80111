/** Fan-out (TS-0004 7.4.14): one request to a group's fopt becomes one to each member, and their responses one response. */

import { refused } from '../onem2m/attribute-type.ts'
import { contentObject, type Json, type JsonObject } from '../onem2m/content.ts'
import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'
import { Operation } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { parseMoment } from '../onem2m/timestamp.ts'
import { AccessRight } from '../resources/access-control-policy.ts'
import { canContain } from '../resources/resource-type.ts'
import { breathe } from './breath.ts'
import type { Execution } from './execution.ts'
import { throughGroup } from './group-notification.ts'
import type { Outcome } from './outcome.ts'
import type { Resource } from './resource.ts'

const mixed = 0
/** What a timer can hold. */
const longestWaitMs = 0x7fff_ffff
/** Members that are asked before others than this request are served. */
const askedAtOnce = 100

/** The bit of accessControlOperations that an operation needs. */
export const rightFor: Readonly<Record<Operation, number>> = {
  [Operation.CREATE]: AccessRight.CREATE,
  [Operation.RETRIEVE]: AccessRight.RETRIEVE,
  [Operation.UPDATE]: AccessRight.UPDATE,
  [Operation.DELETE]: AccessRight.DELETE,
  [Operation.NOTIFY]: AccessRight.NOTIFY,
}

export async function fanOut(
  execution: Execution,
  group: Resource,
  virtualChild: string,
  suffix: string,
): Promise<Outcome> {
  const { request, parts } = execution
  authorize(execution, group)
  const members = chosenMembers(request, group.definition.behaviour?.members?.(group, virtualChild, request) ?? [])
  if (members.length === 0) throw new OneM2MError(Status.NO_MEMBERS, `to: the group ${group.address} has no members`)
  checkChildType(execution, group, suffix)
  const groupRequestIdentifier = request.groupRequestIdentifier ?? parts.randomId()
  if (!parts.fanOutGuard.enter(groupRequestIdentifier, group.resourceIdentifier))
    throw new OneM2MError(
      Status.GROUP_REQUEST_IDENTIFIER_EXISTS,
      `gid: ${groupRequestIdentifier} has been through ${group.address} already`,
    )
  try {
    const { groupRequestTargetMembers: _, ...rest } = throughGroup(request, group, execution.cseId)
    const responses = await collect(execution, members.length, (index, respond) => {
      const to = suffix === '' ? (members[index] as string) : `${members[index]}/${suffix}`
      parts.handle({ ...rest, to, groupRequestIdentifier }, execution.context, (response) =>
        respond(embed(response, to)),
      )
    })
    if (responses.length === 0)
      throw new OneM2MError(
        Status.GROUP_MEMBERS_NOT_RESPONDED,
        `to: no member of ${group.address} has responded in the time that the request leaves`,
      )
    return { status: Status.OK, content: { 'm2m:agr': { 'm2m:rsp': responses } } }
  } finally {
    parts.fanOutGuard.leave(groupRequestIdentifier, group.resourceIdentifier)
  }
}

/**
 * The responses of all that are asked, in their order; when the result or the request expires before (rset, rqet), of those that have
 * responded. TS-0004 7.4.14.
 */
function collect(
  { request, nowMs, parts }: Execution,
  count: number,
  ask: (index: number, respond: (response: JsonObject) => void) => void,
): Promise<readonly JsonObject[]> {
  const responses: JsonObject[] = []
  const untilMs = Math.min(
    ...[request.resultExpirationTimestamp, request.requestExpirationTimestamp].map(
      (text) => parseMoment(text ?? '', nowMs) ?? Number.POSITIVE_INFINITY,
    ),
  )
  return new Promise((resolve) => {
    // Those that have not responded leave holes, which filter passes over.
    const finish = () => resolve(responses.filter(() => true))
    const timer = Number.isFinite(untilMs)
      ? parts.clock.after(Math.min(untilMs - nowMs, longestWaitMs), finish)
      : undefined
    let left = count
    const askAll = async () => {
      for (let index = 0; index < count; index++) {
        if (index > 0 && index % askedAtOnce === 0) await breathe()
        ask(index, (response) => {
          responses[index] = response
          if (--left > 0) return
          timer?.cancel()
          finish()
        })
      }
    }
    void askAll()
  })
}

/** membersAccessControlPolicyIDs decide; without them the group's own policies do. Members then check for themselves. */
function authorize(execution: Execution, group: Resource): void {
  const policies = group.stored['membersAccessControlPolicyIds'] as readonly string[] | undefined
  const right = rightFor[execution.request.operation]
  if (policies === undefined || policies.length === 0) {
    execution.require(right, group)
    return
  }
  const { access } = execution.parts
  if (!access.allowsByPolicies(execution.originator, right, group, policies, execution.context))
    throw execution.denied(`may not address the members of ${group.address}`, policies)
}

/** groupRequestTargetMembers restricts the request to some members. */
function chosenMembers(request: RequestPrimitive, members: readonly string[]): readonly string[] {
  const chosen = request.groupRequestTargetMembers
  if (chosen === undefined) return members
  for (const member of chosen) if (!members.includes(member)) throw refused('grtm', member, 'members of the group')
  return chosen
}

/** A group of one type refuses children that no member could have, before it asks any. */
function checkChildType({ request, resourceTypes }: Execution, group: Resource, suffix: string): void {
  const memberType = group.stored['memberType'] as number | undefined
  if (request.operation !== Operation.CREATE || memberType === undefined || memberType === mixed || suffix !== '')
    return
  const child = resourceTypes.get(request.resourceType as number)
  const parent = resourceTypes.get(memberType)
  if (child !== undefined && parent !== undefined && !canContain(parent, child))
    throw new OneM2MError(
      Status.INVALID_CHILD_RESOURCE_TYPE,
      `ty: members of type ${memberType} have no child of type ${request.resourceType}`,
    )
}

function embed(response: ResponsePrimitive, member: string): JsonObject {
  const wire: Record<string, Json> = {
    rsc: response.responseStatusCode,
    rqi: response.requestIdentifier,
    fr: member,
  }
  if (response.content !== undefined) wire['pc'] = contentObject(response.content)
  if (response.releaseVersionIndicator !== undefined) wire['rvi'] = response.releaseVersionIndicator
  return wire
}

/** Knows which fan-outs are under way, so that groups that contain each other do not go round for ever. */
export class FanOutGuard {
  readonly #underWay = new Set<string>()

  enter(groupRequestIdentifier: string, group: string): boolean {
    const key = `${groupRequestIdentifier} ${group}`
    if (this.#underWay.has(key)) return false
    this.#underWay.add(key)
    return true
  }

  leave(groupRequestIdentifier: string, group: string): void {
    this.#underWay.delete(`${groupRequestIdentifier} ${group}`)
  }
}
