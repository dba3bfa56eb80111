/** AE (TS-0001 9.6.5, TS-0004 7.4.5; AE-IDs TS-0001 10.2.2.2): an application, its identifier and where it can be reached. */

import {
  anyObject,
  boolean,
  identifier,
  isResourceName,
  listOf,
  mediaType,
  refused,
  text,
} from '../onem2m/attribute-type.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import type { Draft, Engine } from './behaviour.ts'
import { protectedAndAnnounced } from './common-attribute.ts'
import { moveToNode } from './node-link.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'

export const ae = defineResourceType({
  type: 2,
  name: 'AE',
  memberName: 'm2m:ae',
  clause: 'TS-0001 9.6.5',
  common: [...protectedAndAnnounced, 'location'],
  attributes: {
    appName: attribute('apn', text, 'O', 'O', 'OA'),
    appId: attribute('api', text, 'M', 'NP', 'OA'),
    aeId: attribute('aei', identifier, 'NP', 'NP', 'OA', true),
    pointOfAccess: attribute('poa', listOf(identifier), 'O', 'O', 'OA'),
    ontologyRef: attribute('or', identifier, 'O', 'O', 'OA'),
    nodeLink: attribute('nl', identifier, 'O', 'O', 'OA'),
    requestReachability: attribute('rr', boolean, 'M', 'O', 'OA'),
    contentSerialization: attribute('csz', listOf(mediaType), 'O', 'O', 'OA'),
    e2eSecInfo: attribute('esi', text, 'O', 'O', 'MA'),
    m2mExtId: attribute('mei', text, 'O', 'O', 'NA'),
    /** Mandatory from Release 2a on; AEs of OpenMTC and Mobius leave it out, so it is asked of nobody. */
    supportedReleaseVersions: attribute('srv', listOf(text), 'O', 'O', 'MA'),
    registrationStatus: attribute('regs', text, 'O', 'O', 'OA'),
    trackRegistrationPoints: attribute('trps', boolean, 'O', 'O', 'OA'),
    sessionCapabilities: attribute('scp', listOf(text), 'O', 'O', 'OA'),
    triggerEnable: attribute('tren', boolean, 'O', 'O', 'OA'),
    activityPatternElements: attribute('ape', listOf(anyObject), 'O', 'O', 'OA'),
  },
  parents: [5],
  behaviour: {
    beforeCreate(draft, engine) {
      const { attributes } = draft
      checkAppId(attributes['appId'] as string, draft.releaseVersionIndicator)
      const aeId = assignAeId(draft, engine)
      attributes['aeId'] = aeId
      draft.resourceIdentifier = aeId
      moveToNode(engine, aeId, undefined, attributes['nodeLink'])
    },
    beforeUpdate({ resource, changes }, engine) {
      if (changes.has('nodeLink'))
        moveToNode(engine, resource.resourceIdentifier, resource.stored['nodeLink'], changes.get('nodeLink'))
    },
    beforeDelete(resource, engine) {
      moveToNode(engine, resource.resourceIdentifier, resource.stored['nodeLink'], undefined)
    },
  },
})

export type ApplicationEntity = AttributesOf<typeof ae>

/**
 * N for a name that is not registered, R for one that is (TS-0001 7.1.3); release 3 still has r as well. Applications of release 2a and
 * before are not held to it: OpenMTC's register as `dummy`.
 */
function checkAppId(appId: string, releaseVersionIndicator: string | undefined): void {
  if (releaseVersionIndicator === undefined || /^[12]/.test(releaseVersionIndicator)) {
    if (!/^\S+$/.test(appId)) throw refused('api', appId, 'an App-ID')
  } else if (!(releaseVersionIndicator === '3' ? /^[NRr]\S+$/ : /^[NR]\S+$/).test(appId))
    throw refused('api', appId, 'an App-ID that begins with N or R')
}

/** The AE-ID-stem that a registration gets (TS-0001 10.2.2.2): the one asked for when it is free, or a new one. */
function assignAeId({ originator }: Draft, engine: Engine): string {
  const stem = engine.shortOriginator(originator)
  if (stem === '' || stem === 'C') return engine.newIdentifier('C')
  if (stem === 'S') return engine.newIdentifier('S')
  if (!/^[CS]/.test(stem) || !isResourceName(stem))
    throw refused('fr', originator, 'nothing, C, S, or an AE-ID that begins with C or S')
  if (engine.resolve(stem) !== undefined)
    throw new OneM2MError(
      Status.ORIGINATOR_HAS_ALREADY_REGISTERED,
      `fr: ${stem} is registered already; it goes on under this AE-ID`,
    )
  return stem
}
