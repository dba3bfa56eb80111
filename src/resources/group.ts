/** group (TS-0001 9.6.13, TS-0004 7.4.13 and 7.4.14): resources that are addressed as one through its virtual child fopt. */

import {
  boolean,
  durationText,
  enumeration,
  identifier,
  listOf,
  nonNegativeInteger,
  objectOf,
  optional,
  positiveInteger,
  refused,
  text,
} from '../onem2m/attribute-type.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { AccessRight } from './access-control-policy.ts'
import type { Engine, ResourceView } from './behaviour.ts'
import { protectedAndAnnounced } from './common-attribute.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'

/** TS-0004 6.3.4.2.14. What happens to members of the wrong type. */
const ConsistencyStrategy = { ABANDON_MEMBER: 1, ABANDON_GROUP: 2, SET_MIXED: 3 } as const
const MIXED = 0

const specialization = {
  name: 'a mgmtDefinition or a containerDefinition',
  decode(wire: unknown, where: string): number | string {
    if ((typeof wire === 'number' && Number.isInteger(wire)) || (typeof wire === 'string' && wire !== '')) return wire
    throw refused(where, wire, this.name)
  },
}

export const group = defineResourceType({
  type: 9,
  name: 'group',
  memberName: 'm2m:grp',
  clause: 'TS-0001 9.6.13',
  common: [...protectedAndAnnounced, 'creator'],
  attributes: {
    memberType: attribute('mt', nonNegativeInteger, 'O', 'NP', 'OA', true),
    specializationType: attribute('spty', specialization, 'O', 'NP', 'OA'),
    currentNrOfMembers: attribute('cnm', nonNegativeInteger, 'NP', 'NP', 'NA', true),
    maxNrOfMembers: attribute('mnm', positiveInteger, 'M', 'O', 'OA'),
    memberIds: attribute('mid', listOf(identifier), 'M', 'O', 'OA'),
    membersAccessControlPolicyIds: attribute('macp', listOf(identifier), 'O', 'O', 'OA'),
    memberTypeValidated: attribute('mtv', boolean, 'NP', 'NP', 'OA'),
    consistencyStrategy: attribute('csy', enumeration('1, 2 or 3', 1, 2, 3), 'O', 'NP', 'OA'),
    groupName: attribute('gn', text, 'O', 'O', 'OA'),
    semanticSupportIndicator: attribute('ssi', boolean, 'NP', 'NP', 'OA'),
    notifyAggregation: attribute(
      'nar',
      objectOf('aggregation with num or dur', {
        number: optional('num', positiveInteger),
        duration: optional('dur', durationText),
      }),
      'O',
      'O',
      'OA',
    ),
  },
  parents: [2, 5, 16],
  virtualChildren: ['fopt'],
  behaviour: {
    beforeCreate({ attributes, originator }, engine) {
      attributes['memberType'] ??= MIXED
      attributes['consistencyStrategy'] ??= ConsistencyStrategy.ABANDON_MEMBER
      Object.assign(attributes, membership(attributes, originator, engine))
    },
    beforeUpdate(revision, engine) {
      const { changes, resource } = revision
      const isAsItWas = !changes.has('memberIds') && !changes.has('maxNrOfMembers')
      // What could not be reached is asked for again with every update.
      if (isAsItWas && resource.stored['memberTypeValidated'] !== false) return
      const names = ['memberIds', 'maxNrOfMembers', 'memberType', 'specializationType', 'consistencyStrategy']
      const asked = Object.fromEntries(names.map((name) => [name, revision.value(name)]))
      const settled = membership(asked, revision.originator, engine)
      for (const [name, result] of Object.entries(settled)) revision.changes.set(name, result)
    },
    members: (resource) => (resource.attributes as Membership).memberIds ?? [],
  },
})

export type Group = AttributesOf<typeof group>

/** Here or at another CSE. */
type Member = Pick<ResourceView, 'definition' | 'stored'>

interface Membership {
  readonly memberIds?: readonly string[]
  readonly maxNrOfMembers?: number
  readonly memberType?: number
  readonly specializationType?: number | string
  readonly consistencyStrategy?: number
  readonly memberTypeValidated?: boolean
  readonly currentNrOfMembers?: number
}

/** specializationType is a mgmtDefinition, or the containerDefinition of a flexContainer. TS-0001 9.6.13. */
function isOfSpecialization(member: Member, asked: number | string | undefined): boolean {
  if (asked === undefined) return true
  const { mgmtDefinition, containerDefinition, specializationType } = member.stored
  return String(asked) === String(mgmtDefinition ?? containerDefinition ?? specializationType)
}

/** Members without duplicates, of the group's type, within its limit: TS-0004 7.4.13.2.1. */
function membership(asked: Membership, originator: string, engine: Engine): Membership {
  const maximum = asked.maxNrOfMembers ?? 0
  let memberIds = withoutDuplicates(asked.memberIds ?? [], engine)
  let memberType = asked.memberType ?? MIXED
  if (memberIds.length > maximum)
    throw new OneM2MError(
      Status.MAX_NUMBER_OF_MEMBER_EXCEEDED,
      `mid: got ${memberIds.length} members, expected at most ${maximum} (mnm)`,
    )
  let isValidated = true
  if (memberType !== MIXED) {
    const strays = memberIds.filter((identifier) => {
      const address = memberAddress(identifier)
      const local = engine.resolve(address)
      const member = local ?? engine.learn(address)
      if (member === undefined) {
        isValidated = false
        return false
      }
      const isHidden = local !== undefined && !engine.allows(originator, AccessRight.RETRIEVE, local)
      if (isHidden || member === 'forbidden')
        throw new OneM2MError(
          Status.RECEIVER_HAS_NO_PRIVILEGE,
          `mid: ${originator} may not retrieve ${identifier}, so its type can't be told to it`,
        )
      return !isOfType(member, identifier, memberType) || !isOfSpecialization(member, asked.specializationType)
    })
    if (strays.length > 0) {
      if (asked.consistencyStrategy === ConsistencyStrategy.ABANDON_GROUP)
        throw new OneM2MError(
          Status.GROUP_MEMBER_TYPE_INCONSISTENT,
          `mid: ${strays[0]} is not of the group's type ${memberType} (mt)`,
        )
      if (asked.consistencyStrategy === ConsistencyStrategy.SET_MIXED) memberType = MIXED
      else memberIds = memberIds.filter((identifier) => !strays.includes(identifier))
    }
  }
  return { memberIds, memberType, memberTypeValidated: isValidated, currentNrOfMembers: memberIds.length }
}

/** A resource is a member once, under the first of its identifiers. */
function withoutDuplicates(memberIds: readonly string[], engine: Engine): readonly string[] {
  const byResource = new Map<string, string>()
  for (const identifier of memberIds) {
    const address = memberAddress(identifier)
    // What is no member of its own, such as the latest instance, is another member from day to day.
    const isVirtual = /\/(?:la|ol)$/.test(address)
    const resource = isVirtual ? undefined : engine.resolve(address)?.resourceIdentifier
    const key = resource === undefined ? identifier : `${resource}${identifier.slice(address.length)}`
    if (!byResource.has(key)) byResource.set(key, identifier)
  }
  return [...byResource.values()]
}

/** A member that names the fan-out point of another group stands for that group's members. */
function memberAddress(identifier: string): string {
  return isFanOut(identifier) ? identifier.slice(0, -'/fopt'.length) : identifier
}

function isFanOut(identifier: string): boolean {
  return identifier.endsWith('/fopt')
}

/** Whether a member, or what a group that is addressed by its fan-out point consists of, is of a type. */
function isOfType(member: Member, identifier: string, type: number): boolean {
  return isFanOut(identifier) ? member.stored['memberType'] === type : member.definition.type === type
}
