/** policyDeletionRules (TS-0001 9.6.33): when a notificationTargetPolicy lets targets go. */

import { enumeration, listOf, objectOf, optional } from '../onem2m/attribute-type.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'
import { scheduleEntry } from './schedule.ts'

/** logicalOperator: 1 all of them, 2 any of them. */
export const logicalOperator = enumeration('1 (and) or 2 (or)', 1, 2)

/** Regions are left out: where a target is, only it could say. */
const deletionContexts = objectOf('deletion contexts with tod', { timeOfDay: optional('tod', listOf(scheduleEntry)) })

export const policyDeletionRulesType = 27
const maxRules = 2

export const policyDeletionRules = defineResourceType({
  type: policyDeletionRulesType,
  name: 'policyDeletionRules',
  memberName: 'm2m:pdr',
  clause: 'TS-0001 9.6.33',
  common: ['expirationTime', 'accessControlPolicyIds', 'labels', 'dynamicAuthorizationConsultationIds', 'custodian'],
  attributes: {
    deletionRules: attribute('dr', deletionContexts, 'O', 'NP', 'NA'),
    deletionRulesRelation: attribute('drr', logicalOperator, 'O', 'O', 'NA'),
  },
  parents: [26],
  behaviour: {
    beforeCreate({ parent }, engine) {
      const rules = [...engine.childrenOf(parent)].filter(
        ({ definition }) => definition.type === policyDeletionRulesType,
      )
      if (rules.length >= maxRules)
        throw new OneM2MError(Status.CONFLICT, `to: ${parent.address} has ${maxRules} policyDeletionRules already`)
    },
  },
})

export type PolicyDeletionRules = AttributesOf<typeof policyDeletionRules>
