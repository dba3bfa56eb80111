/**
 * notificationTargetSelfReference (TS-0001 9.6.34): who is notified and does not want to be any longer takes itself off the list, without any
 * right to the subscription. There are no policies for it here, so that everybody may.
 */

import { withoutSerialization } from '../onem2m/serialization.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import type { Subscription } from '../resources/subscription.ts'
import type { Execution } from './execution.ts'
import type { Outcome } from './outcome.ts'
import type { Resource } from './resource.ts'

/** DELETE of ntsr; a subscription that has no target left is its owner's to change. Throws ORIGINATOR_HAS_NO_PRIVILEGE for who is no target. */
export function removeTarget(execution: Execution, subscription: Resource): Outcome {
  const { originator, transaction, parts } = execution
  const { notificationUri = [], notificationStatsInfo } = subscription.stored as Subscription
  const isOriginator = (identifier: string) =>
    execution.shortOriginator(identifier) === originator ||
    execution.resolve(identifier)?.resourceIdentifier === originator
  const left = notificationUri.filter((target) => !isOriginator(withoutSerialization(target)))
  if (left.length === notificationUri.length)
    throw new OneM2MError(
      Status.ORIGINATOR_HAS_NO_PRIVILEGE,
      `fr: ${originator} is no notification target of ${subscription.address}`,
    )
  execution.amend(subscription, {
    notificationUri: left,
    notificationStatsInfo: notificationStatsInfo?.filter(({ target }) => left.includes(target)),
  })
  transaction.afterCommit(() => parts.notifier.changed(subscription))
  return { status: Status.DELETED }
}
