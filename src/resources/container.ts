/** container (TS-0001 9.6.6, TS-0004 7.4.6): keeps contentInstances within the limits that its table names. */

import { boolean, identifier, listOf, nonNegativeInteger, text } from '../onem2m/attribute-type.ts'
import { protectedAndAnnounced } from './common-attribute.ts'
import { contentInstance } from './content-instance.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'

export const container = defineResourceType({
  type: 3,
  name: 'container',
  memberName: 'm2m:cnt',
  clause: 'TS-0001 9.6.6',
  common: [...protectedAndAnnounced, 'creator', 'location', 'stateTag'],
  attributes: {
    maxNrOfInstances: attribute('mni', nonNegativeInteger, 'O', 'O', 'OA'),
    maxByteSize: attribute('mbs', nonNegativeInteger, 'O', 'O', 'OA'),
    /** Seconds. */
    maxInstanceAge: attribute('mia', nonNegativeInteger, 'O', 'O', 'OA'),
    currentNrOfInstances: attribute('cni', nonNegativeInteger, 'NP', 'NP', 'NA', true),
    currentByteSize: attribute('cbs', nonNegativeInteger, 'NP', 'NP', 'NA', true),
    locationId: attribute('li', identifier, 'NP', 'NP', 'OA'),
    ontologyRef: attribute('or', identifier, 'O', 'O', 'OA'),
    disableRetrieval: attribute('disr', boolean, 'O', 'O', 'OA'),
    subscriptionIds: attribute('subi', listOf(text), 'O', 'O', 'NA'),
  },
  parents: [2, 3, 5, 16, 28],
  virtualChildren: ['la', 'ol'],
  instanceDefinition: contentInstance,
  behaviour: {
    // TS-0004 7.4.6.2.3: what nobody could retrieve is not shown afterwards.
    leavesInstances: ({ resource, value }) =>
      resource.stored['disableRetrieval'] === true && value('disableRetrieval') !== true,
  },
})

export type Container = AttributesOf<typeof container>
