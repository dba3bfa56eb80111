import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { FrameReader, OversizedError } from '../../src/mqtt/frame-reader.ts'
import { encodePublish } from '../../src/mqtt/wire.ts'
import '../property.ts'

const packet = (topic: string, bytes: number) =>
  encodePublish({ topic, payload: Buffer.alloc(bytes), qos: 1, retain: false, messageId: 7 })

test('packets cut anywhere are the same packets, and those too large are passed over once their beginning is known', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 8 })
  fc.assert(
    fc.property(sizes, fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (bytes, cuts) => {
      const stream = Buffer.concat(bytes.map((size, index) => packet(`t${index}`, size)))
      const seen: string[] = []
      const frames = new FrameReader(
        100,
        (chunk, _, bodyStart, end) => {
          const topic = chunk.toString('utf8', bodyStart + 2, bodyStart + 4)
          seen.push(`${topic} ${end - bodyStart - 6}`)
          return true
        },
        (chunk, _, bodyStart, known) => {
          if (known < bodyStart + 6) return false
          seen.push(`${chunk.toString('utf8', bodyStart + 2, bodyStart + 4)} too large`)
          return true
        },
      )
      for (let at = 0, cut = 0; at < stream.length; cut++) {
        const size = cuts[cut % cuts.length] as number
        frames.push(stream.subarray(at, at + size))
        assert.ok(frames.heldBytes <= 200)
        at += size
      }
      assert.deepEqual(
        seen,
        bytes.map((size, index) => `t${index} ${packet('tt', size).length > 100 ? 'too large' : size}`),
      )
    }),
    { numRuns: 300 },
  )
})

test('a packet whose very beginning is too large is refused, as is any where nobody passes over them', () => {
  const wanting = new FrameReader(
    100,
    () => true,
    () => false,
  )
  assert.throws(() => wanting.push(packet('t', 500)), OversizedError)
  const strict = new FrameReader(100, () => true)
  assert.throws(() => strict.push(packet('t', 500).subarray(0, 3)), OversizedError)
})
