/** schedule (TS-0001 9.6.9, TS-0004 7.4.9): the times at which its parent is available; below a subscription, at which it notifies. */

import { type AttributeType, boolean, listOf, objectOf, refused, required } from '../onem2m/attribute-type.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import type { ResourceView } from './behaviour.ts'
import { protectedAndAnnounced } from './common-attribute.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'

const expected = 'seven fields (second minute hour day month weekday year), each *, numbers, ranges or steps'
const field = /^(\*|\d+(-\d+)?)(\/[1-9]\d*)?(,(\*|\d+(-\d+)?)(\/[1-9]\d*)?)*$/
/** Least and greatest number of each field; 0 is Sunday. */
const ranges: readonly (readonly [least: number, most: number])[] = [
  [0, 59],
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
  [1970, 9999],
]

/** TS-0004 6.3.3, scheduleEntry. */
export const scheduleEntry: AttributeType<string> = {
  name: expected,
  decode(wire, where) {
    if (typeof wire !== 'string') throw refused(where, wire, expected)
    const fields = wire.trim().split(/\s+/)
    if (fields.length !== 7 || !fields.every((each, index) => isField(each, index)))
      throw refused(where, wire, expected)
    return wire
  },
}

function isField(text: string, index: number): boolean {
  if (!field.test(text)) return false
  const [least, most] = ranges[index] as readonly [number, number]
  const numbers = text.replace(/\/\d+/g, '').match(/\d+/g) ?? []
  return numbers.every((number) => Number(number) >= least && Number(number) <= most)
}

/** TS-0004 6.3.5.23. */
export const scheduleEntries = objectOf('schedule entries with sce', {
  scheduleEntry: required('sce', listOf(scheduleEntry)),
})

/** What the schedule below a subscription is called: TS-0001 9.6.8. */
const notificationSchedule = 'notificationSchedule'

const nodeType = 14
const scheduleType = 18
const withNotificationSchedule: readonly number[] = [23, 48]

export const schedule = defineResourceType({
  type: scheduleType,
  name: 'schedule',
  memberName: 'm2m:sch',
  clause: 'TS-0001 9.6.9',
  common: protectedAndAnnounced,
  attributes: {
    scheduleElement: attribute('se', scheduleEntries, 'M', 'O', 'OA'),
    networkCoordinated: attribute('nco', boolean, 'O', 'O', 'OA'),
  },
  parents: [5, 14, 16, 23, 48],
  behaviour: {
    beforeCreate(draft, engine) {
      const { parent, attributes } = draft
      checkCoordination(attributes['networkCoordinated'], parent)
      for (const { definition, name } of engine.childrenOf(parent))
        if (definition.type === scheduleType)
          throw new OneM2MError(Status.BAD_REQUEST, `to: ${parent.address} has a schedule already, ${name}`)
      if (!withNotificationSchedule.includes(parent.definition.type)) return
      if (draft.name !== '' && draft.name !== notificationSchedule)
        throw refused('rn', draft.name, `${notificationSchedule}, or nothing`)
      draft.name = notificationSchedule
    },
    beforeUpdate({ resource, changes }) {
      if (resource.parent !== undefined) checkCoordination(changes.get('networkCoordinated'), resource.parent)
    },
  },
})

export type Schedule = AttributesOf<typeof schedule>

/** Only nodes have a network that could coordinate anything, and this CSE is connected to none that does: TS-0004 7.4.9.2. */
function checkCoordination(networkCoordinated: unknown, parent: ResourceView): void {
  if (networkCoordinated !== true) return
  if (parent.definition.type === nodeType)
    throw new OneM2MError(Status.NOT_IMPLEMENTED, 'nco: this CSE has no network that coordinates schedules')
  throw new OneM2MError(Status.CONTENTS_UNACCEPTABLE, `nco: a ${parent.definition.name} has no network to coordinate`)
}
