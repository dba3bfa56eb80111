/** notificationTargetMgmtPolicyRef (TS-0001 9.6.31): which notificationTargetPolicy holds for some targets of its subscription. */

import { identifier, listOf } from '../onem2m/attribute-type.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import type { ResourceView } from './behaviour.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'

export const notificationTargetPolicyReferenceType = 25

export const notificationTargetPolicyReference = defineResourceType({
  type: notificationTargetPolicyReferenceType,
  name: 'notificationTargetMgmtPolicyRef',
  memberName: 'm2m:ntpr',
  clause: 'TS-0001 9.6.31',
  common: ['expirationTime', 'accessControlPolicyIds', 'labels', 'dynamicAuthorizationConsultationIds', 'custodian'],
  attributes: {
    notificationTargetUri: attribute('ntu', listOf(identifier), 'M', 'O', 'NA', true),
    notificationPolicyId: attribute('npi', identifier, 'O', 'O', 'NA'),
  },
  parents: [23],
  behaviour: {
    beforeCreate({ parent, attributes }, engine) {
      checkTargets(attributes['notificationTargetUri'], engine.childrenOf(parent))
    },
    beforeUpdate({ resource, changes }, engine) {
      if (resource.parent === undefined || !changes.has('notificationTargetUri')) return
      const others = [...engine.childrenOf(resource.parent)].filter((each) => each !== resource)
      checkTargets(changes.get('notificationTargetUri'), others)
    },
  },
})

export type NotificationTargetPolicyReference = AttributesOf<typeof notificationTargetPolicyReference>

/** One policy for a target. */
function checkTargets(targets: unknown, others: Iterable<ResourceView>): void {
  for (const { definition, stored, name } of others) {
    if (definition.type !== notificationTargetPolicyReferenceType) continue
    const { notificationTargetUri = [] } = stored as NotificationTargetPolicyReference
    const twice = notificationTargetUri.find((target) => (targets as readonly string[]).includes(target))
    if (twice !== undefined) throw new OneM2MError(Status.CONFLICT, `ntu: ${name} has a policy for ${twice} already`)
  }
}
