/** CSEBase (TS-0001 9.6.3, TS-0004 7.4.2): the root of the tree; made by the CSE itself and changed by nobody else. */

import { identifier, integer, listOf, text, timestamp } from '../onem2m/attribute-type.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'

export const cseBase = defineResourceType({
  type: 5,
  name: 'CSEBase',
  memberName: 'm2m:cb',
  clause: 'TS-0001 9.6.3',
  common: ['labels', 'location', 'custodian', 'accessControlPolicyIds', 'dynamicAuthorizationConsultationIds'],
  attributes: {
    cseType: attribute('cst', integer, 'NP', 'NP', 'OA'),
    cseId: attribute('csi', identifier, 'NP', 'NP', 'OA'),
    spId: attribute('spi', identifier, 'NP', 'NP', 'OA'),
    inCseId: attribute('ici', identifier, 'NP', 'NP', 'OA'),
    supportedResourceType: attribute('srt', listOf(integer), 'NP', 'NP', 'NA'),
    pointOfAccess: attribute('poa', listOf(identifier), 'NP', 'NP', 'OA'),
    nodeLink: attribute('nl', identifier, 'NP', 'NP', 'NA'),
    currentTime: attribute('ctm', timestamp, 'NP', 'NP', 'NA'),
    supportedReleaseVersions: attribute('srv', listOf(text), 'NP', 'NP', 'MA'),
    contentSerialization: attribute('csz', listOf(text), 'NP', 'NP', 'OA'),
    e2eSecInfo: attribute('esi', text, 'NP', 'NP', 'MA'),
  },
  parents: [],
  behaviour: {
    refusesCreate: 'a CSEBase is made by its CSE alone',
    refusesUpdate: 'the CSEBase follows the gateway configuration',
    refusesDelete: 'a CSEBase is not deleted',
    computed: (_resource, engine) => ({ currentTime: engine.now }),
  },
})

export type CseBase = AttributesOf<typeof cseBase>
