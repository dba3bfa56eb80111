/** Which operation a request is for, and NOTIFY, which the CSE passes on. */

import { Operation } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { AccessRight } from '../resources/access-control-policy.ts'
import { create } from './creation.ts'
import { accept, isNonBlocking } from './deferred.ts'
import { deleteTarget } from './deletion.ts'
import type { Execution } from './execution.ts'
import { fanOut } from './fan-out.ts'
import { groupType } from './group-notification.ts'
import type { Eventually, Outcome } from './outcome.ts'
import { Resource } from './resource.ts'
import { retrieve } from './retrieval.ts'
import { update } from './revision.ts'

/** Executes the operation that a checked request asks for. */
export function dispatch(execution: Execution): Eventually {
  const { request } = execution
  if (isNonBlocking(request)) return accept(execution)
  if (execution.isForOtherCse) return execution.parts.forwarding.forward(execution)
  if (request.to.includes('/fopt')) {
    const { resource, virtualChild, suffix } = execution.target()
    if (virtualChild === 'fopt' && resource instanceof Resource)
      return fanOut(execution, resource, virtualChild, suffix ?? '')
  }
  if (request.to.endsWith('/pcu')) {
    const { resource, virtualChild } = execution.target()
    if (virtualChild === 'pcu' && resource instanceof Resource) return poll(execution, resource)
  }
  switch (request.operation) {
    case Operation.CREATE:
      return create(execution)
    case Operation.RETRIEVE:
      return retrieve(execution)
    case Operation.UPDATE:
      return update(execution)
    case Operation.DELETE:
      return deleteTarget(execution)
    case Operation.NOTIFY:
      return notify(execution)
  }
}

function poll(execution: Execution, channel: Resource): Eventually {
  const { polling } = execution.parts
  switch (execution.request.operation) {
    case Operation.RETRIEVE:
      return polling.poll(execution, channel)
    case Operation.NOTIFY:
      return polling.respond(execution, channel)
    default:
      throw new OneM2MError(Status.OPERATION_NOT_ALLOWED, 'to: pcu is retrieved and notified, nothing else')
  }
}

/** NOTIFY (TS-0004 7.3.3.10): to an AE, it is passed on to where the AE can be reached; the CSE itself only takes note. */
async function notify(execution: Execution): Promise<Outcome> {
  const { request, parts } = execution
  const { resource } = execution.target()
  if (request.content === undefined)
    throw new OneM2MError(Status.BAD_REQUEST, 'pc: missing, expected a notification such as {"m2m:sgn": {...}}')
  // TS-0004 7.5.1.2: the CSE that hosts a subscription notifies in its own name, whatever AE subscribed.
  if (parts.routes.remoteCse(execution.originator) === undefined) execution.require(AccessRight.NOTIFY, resource)
  if (resource.definition.type === 5) return { status: Status.OK }
  if (resource.definition.type === groupType && resource instanceof Resource) {
    parts.groupNotifications.take(resource, request.content)
    return { status: Status.OK }
  }
  if (typeof resource.attributes['aeId'] !== 'string')
    throw new OneM2MError(Status.OPERATION_NOT_ALLOWED, `to: a ${resource.definition.name} takes no notifications`)
  const { responseStatusCode, content } = await parts.notifier.forward(resource.resourceIdentifier, request)
  return { status: responseStatusCode, content }
}
