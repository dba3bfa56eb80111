/**
 * mgmtObj (TS-0001 9.6.15 and annex D, TS-0004 7.4.15 and annex D): what can be managed of a device. One type number, many specializations,
 * each with its member name, its mgmtDefinition and its own attributes: `mgmt-obj-definition.ts` lists them.
 */

import { identifier, listOf, objectOf, refused, required, text } from '../onem2m/attribute-type.ts'
import type { Behaviour } from './behaviour.ts'
import {
  alternatives,
  exclusiveTriggers,
  inProcess,
  type MgmtObjDefinition,
  mgmtObjDefinitions,
  triggers,
  uninitialized,
} from './mgmt-obj-definition.ts'
import { type AttributeTable, attribute, defineResourceType, type ResourceType } from './resource-type.ts'

/** Fixes mgmtDefinition to the one number of a specialization. */
function mgmtDefinition(number: number) {
  return {
    name: `${number}`,
    decode(wire: unknown, where: string): number {
      if (wire !== number) throw refused(where, wire, `${number}, the mgmtDefinition of this object`)
      return number
    },
  }
}

/** TS-0004 D.10 and others: two triggers that contradict each other are not pulled together. */
function checkTriggers(value: (name: string) => unknown): void {
  for (const [one, other] of exclusiveTriggers) {
    if (value(one) === true && value(other) === true) throw refused(one, true, `not ${one} and ${other} at once`)
  }
}

function checkAlternatives(own: AttributeTable, value: (name: string) => unknown): void {
  for (const [one, other] of alternatives) {
    const { [one]: first, [other]: second } = own
    if (first === undefined || second === undefined || value(one) === undefined || value(other) === undefined) continue
    throw refused(second.short, value(other), `nothing beside ${first.short}`)
  }
}

/**
 * A trigger says nothing once it is pulled: it reads as before, and the status of its action says that it is in process. Who carries it out
 * (an application on the node that subscribes to the object) reports there. TS-0001 D.2 to D.11.
 */
function behaviourOf({ attributes: own }: MgmtObjDefinition): Behaviour {
  const present = triggers.filter(({ trigger }) => own[trigger] !== undefined)
  return {
    beforeCreate({ attributes }) {
      checkTriggers((name) => attributes[name])
      checkAlternatives(own, (name) => attributes[name])
      for (const { trigger, status, idle } of present) {
        if (idle !== undefined) attributes[trigger] = idle
        if (status !== undefined) attributes[status] ??= uninitialized
      }
    },
    beforeUpdate({ changes, value }) {
      checkTriggers((name) => changes.get(name))
      checkAlternatives(own, value)
      for (const { trigger, status, idle } of present) {
        if (!changes.has(trigger)) continue
        if (changes.get(trigger) === true && status !== undefined && !changes.has(status))
          changes.set(status, { action: own[trigger]?.short, status: inProcess })
        // One that is not pulled is no change: those who carry it out are told of changes.
        if (idle !== undefined && changes.get(trigger) === true) changes.set(trigger, idle)
        else if (idle !== undefined) changes.delete(trigger)
      }
    },
  }
}

export const mgmtObjs: readonly ResourceType[] = mgmtObjDefinitions.map((definition) => {
  const { name, memberName, number, clause, attributes } = definition
  return defineResourceType({
    type: 13,
    name,
    memberName,
    clause,
    common: [
      'expirationTime',
      'accessControlPolicyIds',
      'labels',
      'dynamicAuthorizationConsultationIds',
      'announceTo',
      'announcedAttribute',
      'custodian',
    ],
    attributes: {
      mgmtDefinition: attribute('mgd', mgmtDefinition(number), 'M', 'NP', 'MA'),
      objectIds: attribute('obis', listOf(identifier), 'O', 'NP', 'OA'),
      objectPaths: attribute('obps', listOf(identifier), 'O', 'NP', 'OA'),
      description: attribute('dc', text, 'O', 'O', 'OA'),
      mgmtSchema: attribute('mgs', identifier, 'O', 'NP', 'OA'),
      mgmtLink: attribute(
        'cmlk',
        listOf(
          objectOf('a link with nm, typ and val', {
            name: required('nm', text),
            type: required('typ', mgmtDefinitionNumber()),
            value: required('val', identifier),
          }),
        ),
        'O',
        'O',
        'OA',
      ),
      ...attributes,
    },
    parents: [14],
    isSpecialized: true,
    behaviour: behaviourOf(definition),
  })
})

function mgmtDefinitionNumber() {
  return {
    name: 'a mgmtDefinition',
    decode(wire: unknown, where: string): number {
      if (typeof wire !== 'number' || !Number.isInteger(wire)) throw refused(where, wire, 'a mgmtDefinition, a number')
      return wire
    },
  }
}
