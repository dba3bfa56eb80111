/** What every transport of a client must do, whatever its wire: the same requests out, the same answers back, requests of others in. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OneM2MClient } from '../../src/client/client.ts'
import type { Notification } from '../../src/client/notification.ts'
import type { Transport } from '../../src/client/transport.ts'
import type { JsonObject } from '../../src/onem2m/content.ts'
import { Operation, type RequestPrimitive, type ResponsePrimitive } from '../../src/onem2m/primitive.ts'
import { OneM2MError } from '../../src/onem2m/status.ts'
import { FakeCse } from '../bindings/fixture.ts'

export interface Scene {
  readonly transport: Transport
  /** The CSE's own request, sent to who listens at a point of access. */
  deliver(pointOfAccess: string, target: string, request: RequestPrimitive): Promise<ResponsePrimitive>
  end(): Promise<void>
}

const known = { originator: 'CAE01', releaseVersionIndicator: '3' }
const content = { 'm2m:cnt': { rn: 'temp', lbl: ['a b', 'ü'] } }

function notification(requestIdentifier: string, value: string): RequestPrimitive {
  return {
    operation: Operation.NOTIFY,
    to: 'CAE01',
    originator: '/mn-cse-1',
    requestIdentifier,
    releaseVersionIndicator: '3',
    content: { 'm2m:sgn': { nev: { rep: { 'm2m:cin': { con: value } }, net: 3 }, sur: '/mn-cse-1/sub-1' } },
  }
}

export function testTransport(name: string, setUp: (cse: FakeCse) => Promise<Scene>): void {
  const scene = async (
    response: FakeCse['response'],
    play: (parts: Scene & { readonly cse: FakeCse; readonly client: OneM2MClient }) => Promise<void>,
  ): Promise<void> => {
    const cse = new FakeCse(response)
    const parts = await setUp(cse)
    const client = new OneM2MClient({ transport: parts.transport, originator: 'CAE01' })
    try {
      await play({ ...parts, cse, client })
    } finally {
      await client.close()
      await parts.end()
    }
  }

  describe(`${name}: a transport`, { timeout: 10_000 }, () => {
    it('carries the five operations with all that they say', () =>
      scene({ responseStatusCode: 2000, content }, async ({ client, cse }) => {
        assert.deepEqual(await client.create('onem2m', 3, content, { resultContent: 1 }), content)
        assert.deepEqual(await client.retrieve('/mn-cse-1/onem2m/temp'), content)
        assert.deepEqual(await client.update('onem2m/temp', content), content)
        await client.delete('onem2m/temp', { originator: 'CAE02' })
        await client.notify('onem2m/temp', { 'm2m:sgn': { sur: 'x' } })
        const filterCriteria = { labels: ['temperature'], resourceType: [3], limit: 5 }
        await client.retrieve('onem2m', { filterCriteria })
        const requests = cse.arrivals.map(({ request: { requestIdentifier, ...request } }) => request)
        assert.deepEqual(requests, [
          { ...known, operation: 1, to: 'onem2m', resourceType: 3, content, resultContent: 1 },
          { ...known, operation: 2, to: '/mn-cse-1/onem2m/temp' },
          { ...known, operation: 3, to: 'onem2m/temp', content },
          { ...known, operation: 4, to: 'onem2m/temp', originator: 'CAE02' },
          { ...known, operation: 5, to: 'onem2m/temp', content: { 'm2m:sgn': { sur: 'x' } } },
          { ...known, operation: 2, to: 'onem2m', filterCriteria },
        ])
      }))

    it('brings refusals as errors with their code and reason', () =>
      scene({ responseStatusCode: 4105, content: { 'm2m:dbg': 'rn: taken' } }, async ({ client }) => {
        await assert.rejects(client.create('onem2m', 3, content), {
          name: 'OneM2MResponseError',
          responseStatusCode: 4105,
          message: '4105 CONFLICT - rn: taken',
        })
      }))

    it('tells responses apart that come in another order', () =>
      scene(null, async ({ client, cse }) => {
        const both = Promise.all(['a', 'b'].map((to) => client.retrieve(to)))
        while (cse.arrivals.length < 2) await new Promise((resolve) => setImmediate(resolve))
        for (const { request, respond } of cse.arrivals.toReversed())
          respond({
            responseStatusCode: 2000,
            requestIdentifier: request.requestIdentifier,
            content: { 'm2m:cnt': { rn: request.to } },
          })
        assert.deepEqual(await both, [{ 'm2m:cnt': { rn: 'a' } }, { 'm2m:cnt': { rn: 'b' } }])
      }))

    it('gives up after the time-out, and at once when the signal says so', () =>
      scene(null, async ({ client }) => {
        await assert.rejects(client.retrieve('onem2m', { timeoutMs: 20 }), {
          name: 'OneM2MResponseError',
          responseStatusCode: 5103,
        })
        const controller = new AbortController()
        const aborted = assert.rejects(client.retrieve('onem2m', { signal: controller.signal }), { message: 'enough' })
        controller.abort(new Error('enough'))
        await aborted
        await assert.rejects(client.retrieve('onem2m', { signal: controller.signal }), { message: 'enough' })
      }))

    it('hands notifications to a callback and acknowledges them, copies once', () =>
      scene({ responseStatusCode: 2000 }, async ({ client, deliver }) => {
        const heard: Notification[] = []
        const pointOfAccess = await client.onNotification((each) => void heard.push(each))
        for (const value of ['1', '1', '2']) {
          const { responseStatusCode, requestIdentifier } = await deliver(
            pointOfAccess,
            'CAE01',
            notification(`n-${value}`, value),
          )
          assert.deepEqual([responseStatusCode, requestIdentifier], [2000, `n-${value}`])
        }
        assert.deepEqual(
          heard.map((each) => each.content),
          [{ 'm2m:cin': { con: '1' } }, { 'm2m:cin': { con: '2' } }],
        )
        assert.deepEqual(
          { ...heard[0], content: 0 },
          { subscription: '/mn-cse-1/sub-1', content: 0, eventType: 3, isDeleted: false },
        )
      }))

    it('hands notifications to an iterator, and acknowledges each when the next is asked for', () =>
      scene({ responseStatusCode: 2000 }, async ({ client, deliver }) => {
        let pointOfAccess = ''
        const serve = client.serve.bind(client)
        client.serve = async (...words) => {
          pointOfAccess = await serve(...words)
          return pointOfAccess
        }
        const stream = await client.notifications()
        const order: string[] = []
        const answered = ['1', '2'].map((value) =>
          deliver(pointOfAccess, 'CAE01', notification(value, value)).then(() => order.push(`answered ${value}`)),
        )
        for await (const each of stream) {
          const { con } = each.content['m2m:cin'] as JsonObject
          order.push(`took ${con}`)
          if (con === '2') break
        }
        await Promise.all(answered)
        assert.deepEqual(order.slice(0, 2), ['took 1', order[1]])
        assert.deepEqual(order.toSorted(), ['answered 1', 'answered 2', 'took 1', 'took 2'])
        assert.ok(order.indexOf('took 1') < order.indexOf('answered 1'))
      }))

    it('answers any request as the application says, and tells what it threw', () =>
      scene({ responseStatusCode: 2000 }, async ({ client, deliver }) => {
        const pointOfAccess = await client.serve(({ to, operation, requestIdentifier }) => {
          if (requestIdentifier === 'no') throw new OneM2MError(4103, 'not for you')
          if (requestIdentifier === 'bug') throw new Error('oops')
          return { responseStatusCode: 2000, content: { 'm2m:cin': { con: `${operation} ${to}` } } }
        })
        const ask = (requestIdentifier: string) =>
          deliver(pointOfAccess, 'CAE01', {
            ...known,
            operation: 2,
            to: 'CAE01',
            originator: '/mn-cse-1',
            requestIdentifier,
          })
        assert.deepEqual((await ask('yes')).content, { 'm2m:cin': { con: '2 CAE01' } })
        const refused = await ask('no')
        assert.deepEqual([refused.responseStatusCode, refused.content], [4103, { 'm2m:dbg': 'not for you' }])
        assert.equal((await ask('bug')).responseStatusCode, 5000)
      }))
  })
}
