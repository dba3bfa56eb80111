import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { MqttNetwork, placeOf, type Station } from '../../src/bindings/mqtt-network.ts'
import { OneM2MError, Status } from '../../src/onem2m/status.ts'

describe('several brokers (TS-0010 6.6)', () => {
  let used: string[]
  let connectedHere: Set<string>
  let network: MqttNetwork

  const station = (name: string): Station => ({
    async send({ target, request }, parkMs) {
      if (name === 'home' && parkMs === 0 && !connectedHere.has(target ?? ''))
        throw new OneM2MError(Status.TARGET_NOT_REACHABLE, 'nobody subscribes')
      used.push(name)
      return { responseStatusCode: 2000, requestIdentifier: request.requestIdentifier }
    },
  })

  beforeEach(() => {
    used = []
    connectedHere = new Set()
    network = new MqttNetwork({
      home: station('home'),
      homePlaces: ['localhost:1883'],
      open: (url) => station(`opened ${placeOf(url)}`),
    })
    network.add('mqtts://user:secret@broker.example/site-7', station('configured'))
  })

  const cases: readonly (readonly [pointOfAccess: string, target: string | undefined, station: string])[] = [
    ['mqtt:', 'Cae', 'home'],
    ['mqtt://localhost', 'Cae', 'home'],
    ['mqtt://127.0.0.1:1883', '/mn-2', 'home'],
    ['mqtt://[::1]', '/mn-2', 'home'],
    ['mqtts://broker.example:8883/site-7', 'Cae', 'configured'],
    ['secure-mqtt://BROKER.example/site-7/', '/in', 'configured'],
    ['mqtt://other.example', '/in', 'opened other.example:1883'],
    ['mqtt://other.example', 'Cae', 'home'],
    ['mqtt://localhost:1883/some/topic', undefined, 'home'],
    ['mqtt://unknown/some/topic', undefined, 'home'],
  ]
  for (const [pointOfAccess, target, expected] of cases) {
    it(`${target ?? 'a topic'} at ${pointOfAccess} is reached by ${expected}`, async () => {
      await network.send({
        pointOfAccess,
        target,
        request: { operation: 5, to: 'x', requestIdentifier: '1' },
        timeoutMs: 1,
      })
      assert.deepEqual(used, [expected])
    })
  }

  it('a CSE that has a connection here is reached here, whatever broker it names', async () => {
    connectedHere.add('/in')
    const request = { operation: 5, to: 'x', requestIdentifier: '1' } as const
    await network.send({ pointOfAccess: 'mqtt://elsewhere', target: '/in', request, timeoutMs: 1 })
    assert.deepEqual(used, ['home'])
  })
})
