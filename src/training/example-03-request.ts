/** Examples 3 to 7: the five requests, as primitives with long names and as they go over the wire. */

import { encodeRequest, Operation, type RequestPrimitive } from '../index.ts'
import type { Lesson } from './lesson.ts'

const known = { originator: 'CmyApp', releaseVersionIndicator: '3' }
const requests: readonly RequestPrimitive[] = [
  { ...known, operation: Operation.RETRIEVE, to: 'onem2m', requestIdentifier: 'r3' },
  { ...known, operation: Operation.DELETE, to: 'onem2m/myApp/old', requestIdentifier: 'r4' },
  {
    ...known,
    operation: Operation.CREATE,
    to: 'onem2m/myApp',
    requestIdentifier: 'r5',
    resourceType: 3,
    content: { 'm2m:cnt': { rn: 'temperature' } },
  },
  {
    ...known,
    operation: Operation.NOTIFY,
    to: 'CotherApp',
    requestIdentifier: 'r6',
    content: { 'm2m:sgn': { sur: 'onem2m/myApp/temperature/watch' } },
  },
  // null deletes an attribute.
  {
    ...known,
    operation: Operation.UPDATE,
    to: 'onem2m/myApp/temperature',
    requestIdentifier: 'r7',
    content: { 'm2m:cnt': { mni: 100, lbl: null } },
  },
]

export const request: Lesson = {
  name: 'example-03',
  text: 'requests to retrieve, delete, create, notify and update (3 to 7)',
  async play({ print }) {
    for (const each of requests) print(encodeRequest(each))
  },
}
