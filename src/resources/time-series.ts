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
    missingDataDetect: attribute('mdd', boolean, 'O', 'O', 'NA', true),
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
      if (attributes['periodicIntervalDelta'] === undefined)
        attributes['periodicIntervalDelta'] = defaultDelta((name) => attributes[name])
      checkIntervals((name) => attributes[name])
    },
    beforeUpdate({ resource, changes, value }) {
      if (resource.attributes['missingDataDetect'] === true || changes.has('missingDataDetect')) {
        const name = watched.find((each) => changes.has(each))
        if (name !== undefined)
          throw refused(
            resource.definition.table.get(name)?.short ?? name,
            changes.get(name),
            'no change while missing data are detected, nor together with mdd: set mdd to false first',
          )
      }
      // Where detection begins, nothing is missing: there is no list of it.
      if (changes.get('missingDataDetect') === true)
        changes.set('missingDataCurrentNr', 0).set('missingDataList', undefined)
      if (changes.has('periodicInterval') && !changes.has('periodicIntervalDelta'))
        changes.set('periodicIntervalDelta', defaultDelta(value))
      checkIntervals(value)
    },
  },
})

export type TimeSeries = AttributesOf<typeof timeSeries>

/** Half of the interval, but within what the detect timer allows; undefined without an interval. */
function defaultDelta(value: (name: string) => unknown): number | undefined {
  const interval = value('periodicInterval') as number | undefined
  if (interval === undefined) return undefined
  const detectTimer = (value('missingDataDetectTimer') as number | undefined) ?? Number.POSITIVE_INFINITY
  return Math.min(Math.floor(interval / 2), detectTimer - 1)
}

/** TS-0004 7.4.38.2.1. */
function checkIntervals(value: (name: string) => unknown): void {
  const interval = value('periodicInterval') as number | undefined
  const delta = value('periodicIntervalDelta') as number | undefined
  const detectTimer = value('missingDataDetectTimer') as number | undefined
  if (delta !== undefined && interval !== undefined && delta > interval / 2)
    throw refused('peid', delta, `at most half of pei, ${interval / 2}`)
  if (value('missingDataDetect') !== true) return
  if (detectTimer === undefined) throw refused('mdt', undefined, 'a positive integer: mdd needs it')
  if (detectTimer <= (delta ?? 0)) throw refused('mdt', detectTimer, `more than peid, ${delta ?? 0}`)
}
