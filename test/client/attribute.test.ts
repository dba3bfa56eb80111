import assert from 'node:assert/strict'
import test from 'node:test'
import { readAttributes, writeContent } from '../../src/client/attribute.ts'
import { container } from '../../src/resources/container.ts'

test('contents are read and written under long names, and are typed', () => {
  const content = writeContent(container, { resourceName: 'temp', maxNrOfInstances: 10, labels: ['room:kitchen'] })
  assert.deepEqual(content, { 'm2m:cnt': { rn: 'temp', lbl: ['room:kitchen'], mni: 10 } })
  const read = readAttributes(container, { 'm2m:cnt': { rn: 'temp', mni: 10, 'x:new': 1 } })
  const most: number | undefined = read.maxNrOfInstances
  assert.deepEqual([most, read], [10, { resourceName: 'temp', maxNrOfInstances: 10 }])
})

test('what is of another type is refused with what came', () => {
  assert.throws(() => readAttributes(container, { 'm2m:ae': {} }), /expected one member named m2m:cnt/)
})
