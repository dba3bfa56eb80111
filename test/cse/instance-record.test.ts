/** What is left out of an instance's record comes back as it was, and what is looked for in a record is found where content imitates it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chosenNameIn, completeRecord, encodeRecord, expiryIn, sizeIn } from '../../src/cse/instance-record.ts'
import { contentInstance } from '../../src/resources/content-instance.ts'

const facts = { creationTime: '20260102T030405', expirationTime: '20270102T030405', stateTag: 7 }
const completion = {
  resourceType: 4,
  resourceIdentifier: 'cnt1-a',
  parentIdentifier: 'cnt1',
  defaultName: 'cin-a',
}
/** Content that looks like the attributes that are looked for. */
const imitation = { ct: '19990101T000000', et: '19990101T000000', cs: 1, rn: 'other', st: 0 }

test('a record is completed to all attributes', () => {
  const record = encodeRecord(
    contentInstance,
    { content: imitation, contentSize: 60 },
    { ...facts, chosenName: undefined },
  )
  assert.ok(!record.includes('cnt1'))
  assert.deepEqual(JSON.parse(completeRecord(record, completion)), {
    rn: 'cin-a',
    ty: 4,
    ri: 'cnt1-a',
    pi: 'cnt1',
    ct: '20260102T030405',
    lt: '20260102T030405',
    et: '20270102T030405',
    st: 7,
    cs: 60,
    con: imitation,
  })
  assert.equal(chosenNameIn(record), undefined)
  assert.equal(sizeIn(record), 60)
  assert.equal(expiryIn(record), Date.UTC(2027, 0, 2, 3, 4, 5))
})

test('a chosen name is kept', () => {
  const record = encodeRecord(
    contentInstance,
    { content: imitation, labels: ['"et":"x"'] },
    { ...facts, chosenName: 'mine' },
  )
  assert.equal(chosenNameIn(record), 'mine')
  assert.equal(JSON.parse(completeRecord(record, completion)).rn, 'mine')
  assert.equal(sizeIn(encodeRecord(contentInstance, { content: 'x' }, { ...facts, chosenName: undefined })), 0)
})
