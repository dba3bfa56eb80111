/** notificationTargetPolicy (TS-0001 9.6.32): what its creator wants done when a target takes itself off a subscription. */

import { enumeration, refused, text } from '../onem2m/attribute-type.ts'
import type { ResourceView } from './behaviour.ts'
import { logicalOperator } from './policy-deletion-rules.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'

/** What happens to a target that wants to go. SEEK_AUTHORIZATION asks the subscription's owner first, INFORM tells it, and keeps the target. */
export const TargetPolicyAction = { ACCEPT: 1, REJECT: 2, SEEK_AUTHORIZATION: 3, INFORM: 4 } as const

/** The label of the policy that holds for all subscriptions of its creator that name no other. */
export const defaultPolicyLabel = 'Default'

export const notificationTargetPolicyType = 26

export const notificationTargetPolicy = defineResourceType({
  type: notificationTargetPolicyType,
  name: 'notificationTargetPolicy',
  memberName: 'm2m:ntp',
  clause: 'TS-0001 9.6.32',
  common: [
    'expirationTime',
    'accessControlPolicyIds',
    'labels',
    'dynamicAuthorizationConsultationIds',
    'creator',
    'custodian',
  ],
  attributes: {
    action: attribute('acn', enumeration('1 to 4', 1, 2, 3, 4), 'M', 'NP', 'NA', true),
    policyLabel: attribute('plbl', text, 'M', 'O', 'NA', true),
    rulesRelationship: attribute('rrs', logicalOperator, 'O', 'O', 'NA'),
  },
  parents: [5],
  behaviour: {
    beforeCreate({ parent, originator, attributes }, engine) {
      checkLabel(attributes['policyLabel'], originator, engine.childrenOf(parent))
    },
    beforeUpdate({ resource, changes }, engine) {
      if (resource.parent === undefined || !changes.has('policyLabel')) return
      const others = [...engine.childrenOf(resource.parent)].filter((each) => each !== resource)
      checkLabel(changes.get('policyLabel'), resource.originator, others)
    },
  },
})

export type NotificationTargetPolicy = AttributesOf<typeof notificationTargetPolicy>

/** Its creator and its label tell a policy from others. */
function checkLabel(label: unknown, creator: string, others: Iterable<ResourceView>): void {
  for (const { definition, originator, stored, name } of others)
    if (definition.type === notificationTargetPolicyType && originator === creator && stored['policyLabel'] === label)
      throw refused('plbl', label, `another label: ${name} of the same creator has it`)
}
