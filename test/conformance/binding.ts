/** What every binding must do, whatever its wire: the same request arrives at the CSE as the same primitive, and no request goes unanswered. */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { RequestPrimitive } from '../../src/onem2m/primitive.ts'
import { FakeCse } from '../bindings/fixture.ts'
import cases from '../cases/binding.json' with { type: 'json' }

/** What came back, whichever way the wire spells it. */
export interface Answer {
  readonly status: number
  readonly requestIdentifier: string | undefined
  readonly reason: string
}

export type BindingCase = (typeof cases)[number]

/** A binding under test: brings one case's request to the CSE in its own spelling and resolves with the answer. */
export interface BindingUnderTest {
  exchange(cse: FakeCse, one: BindingCase): Promise<Answer>
}

/** Texts that are no JSON at all are only for wires that carry text. */
export function testBinding(name: string, binding: BindingUnderTest, carriesText = true): void {
  for (const one of cases) {
    if (!carriesText && (one.payload !== undefined || one.http.text !== undefined)) continue
    test(`${name}: ${one.title}`, async () => {
      const cse = new FakeCse()
      const answer = await binding.exchange(cse, one)
      if (one.refusal === undefined) {
        assert.deepEqual(
          cse.arrivals.map((arrival): RequestPrimitive => arrival.request),
          [one.primitive],
        )
        assert.equal(answer.status, 2000)
        assert.equal(answer.requestIdentifier, one.primitive.requestIdentifier)
      } else {
        assert.equal(cse.arrivals.length, 0)
        assert.equal(answer.status, one.refusal.status)
        assert.equal(answer.requestIdentifier, one.refusal.requestIdentifier)
        assert.ok(answer.reason.includes(one.refusal.reason), answer.reason)
      }
    })
  }
}
