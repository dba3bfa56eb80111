/** NOTIFY that comes to this CSE (TS-0004 7.3.3.10, 7.5.1.2): for whom it may be, who may send it, and where it goes. */

import { isJsonObject, type JsonObject } from '../onem2m/content.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { AccessRight } from '../resources/access-control-policy.ts'
import type { ResourceView } from '../resources/behaviour.ts'
import type { Execution } from './execution.ts'
import { groupType } from './group-notification.ts'
import type { Outcome } from './outcome.ts'
import { Resource } from './resource.ts'

const cseBaseType = 5

/** To an AE, it is passed on to where the AE can be reached; a group passes on what its members say; the CSE itself takes note. */
export async function notify(execution: Execution): Promise<Outcome> {
  const { request, parts } = execution
  const { resource } = execution.target()
  const notice = request.content
  if (notice === undefined)
    throw new OneM2MError(Status.BAD_REQUEST, 'pc: missing, expected a notification such as {"m2m:sgn": {...}}')
  requireRights(execution, resource, notice)
  if (resource.definition.type === cseBaseType) return { status: Status.OK }
  if (resource.definition.type === groupType && resource instanceof Resource) {
    parts.groupNotifications.take(resource, notice)
    return { status: Status.OK }
  }
  if (typeof resource.attributes['aeId'] !== 'string')
    throw new OneM2MError(Status.OPERATION_NOT_ALLOWED, `to: a ${resource.definition.name} takes no notifications`)
  const { responseStatusCode, content } = await parts.notifier.forward(resource.resourceIdentifier, request)
  return { status: responseStatusCode, content }
}

/**
 * The CSE that hosts a subscription notifies in its own name: policies have to name it, and without policies it has to be registered. When it
 * asks whether notifications are wanted, the subscription's creator needs the right as well, and each of the two has a status of its own.
 */
function requireRights(execution: Execution, resource: ResourceView, { 'm2m:sgn': notification }: JsonObject): void {
  const { originator, parts } = execution
  const hasPolicies = resource.stored['accessControlPolicyIds'] !== undefined
  const isVerification = isJsonObject(notification) && notification['vrq'] === true
  if (hasPolicies || parts.routes.remoteCse(originator) === undefined) {
    if (isVerification && !execution.allows(originator, AccessRight.NOTIFY, resource))
      throw new OneM2MError(
        Status.SUBSCRIPTION_HOST_HAS_NO_PRIVILEGE,
        `fr: ${originator} may not notify ${resource.address}`,
      )
    execution.require(AccessRight.NOTIFY, resource)
  }
  const creator = isVerification ? notification['cr'] : undefined
  if (typeof creator !== 'string' || !hasPolicies || execution.allows(creator, AccessRight.NOTIFY, resource)) return
  throw new OneM2MError(
    Status.SUBSCRIPTION_CREATOR_HAS_NO_PRIVILEGE,
    `pc: ${creator} may not have ${resource.address} notified`,
  )
}
