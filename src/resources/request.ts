/** request (TS-0001 9.6.12, TS-0004 7.4.12): a non-blocking request on its way, and its result when there is one. Made by the CSE alone. */

import { anyObject, enumeration, identifier, integer, nonEmptyText } from '../onem2m/attribute-type.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'

/** TS-0004 6.3.4.2.7. */
export const RequestStatus = { COMPLETED: 1, FAILED: 2, PENDING: 3, FORWARDED: 4, PARTIALLY_COMPLETED: 5 } as const

export const request = defineResourceType({
  type: 17,
  name: 'request',
  memberName: 'm2m:req',
  clause: 'TS-0001 9.6.12',
  common: ['expirationTime', 'accessControlPolicyIds', 'labels', 'dynamicAuthorizationConsultationIds', 'custodian'],
  attributes: {
    operation: attribute('op', enumeration('1 to 5', 1, 2, 3, 4, 5), 'NP', 'NP', 'NA', true),
    target: attribute('tg', identifier, 'NP', 'NP', 'NA', true),
    originator: attribute('org', identifier, 'NP', 'NP', 'NA', true),
    requestId: attribute('rid', nonEmptyText, 'NP', 'NP', 'NA', true),
    metaInformation: attribute('mi', anyObject, 'NP', 'NP', 'NA', true),
    primitiveContent: attribute('pc', anyObject, 'NP', 'NP', 'NA'),
    requestStatus: attribute('rs', integer, 'NP', 'NP', 'NA', true),
    operationResult: attribute('ors', anyObject, 'NP', 'NP', 'NA'),
  },
  parents: [5],
  isPrivate: true,
  behaviour: {
    refusesCreate: 'the CSE makes requests itself, for those that are non-blocking (rt)',
    refusesUpdate: 'a request is changed by the CSE alone',
  },
})

export type Request = AttributesOf<typeof request>
