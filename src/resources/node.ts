/** node (TS-0001 9.6.18, TS-0004 7.4.18): a device, whose parts and state its mgmtObj children describe. */

import { boolean, identifier, listOf, nonEmptyListOf, nonNegativeInteger, text } from '../onem2m/attribute-type.ts'
import { protectedAndAnnounced } from './common-attribute.ts'
import { releaseHosted } from './node-link.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'

export const node = defineResourceType({
  type: 14,
  name: 'node',
  memberName: 'm2m:nod',
  clause: 'TS-0001 9.6.18',
  common: [...protectedAndAnnounced],
  attributes: {
    nodeId: attribute('ni', text, 'M', 'O', 'MA'),
    hostedCseLink: attribute('hcl', identifier, 'O', 'O', 'OA'),
    hostedAeLinks: attribute('hael', nonEmptyListOf(identifier), 'O', 'O', 'OA'),
    hostedServiceLinks: attribute('hsl', listOf(identifier), 'O', 'O', 'OA'),
    mgmtClientAddress: attribute('mgca', listOf(text), 'O', 'O', 'OA'),
    roamingStatus: attribute('rms', boolean, 'NP', 'NP', 'OA'),
    networkId: attribute('nid', text, 'NP', 'NP', 'OA'),
    nodeType: attribute('nty', nonNegativeInteger, 'O', 'O', 'OA'),
  },
  parents: [5],
  behaviour: { beforeDelete: (resource, engine) => releaseHosted(engine, resource) },
})

export type Node = AttributesOf<typeof node>
