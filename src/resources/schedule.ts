/** schedule (TS-0001 9.6.9, TS-0004 7.4.9): the times at which its parent is available; below a subscription, at which it notifies. */

import { type AttributeType, boolean, listOf, objectOf, refused, required } from '../onem2m/attribute-type.ts'
import { protectedAndAnnounced } from './common-attribute.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'

const expected = 'seven fields (second minute hour day month weekday year), each *, numbers, ranges or steps'
const field = /^(\*|\d+(-\d+)?)(\/[1-9]\d*)?(,(\*|\d+(-\d+)?)(\/[1-9]\d*)?)*$/

/** TS-0004 6.3.3, scheduleEntry. */
const scheduleEntry: AttributeType<string> = {
  name: expected,
  decode(wire, where) {
    if (typeof wire !== 'string') throw refused(where, wire, expected)
    const fields = wire.trim().split(/\s+/)
    if (fields.length !== 7 || !fields.every((each) => field.test(each))) throw refused(where, wire, expected)
    return wire
  },
}

export const schedule = defineResourceType({
  type: 18,
  name: 'schedule',
  memberName: 'm2m:sch',
  clause: 'TS-0001 9.6.9',
  common: protectedAndAnnounced,
  attributes: {
    scheduleElement: attribute(
      'se',
      objectOf('schedule entries with sce', { scheduleEntry: required('sce', listOf(scheduleEntry)) }),
      'M',
      'O',
      'OA',
    ),
    networkCoordinated: attribute('nco', boolean, 'O', 'O', 'OA'),
  },
  parents: [5, 14, 23, 48],
})

export type Schedule = AttributesOf<typeof schedule>
