/** pollingChannel (TS-0001 9.6.21, TS-0004 7.4.21): where an AE or a CSE that can't be reached fetches the requests that are meant for it. */

import { boolean } from '../onem2m/attribute-type.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'

export const pollingChannel = defineResourceType({
  type: 15,
  name: 'pollingChannel',
  memberName: 'm2m:pch',
  clause: 'TS-0001 9.6.21',
  common: ['expirationTime', 'labels'],
  attributes: {
    requestAggregation: attribute('rqag', boolean, 'O', 'O', 'NA'),
  },
  parents: [2, 16],
  virtualChildren: ['pcu'],
  isPrivate: true,
  behaviour: {
    beforeCreate({ parent, originator }, engine) {
      // TS-0004 7.4.21.2.1: for the entity itself, and one.
      const entity = parent.attributes['aeId'] ?? parent.attributes['cseId']
      if (entity !== originator)
        throw new OneM2MError(Status.ORIGINATOR_HAS_NO_PRIVILEGE, `fr: only ${entity} may have a channel there`)
      for (const child of engine.childrenOf(parent))
        if (child.definition.type === 15)
          throw new OneM2MError(
            Status.BAD_REQUEST,
            `to: ${parent.address} has a polling channel already, ${child.name}`,
          )
    },
  },
})

export type PollingChannel = AttributesOf<typeof pollingChannel>
