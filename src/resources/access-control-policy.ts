/** accessControlPolicy (TS-0001 9.6.2, TS-0004 7.4.1): rules who may do what; evaluated by the CSE's access control. */

import {
  anyJson,
  boolean,
  identifier,
  integer,
  listOf,
  objectOf,
  optional,
  refused,
  required,
  text,
  type ValueOf,
} from '../onem2m/attribute-type.ts'
import { ipAddress } from '../onem2m/ip-address.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'
import { scheduleEntry } from './schedule.ts'

/** The bits of accessControlOperations, TS-0001 table 9.6.2.3-1. */
export const AccessRight = { CREATE: 1, RETRIEVE: 2, UPDATE: 4, DELETE: 8, NOTIFY: 16, DISCOVERY: 32, ALL: 63 } as const

const accessControlRule = objectOf('an access control rule', {
  accessControlOriginators: required('acor', listOf(text)),
  accessControlOperations: required('acop', accessControlOperations()),
  accessControlContexts: optional(
    'acco',
    listOf(
      objectOf('an access control context', {
        accessControlWindow: optional('actw', listOf(scheduleEntry)),
        accessControlIpAddresses: optional(
          'acip',
          objectOf('IP addresses', {
            ipv4Addresses: optional('ipv4', listOf(ipAddress(4))),
            ipv6Addresses: optional('ipv6', listOf(ipAddress(6))),
          }),
        ),
        accessControlLocationRegion: optional(
          'aclr',
          objectOf('a location region', {
            countryCode: optional('accc', listOf(text)),
            /** Latitude, longitude and radius, as numbers or as text. */
            circularRegion: optional('accr', listOf(anyJson)),
          }),
        ),
      }),
    ),
  ),
  accessControlObjectDetails: optional(
    'acod',
    listOf(
      objectOf('access control object details', {
        resourceType: optional('ty', integer),
        specializationType: optional('spty', text),
        childResourceType: optional('chty', listOf(integer)),
      }),
    ),
  ),
  accessControlAuthenticationFlag: optional('acaf', boolean),
  accessControlAttributes: optional('aca', listOf(text)),
})

const setOfRules = objectOf('a set of access control rules', {
  /** None, which is said as such: peers look for it. */
  accessControlRules: optional('acr', { ...listOf(accessControlRule), takesEmptyList: true }),
})

export type AccessControlRule = ValueOf<typeof accessControlRule>
export type SetOfAccessControlRules = ValueOf<typeof setOfRules>

export const accessControlPolicy = defineResourceType({
  type: 1,
  name: 'accessControlPolicy',
  memberName: 'm2m:acp',
  clause: 'TS-0001 9.6.2',
  common: ['expirationTime', 'labels', 'announceTo', 'announcedAttribute', 'announceSyncType'],
  attributes: {
    privileges: attribute('pv', setOfRules, 'M', 'O', 'MA'),
    selfPrivileges: attribute('pvs', setOfRules, 'M', 'O', 'MA'),
    authorizationDecisionResourceIds: attribute('adri', listOf(identifier), 'O', 'O', 'MA'),
    authorizationPolicyResourceIds: attribute('apri', listOf(identifier), 'O', 'O', 'MA'),
    authorizationInformationResourceIds: attribute('airi', listOf(identifier), 'O', 'O', 'MA'),
  },
  parents: [2, 5, 16],
  behaviour: {
    beforeCreate: ({ attributes }) => checkSelfPrivileges(attributes['selfPrivileges']),
    beforeUpdate: (revision) => checkSelfPrivileges(revision.value('selfPrivileges')),
  },
})

export type AccessControlPolicy = AttributesOf<typeof accessControlPolicy>

/** Without a rule in selfPrivileges nobody could ever change the policy: TS-0004 7.4.1.2.1. */
function checkSelfPrivileges(value: unknown): void {
  const rules = (value as SetOfAccessControlRules | undefined)?.accessControlRules
  if (rules === undefined || rules.length === 0) throw refused('pvs', value, 'at least one rule in acr')
}

function accessControlOperations() {
  const expected = 'the sum of the rights 1 create, 2 retrieve, 4 update, 8 delete, 16 notify, 32 discovery'
  return {
    name: expected,
    decode(wire: unknown, where: string): number {
      if (typeof wire !== 'number' || !Number.isInteger(wire) || wire < 0 || wire > 63)
        throw refused(where, wire, expected)
      return wire
    },
  }
}
