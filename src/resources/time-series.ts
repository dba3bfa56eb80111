/** timeSeries (TS-0001 9.6.36, TS-0004 7.4.38): values that are expected at regular times, and a watch for those that do not come. */

import {
  absoluteOrRelativeTimestamp,
  boolean,
  contentInfo,
  identifier,
  listOf,
  nonNegativeInteger,
  positiveInteger,
  refused,
} from '../onem2m/attribute-type.ts'
import { protectedAndAnnounced } from './common-attribute.ts'
import { type AttributesOf, attribute, defineResourceType } from './resource-type.ts'
import { timeSeriesInstance } from './time-series-instance.ts'

/** While missing data are watched for, what the watch goes by stays as it is. */
const watched = ['missingDataDetectTimer', 'missingDataMaxNr', 'periodicIntervalDelta', 'periodicInterval']

export const timeSeries = defineResourceType({
  type: 29,
  name: 'timeSeries',
  memberName: 'm2m:ts',
  clause: 'TS-0001 9.6.36',
  common: [...protectedAndAnnounced, 'creator', 'location'],
  attributes: {
    maxNrOfInstances: attribute('mni', nonNegativeInteger, 'O', 'O', 'OA'),
    maxByteSize: attribute('mbs', nonNegativeInteger, 'O', 'O', 'OA'),
    /** Seconds. */
    maxInstanceAge: attribute('mia', nonNegativeInteger, 'O', 'O', 'OA'),
    currentNrOfInstances: attribute('cni', nonNegativeInteger, 'NP', 'NP', 'NA', true),
    currentByteSize: attribute('cbs', nonNegativeInteger, 'NP', 'NP', 'NA', true),
    /** Milliseconds between two values. */
    periodicInterval: attribute('pei', positiveInteger, 'O', 'O', 'OA'),
    /** Milliseconds by which a value may be early or late. */
    periodicIntervalDelta: attribute('peid', nonNegativeInteger, 'O', 'O', 'OA'),
    missingDataDetect: attribute('mdd', boolean, 'O', 'O', 'NA'),
    missingDataMaxNr: attribute('mdn', positiveInteger, 'O', 'O', 'OA'),
    missingDataList: attribute('mdlt', listOf(absoluteOrRelativeTimestamp), 'NP', 'NP', 'NA'),
    missingDataCurrentNr: attribute('mdc', nonNegativeInteger, 'NP', 'NP', 'NA', true),
    /** Milliseconds after its time at which a value counts as missing. */
    missingDataDetectTimer: attribute('mdt', positiveInteger, 'O', 'O', 'OA'),
    contentInfo: attribute('cnf', contentInfo, 'O', 'NP', 'OA'),
    ontologyRef: attribute('or', identifier, 'O', 'O', 'OA'),
  },
  parents: [2, 3, 5, 16, 28],
  virtualChildren: ['la', 'ol'],
  instanceDefinition: timeSeriesInstance,
  behaviour: {
    beforeCreate({ attributes }) {
      attributes['missingDataDetect'] ??= false
      attributes['missingDataCurrentNr'] = 0
      checkIntervals((name) => attributes[name])
    },
    beforeUpdate({ resource, changes, value }) {
      if (resource.attributes['missingDataDetect'] === true) {
        const name = watched.find((each) => changes.has(each))
        if (name !== undefined)
          throw refused(
            resource.definition.table.get(name)?.short ?? name,
            changes.get(name),
            'no change while missing data are detected: set mdd to false first',
          )
      }
      if (changes.get('missingDataDetect') === true) {
        changes.set('missingDataList', undefined)
        changes.set('missingDataCurrentNr', 0)
      }
      checkIntervals(value)
    },
  },
})

export type TimeSeries = AttributesOf<typeof timeSeries>

/** TS-0004 7.4.38.2.1. */
function checkIntervals(value: (name: string) => unknown): void {
  const interval = value('periodicInterval') as number | undefined
  const delta = value('periodicIntervalDelta') as number | undefined
  const detectTimer = value('missingDataDetectTimer') as number | undefined
  if (delta !== undefined && interval !== undefined && delta > interval / 2)
    throw refused('peid', delta, `at most half of pei, ${interval / 2}`)
  if (value('missingDataDetect') !== true) return
  if (interval === undefined) throw refused('pei', undefined, 'a positive integer: mdd needs it')
  if (detectTimer === undefined) throw refused('mdt', undefined, 'a positive integer: mdd needs it')
  if (detectTimer <= (delta ?? 0)) throw refused('mdt', detectTimer, `more than peid, ${delta ?? 0}`)
}
