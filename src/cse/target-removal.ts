/**
 * notificationTargetSelfReference (TS-0001 9.6.34): who is notified and does not want to be any longer takes itself off the list, without any
 * right to the subscription, as far as the notificationTargetPolicy that holds for it lets it. Where there is none, everybody may.
 */

import { withoutSerialization } from '../onem2m/serialization.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import type { ResourceView } from '../resources/behaviour.ts'
import {
  defaultPolicyLabel,
  type NotificationTargetPolicy,
  notificationTargetPolicyType,
  TargetPolicyAction,
} from '../resources/notification-target-policy.ts'
import {
  type NotificationTargetPolicyReference,
  notificationTargetPolicyReferenceType,
} from '../resources/notification-target-policy-reference.ts'
import { type PolicyDeletionRules, policyDeletionRulesType } from '../resources/policy-deletion-rules.ts'
import type { Subscription } from '../resources/subscription.ts'
import type { Execution } from './execution.ts'
import type { Eventually } from './outcome.ts'
import type { Resource } from './resource.ts'
import { isInWindow } from './schedule.ts'

/** DELETE of ntsr; a subscription that has no target left is its owner's to change. Throws ORIGINATOR_HAS_NO_PRIVILEGE for who is no target, or has to stay. */
export function removeTarget(execution: Execution): Eventually {
  const { originator, transaction, parts } = execution
  const subscription = execution.target().resource as Resource
  const { notificationUri = [], notificationStatsInfo } = subscription.stored as Subscription
  const left = notificationUri.filter((target) => !isOriginator(execution, target))
  if (left.length === notificationUri.length)
    throw new OneM2MError(
      Status.ORIGINATOR_HAS_NO_PRIVILEGE,
      `fr: ${originator} is no notification target of ${subscription.address}`,
    )
  const policy = policyOf(execution, subscription)
  if (policy !== undefined) applyPolicy(execution, subscription, policy)
  const inquiry = execution.openInquiry
  if (inquiry !== undefined) return inquiry.make(execution, () => removeTarget(execution))
  execution.amend(subscription, {
    notificationUri: left,
    notificationStatsInfo: notificationStatsInfo?.filter(({ target }) => left.includes(target)),
  })
  transaction.afterCommit(() => parts.notifier.changed(subscription))
  return { status: Status.DELETED }
}

function isOriginator(execution: Execution, target: string): boolean {
  const { originator } = execution
  const identifier = withoutSerialization(target)
  return (
    execution.shortOriginator(identifier) === originator ||
    execution.resolve(identifier)?.resourceIdentifier === originator
  )
}

/** The policy that the subscription has for this target, or else the one that its creator has for all of them. */
function policyOf(execution: Execution, subscription: Resource): ResourceView | undefined {
  for (const { definition, stored } of execution.childrenOf(subscription)) {
    if (definition.type !== notificationTargetPolicyReferenceType) continue
    const { notificationTargetUri = [], notificationPolicyId } = stored as NotificationTargetPolicyReference
    if (!notificationTargetUri.some((target) => isOriginator(execution, target))) continue
    const policy = notificationPolicyId === undefined ? undefined : execution.resolve(notificationPolicyId)
    if (policy?.definition.type === notificationTargetPolicyType) return policy
  }
  for (const policy of execution.parts.tree.root.children.values())
    if (
      policy.definition.type === notificationTargetPolicyType &&
      policy.originator === subscription.originator &&
      policy.stored['policyLabel'] === defaultPolicyLabel
    )
      return policy
  return undefined
}

/** Throws ORIGINATOR_HAS_NO_PRIVILEGE where the target has to stay. */
function applyPolicy(execution: Execution, subscription: Resource, policy: ResourceView): void {
  const { action } = policy.stored as NotificationTargetPolicy
  const refused = (reason: string) =>
    new OneM2MError(Status.ORIGINATOR_HAS_NO_PRIVILEGE, `fr: ${execution.originator} may not go: ${reason}`)
  if (!holds(execution, policy)) throw refused(`the rules of ${policy.address} do not hold now`)
  const { subscriberUri } = subscription.stored as Subscription
  const owner = subscriberUri ?? subscription.originator
  const sur = `${execution.cseId}/${subscription.resourceIdentifier}`
  if (action === TargetPolicyAction.SEEK_AUTHORIZATION)
    execution.ask({ target: owner, notification: { 'm2m:sgn': { sur, tra: true } }, about: 'removal' })
  else if (action !== TargetPolicyAction.ACCEPT) {
    if (action === TargetPolicyAction.INFORM) execution.parts.notifier.send(owner, { 'm2m:sgn': { sur, trr: true } })
    throw refused(`${policy.address} refuses it`)
  }
}

/** Whether the rules of the policy hold at this time; without any, they do. */
function holds(execution: Execution, policy: ResourceView): boolean {
  const { rulesRelationship } = policy.stored as NotificationTargetPolicy
  const results = [...execution.childrenOf(policy)]
    .filter(({ definition }) => definition.type === policyDeletionRulesType)
    .map(({ stored }) => {
      const { deletionRules, deletionRulesRelation } = stored as PolicyDeletionRules
      const times = (deletionRules?.timeOfDay ?? []).map((entry) => isInWindow(entry, execution.nowMs))
      return isMet(times, deletionRulesRelation)
    })
  return isMet(results, rulesRelationship)
}

const anyOfThem = 2

function isMet(results: readonly boolean[], relation: number | undefined): boolean {
  return results.length === 0 || (relation === anyOfThem ? results.includes(true) : !results.includes(false))
}
