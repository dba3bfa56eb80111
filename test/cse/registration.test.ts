import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { Registration, type RegistrationState } from '../../src/cse/registration.ts'
import type { JsonObject } from '../../src/onem2m/content.ts'
import type { RequestPrimitive, ResponsePrimitive } from '../../src/onem2m/primitive.ts'
import { silent } from '../bindings/fixture.ts'
import type { Kit } from './kit.ts'
import { Neighbourhood } from './neighbourhood.ts'

const minute = 60_000

/** Lets everything that can happen now happen. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('the registration of a CSE with another (TS-0004 7.4.3)', () => {
  let near: Neighbourhood
  let gateway: Kit
  let backend: Kit
  let states: RegistrationState[]
  let ownPoints: string[]

  beforeEach(async () => {
    near = new Neighbourhood()
    near.clock.advance(Date.UTC(2026, 0))
    gateway = await near.start('mn', { registrarCseId: '/in' })
    states = []
    ownPoints = ['mqtt://mn']
  })

  const startBackend = async () => {
    backend = await near.start('in', { cseType: 1 })
  }

  function registrationOf(kit: Kit): Registration {
    return new Registration({
      cse: kit.cse,
      own: { cseId: '/mn', cseBaseName: 'onem2m', cseType: 2 },
      settings: {
        remoteCseId: '/in',
        remoteCseBase: 'onem2m',
        remoteCseType: 1,
        pointOfAccess: ['mqtt://in'],
        labels: ['openmtc'],
        intervalMs: 60 * minute,
        offsetMs: 10 * minute,
        checkMs: 30_000,
      },
      ownPointOfAccess: () => ownPoints,
      clock: near.clock,
      log: silent,
      randomId: () => `reg${near.passed.length}-${Math.random().toString(36).slice(2)}`,
      random: () => 0.5,
      changed: (state) => states.push(state),
    })
  }

  async function register(): Promise<Registration> {
    const registration = registrationOf(gateway)
    registration.start()
    await settle()
    return registration
  }

  /** Time passes, in steps in which everything happens that is due. */
  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1000) {
      near.clock.advance(Math.min(left, 1000))
      await settle()
    }
  }

  const entry = async (): Promise<JsonObject | undefined> =>
    (await backend.retrieve('onem2m/mn', { originator: '/mn' })).content?.['m2m:csr'] as JsonObject | undefined
  const mirror = async (): Promise<JsonObject | undefined> =>
    (await gateway.ask({ operation: 2, to: 'onem2m/in', originator: '/mn' }, { source: 'internal' })).content?.[
      'm2m:csr'
    ] as JsonObject | undefined

  it('describes each side at the other, and is taken back on a clean stop', async () => {
    await startBackend()
    const registration = await register()
    const { csi, cb, cst, poa, rr, lbl, et } = (await entry()) ?? {}
    assert.deepEqual(
      { csi, cb, cst, poa, rr, lbl, et },
      {
        csi: '/mn',
        cb: '/mn/onem2m',
        cst: 2,
        poa: ['mqtt://mn'],
        rr: true,
        lbl: ['openmtc'],
        et: '20260101T011000',
      },
    )
    assert.deepEqual([(await mirror())?.['csi'], (await mirror())?.['poa']], ['/in', ['mqtt://in']])
    assert.deepEqual(states, ['connecting', 'registered'])
    await registration.stop()
    await registration.stop()
    assert.deepEqual([await entry(), (await mirror()) ?? undefined, states.at(-1)], [undefined, undefined, 'stopped'])
  })

  it('is refreshed before it expires, on both sides', async () => {
    await startBackend()
    await register()
    await pass(61 * minute)
    assert.equal((await entry())?.['et'], '20260101T021000')
    assert.ok(String((await mirror())?.['et']) > '20260101T021000')
  })

  it('is made as soon as the other side is there', async () => {
    await register()
    assert.deepEqual(states, ['connecting', 'unreachable'])
    assert.equal((await gateway.retrieve('/in/onem2m')).status, 5103)
    await pass(10 * minute)
    await startBackend()
    await pass(31_000)
    assert.deepEqual(states, ['connecting', 'unreachable', 'registered'])
    assert.notEqual(await entry(), undefined)
  })

  it('survives that the other side is away for a while', async () => {
    await startBackend()
    await register()
    near.cut('mqtt://in')
    await pass(minute)
    near.mend('mqtt://in')
    await pass(minute)
    assert.deepEqual(states, ['connecting', 'registered', 'unreachable', 'registered'])
    assert.equal(near.passed.filter(({ request }) => request.operation === 1).length, 1, 'it registered once')
  })

  it('is made again within seconds when the other side has lost its data', async () => {
    await startBackend()
    await register()
    await startBackend()
    assert.equal(await entry(), undefined)
    await pass(31_000)
    assert.notEqual(await entry(), undefined)
    assert.deepEqual(states, ['connecting', 'registered', 'connecting', 'registered'])
  })

  it('takes over what an earlier life left behind, here and there', async () => {
    await startBackend()
    await register()
    gateway = await gateway.restart()
    near.add('mqtt://mn', gateway)
    ownPoints = ['mqtt://mn', 'http://mn']
    states = []
    await register()
    assert.deepEqual(states, ['connecting', 'registered'])
    assert.deepEqual((await entry())?.['poa'], ownPoints)
    assert.equal((await backend.retrieve('/mn/onem2m', { originator: 'Cgui' })).status, 2000)
  })

  it('replaces an entry of an earlier life that may not be changed', async () => {
    await startBackend()
    const content = { 'm2m:csr': { rn: 'mn', csi: '/other', cb: 'onem2m', rr: true } }
    await backend.create('onem2m', 16, content, { originator: '/other' })
    await register()
    assert.deepEqual(states, ['connecting', 'refused'])
    await backend.delete('onem2m/mn', { originator: '/other' })
    await pass(31_000)
    assert.equal(states.at(-1), 'registered')
  })

  it('tells the other side when this one is reached elsewhere, or leads to others', async () => {
    await startBackend()
    await register()
    ownPoints = ['mqtt://elsewhere']
    await pass(31_000)
    assert.deepEqual((await entry())?.['poa'], ['mqtt://elsewhere'])
    const below = await near.start('leaf', { registrarCseId: '/mn' })
    near.add('mqtt://elsewhere', gateway)
    await near.register(below, gateway, 'leaf', 'mn')
    await pass(31_000)
    assert.deepEqual((await entry())?.['dcse'], ['/leaf'])
    assert.equal((await backend.retrieve('/leaf/onem2m', { originator: 'Cgui' })).status, 2000)
  })

  it('accepts a shorter life than it asked for, and is refreshed in time', async () => {
    backend = await near.start('in', { cseType: 1, maxLifetimeSeconds: 120 })
    await register()
    await pass(10 * minute)
    assert.notEqual(await entry(), undefined)
    assert.deepEqual(states, ['connecting', 'registered'])
  })

  it('sends what waited for the other side as soon as it is there', async () => {
    await startBackend()
    await register()
    const gui = { 'm2m:ae': { rn: 'gui', api: 'Ngui', rr: true, poa: ['http://gui'], srv: ['3'] } }
    await backend.create('onem2m', 2, gui, { originator: 'Cgui' })
    await gateway.withContainer()
    const sub = { 'm2m:sub': { rn: 's', nu: ['/in/Cgui'], enc: { net: [3] } } }
    assert.equal((await gateway.create('onem2m/app/temp', 23, sub)).status, 2001)
    near.cut('mqtt://in')
    await gateway.push('1', '2', '3')
    await pass(10 * minute)
    near.mend('mqtt://in')
    await pass(31_000)
    const contents = (await backend.notifications()).map((content) => /"con":"(\d)"/.exec(JSON.stringify(content))?.[1])
    assert.deepEqual(contents.filter(Boolean), ['1', '2', '3'])
  })

  /** What others answer to a CREATE of a remoteCSE, to one that they have already, and to the rest. */
  const peers: readonly {
    readonly name: string
    readonly taken: number
    readonly created: JsonObject | undefined
    /** To an UPDATE of what an earlier life left. */
    readonly updated: number
  }[] = [
    {
      name: 'OpenMTC',
      taken: 4105,
      created: { 'm2m:csr': { rn: 'mn', et: '20260101T020000', lbl: null } },
      updated: 2004,
    },
    {
      name: 'ACME',
      taken: 4117,
      created: { 'm2m:csr': { rn: 'mn', ri: 'csr1', et: '20260101T020000,000000' } },
      updated: 2004,
    },
    { name: 'Mobius', taken: 4105, created: undefined, updated: 4000 },
    { name: 'tinyIoT', taken: 4105, created: { 'm2m:csr': {} }, updated: 5001 },
  ]
  for (const { name, taken, created, updated } of peers) {
    for (const isLeftOver of [false, true]) {
      it(`works with ${name}${isLeftOver ? ', also where an earlier life is remembered' : ''}`, async () => {
        let isThere = isLeftOver
        const asked: string[] = []
        near.add('mqtt://in', {
          cse: {
            use() {},
            handle(request: RequestPrimitive, _: unknown, respond: (response: ResponsePrimitive) => void) {
              asked.push(`${request.operation} ${request.to}`)
              const answer = (responseStatusCode: number, content?: JsonObject) =>
                respond({
                  responseStatusCode: responseStatusCode as ResponsePrimitive['responseStatusCode'],
                  requestIdentifier: request.requestIdentifier,
                  ...(content === undefined ? {} : { content }),
                })
              if (request.operation === 4) {
                isThere = false
                answer(2002)
              } else if (request.operation !== 1) answer(isThere ? (request.operation === 3 ? updated : 2000) : 4004)
              else if (isThere) answer(taken)
              else {
                isThere = true
                answer(2001, created)
              }
            },
          },
        } as unknown as Kit)
        await register()
        assert.deepEqual([states, isThere], [['connecting', 'registered'], true])
        assert.ok(
          asked.every((line) => /^\d \/in\/onem2m(\/mn)?$/.test(line)),
          asked.join(', '),
        )
        await pass(minute)
        assert.deepEqual(states, ['connecting', 'registered'])
      })
    }
  }
})
