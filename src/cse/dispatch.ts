/** Which operation a request is for. */

import { Operation } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { create } from './creation.ts'
import { accept, isNonBlocking } from './deferred.ts'
import { deleteTarget } from './deletion.ts'
import type { Execution } from './execution.ts'
import { fanOut } from './fan-out.ts'
import { notify } from './notification-receipt.ts'
import type { Eventually } from './outcome.ts'
import { Resource } from './resource.ts'
import { retrieve } from './retrieval.ts'
import { update } from './revision.ts'
import { removeTarget } from './target-removal.ts'

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
  if (request.to.endsWith('/ntsr')) {
    const { resource, virtualChild } = execution.target()
    if (virtualChild === 'ntsr' && resource instanceof Resource) return leaveSubscription(execution)
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

function leaveSubscription(execution: Execution): Eventually {
  if (execution.request.operation === Operation.DELETE) return removeTarget(execution)
  throw new OneM2MError(Status.OPERATION_NOT_ALLOWED, 'to: ntsr is deleted, nothing else')
}
