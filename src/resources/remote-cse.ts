/** remoteCSE (TS-0001 9.6.4, TS-0004 7.4.3): another CSE that is registered here, or that this one is registered with, and how to reach it. */

import {
  anyObject,
  boolean,
  identifier,
  integer,
  listOf,
  nonNegativeInteger,
  refused,
  text,
} from '../onem2m/attribute-type.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import type { Draft, Engine } from './behaviour.ts'
import { protectedAndAnnounced } from './common-attribute.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'

export const remoteCse = defineResourceType({
  type: 16,
  name: 'remoteCSE',
  memberName: 'm2m:csr',
  clause: 'TS-0001 9.6.4',
  common: [...protectedAndAnnounced, 'creator', 'location'],
  attributes: {
    cseType: attribute('cst', integer, 'O', 'NP', 'OA'),
    pointOfAccess: attribute('poa', listOf(identifier), 'O', 'O', 'OA'),
    /** An address by the standard, `/mn-1/onem2m`; OpenMTC writes the name alone. */
    cseBase: attribute('cb', text, 'M', 'NP', 'OA'),
    cseId: attribute('csi', identifier, 'O', 'NP', 'OA', true),
    spId: attribute('spi', identifier, 'O', 'O', 'OA'),
    inCseId: attribute('ici', identifier, 'O', 'O', 'OA'),
    m2mExtId: attribute('mei', text, 'O', 'O', 'NA'),
    triggerRecipientId: attribute('tri', text, 'O', 'O', 'OA'),
    requestReachability: attribute('rr', boolean, 'M', 'O', 'OA'),
    nodeLink: attribute('nl', identifier, 'O', 'O', 'OA'),
    contentSerialization: attribute('csz', listOf(text), 'O', 'O', 'OA'),
    e2eSecInfo: attribute('esi', text, 'O', 'O', 'MA'),
    triggerReferenceNumber: attribute('trn', nonNegativeInteger, 'O', 'O', 'OA'),
    /** CSE-IDs of those that are reached through this one. */
    descendantCses: attribute('dcse', listOf(identifier), 'O', 'O', 'OA'),
    multicastCapability: attribute('mtcc', nonNegativeInteger, 'O', 'O', 'OA'),
    externalGroupId: attribute('egid', text, 'O', 'O', 'OA'),
    triggerEnable: attribute('tren', boolean, 'O', 'O', 'OA'),
    activityPatternElements: attribute('ape', listOf(anyObject), 'O', 'O', 'OA'),
    /** Mandatory from Release 2a on; OpenMTC leaves it out, so it is asked of nobody. */
    supportedReleaseVersions: attribute('srv', listOf(text), 'O', 'O', 'MA'),
  },
  parents: [5],
  children: [23],
  behaviour: {
    beforeCreate(draft, engine) {
      const cseId = registeringCse(draft, engine)
      if (engine.remoteCse(cseId) !== undefined)
        throw new OneM2MError(Status.ORIGINATOR_HAS_ALREADY_REGISTERED, `csi: ${cseId} is registered already`)
      draft.attributes['cseId'] = cseId
      const identifier = cseId.slice(1)
      // Found by the name that everybody knows; what begins with C or S is an AE's.
      if (/^[^CS/][^/]*$/.test(identifier) && engine.resolve(identifier) === undefined)
        draft.resourceIdentifier = identifier
      engine.remoteCsesChange()
    },
    beforeUpdate(_revision, engine) {
      engine.remoteCsesChange()
    },
    beforeDelete(_resource, engine) {
      engine.remoteCsesChange()
    },
  },
})

export type RemoteCse = AttributesOf<typeof remoteCse>

/**
 * Which CSE registers (TS-0004 7.4.3.2.1): the originator, which must be one and no AE. Only this CSE itself describes others, those that it has
 * registered with. Throws OPERATION_NOT_ALLOWED or BAD_REQUEST.
 */
function registeringCse({ originator, attributes }: Draft, engine: Engine): string {
  if (!/^(?:\/\/[\w.-]+)?\/[\w.~-]+$/.test(originator))
    throw new OneM2MError(
      Status.OPERATION_NOT_ALLOWED,
      `fr: ${originator} is no CSE; only a CSE registers as remoteCSE`,
    )
  // Whatever it says: TS-0004 7.4.3.2.1.
  if (originator !== engine.cseId) return originator
  const given = attributes['cseId'] as string | undefined
  // Mobius and older peers leave the slash out.
  const named = given === undefined || given.startsWith('/') ? given : `/${given}`
  const short = named === undefined ? undefined : engine.shortOriginator(named)
  if (short === undefined || short === engine.cseId) throw refused('csi', given, 'the CSE-ID of another CSE')
  return short
}
