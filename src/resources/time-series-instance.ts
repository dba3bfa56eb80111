/** timeSeriesInstance (TS-0001 9.6.37, TS-0004 7.4.39): one value with the time at which it was measured. */

import { absoluteOrRelativeTimestamp, anyJson, nonNegativeInteger } from '../onem2m/attribute-type.ts'
import { formatExactTimestamp } from '../onem2m/timestamp.ts'
import { sizeOf } from './content-instance.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'

export const timeSeriesInstance = defineResourceType({
  type: 30,
  name: 'timeSeriesInstance',
  memberName: 'm2m:tsi',
  clause: 'TS-0001 9.6.37',
  common: [
    'expirationTime',
    'labels',
    'announceTo',
    'announcedAttribute',
    'announceSyncType',
    'creator',
    'location',
    'contentSize',
  ],
  attributes: {
    dataGenerationTime: attribute('dgt', absoluteOrRelativeTimestamp, 'M', 'NP', 'OA'),
    content: attribute('con', anyJson, 'M', 'NP', 'OA'),
    sequenceNr: attribute('snr', nonNegativeInteger, 'O', 'NP', 'OA'),
  },
  parents: [29],
  isInstance: true,
  uniqueAttribute: 'dataGenerationTime',
  behaviour: {
    refusesUpdate: 'a timeSeriesInstance is never changed',
    beforeCreate({ attributes }, engine) {
      const time = attributes['dataGenerationTime'] as string
      // Milliseconds from now, as digits, become the time that they mean.
      if (/^[+-]?\d{1,13}$/.test(time))
        attributes['dataGenerationTime'] = formatExactTimestamp(engine.nowMs + Number(time))
      attributes['contentSize'] = sizeOf(attributes['content'])
    },
  },
})

export type TimeSeriesInstance = AttributesOf<typeof timeSeriesInstance>
