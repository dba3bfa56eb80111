import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { MqttBinding } from '../../src/bindings/mqtt.ts'
import type { RequestHandler } from '../../src/cse/handler.ts'
import type { JsonObject } from '../../src/onem2m/content.ts'
import { resourceTypes } from '../../src/resources/index.ts'
import { FakeBroker, own, silent } from '../bindings/fixture.ts'
import { Kit } from './kit.ts'

const name = fc.constantFrom(
  'app',
  'temp',
  'la',
  'ol',
  'fopt',
  'g',
  'sub',
  '-',
  '..',
  'cin-0',
  '__proto__',
  'constructor',
  'x',
)
const address = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      'onem2m',
      'onem2m/app',
      'onem2m/app/temp',
      'onem2m/app/g/fopt',
      'Capp',
      '/mn-cse-1',
      'onem2m/app/temp/la',
    ),
  },
  { weight: 2, arbitrary: fc.array(name, { maxLength: 4 }).map((names) => ['onem2m', ...names].join('/')) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '/',
      '//',
      '///',
      '//openmtc.org',
      '/mn-cse-10/x',
      '-',
      'cb',
      'cb/app',
      '#',
      '#rn',
      'onem2m#rn',
      'onem2m/app#',
      '/S',
      '//openmtc.org/S',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
)
const anything = fc.jsonValue({ maxDepth: 2 })
const time = fc.constantFrom(
  '0',
  '-1',
  '5000',
  '99999999999',
  '19700101T000000',
  '20380101T000000',
  '99991231T235959',
  '00000101T000000',
  'P1Y',
  'PT',
  '',
)
const likely = fc.oneof(
  time,
  fc.integer({ min: -1, max: 70 }),
  address,
  fc.array(address, { maxLength: 3 }),
  fc.boolean(),
  anything,
)
const shortNames = [
  ...new Set(resourceTypes.flatMap(({ byShortName }) => [...byShortName.keys()])),
  '__proto__',
  'toString',
]
const criteria = [
  'crb',
  'cra',
  'ms',
  'us',
  'sts',
  'stb',
  'exb',
  'exa',
  'lbl',
  'clbl',
  'palb',
  'lbq',
  'ty',
  'chty',
  'pty',
  'sza',
  'szb',
  'cty',
  'atr',
  'catr',
  'patr',
  'fo',
  'lim',
  'lvl',
  'ofst',
  'arp',
  'ops',
]
const conditions = fc.array(fc.record({ nm: fc.constantFrom(...shortNames), val: likely }), { maxLength: 2 })

const event = fc.record(
  {
    net: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }),
    atr: fc.array(fc.constantFrom(...shortNames), { maxLength: 2 }),
    chty: fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 2 }),
    om: anything,
  },
  { requiredKeys: [] },
)
const rules = fc.record({
  acr: fc.array(
    fc.record(
      {
        acor: fc.array(fc.oneof(address, fc.constantFrom('all', '*', 'C*', '***'))),
        acop: fc.integer({ min: 0, max: 63 }),
        acco: fc.array(
          fc.record(
            { actw: fc.array(fc.constantFrom('* * * * * * *', '*/0 * *', '1-', '*/x 5-1 , * * * *')) },
            { requiredKeys: [] },
          ),
        ),
      },
      { requiredKeys: ['acor', 'acop'] },
    ),
  ),
})
/** Sets that are nearly right, so that the depths are reached as well. */
const nearlyRight = fc.oneof(
  fc.record(
    {
      rn: name,
      mni: fc.nat(2),
      mbs: fc.nat(9),
      mia: fc.nat(9),
      lbl: fc.array(name),
      et: time,
      acpi: fc.array(address, { maxLength: 2 }),
    },
    { requiredKeys: [] },
  ),
  fc.record({ rn: name, con: anything, et: time }, { requiredKeys: ['con'] }),
  fc.record(
    {
      rn: name,
      nu: fc.array(address, { maxLength: 2 }),
      enc: event,
      nct: fc.integer({ min: 0, max: 5 }),
      exc: fc.nat(2),
      su: address,
    },
    { requiredKeys: ['nu'] },
  ),
  fc.record(
    {
      rn: name,
      mnm: fc.nat(4),
      mid: fc.array(address, { maxLength: 4 }),
      mt: fc.constantFrom(0, 3, 9, 999),
      csy: fc.nat(4),
      macp: fc.array(address, { maxLength: 1 }),
    },
    { requiredKeys: ['mnm', 'mid'] },
  ),
  fc.record({ rn: name, pv: rules, pvs: rules }),
  fc.record(
    { rn: name, api: fc.constant('Nx'), rr: fc.boolean(), poa: fc.array(address, { maxLength: 2 }) },
    { requiredKeys: ['api', 'rr'] },
  ),
  fc.dictionary(fc.constantFrom(...shortNames), likely, { maxKeys: 3 }),
)
const members = resourceTypes.map(({ memberName }) => memberName)
const numbers = [...resourceTypes.map(({ type }) => type), 0, 999]
const content = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom(...members), nearlyRight)
      .map(([member, attributes]) => ({ [member]: attributes })),
  },
  {
    weight: 1,
    arbitrary: fc.record({ 'm2m:atrl': fc.oneof(fc.array(fc.constantFrom(...shortNames), { maxLength: 2 }), likely) }),
  },
  { weight: 1, arbitrary: anything },
)

const wire = fc
  .record(
    {
      op: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 5 }) }, { weight: 1, arbitrary: anything }),
      to: address,
      fr: fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom('Capp', 'C', 'S', 'CAdmin', 'Cother', 'Sown') },
        { weight: 1, arbitrary: likely },
      ),
      rvi: fc.constantFrom('3', '4', '2a', '9'),
      ty: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...numbers) }, { weight: 1, arbitrary: anything }),
      pc: content,
      rcn: fc.oneof(fc.integer({ min: 0, max: 13 }), anything),
      fc: fc.oneof(
        fc
          .dictionary(fc.constantFrom(...criteria), fc.oneof(likely, conditions), { maxKeys: 3 })
          .chain((some) => fc.constantFrom(some, { ...some, fu: 1 })),
        anything,
      ),
      rt: fc.oneof(
        fc.record(
          { rtv: fc.integer({ min: 0, max: 6 }), nu: fc.array(address, { maxLength: 2 }) },
          { requiredKeys: [] },
        ),
        anything,
      ),
      rqet: time,
      rset: time,
      oet: fc.constantFrom('0', '5', '19700101T000000', 'x'),
      rp: time,
      drt: fc.integer({ min: 0, max: 3 }),
      gid: address,
      grtm: fc.array(address, { maxLength: 2 }),
      ec: anything,
      zz: anything,
    },
    { requiredKeys: ['op', 'to', 'fr', 'rvi', 'ty', 'pc'] },
  )
  // Mostly few parameters at once: one that is refused hides what the others do.
  .chain((all) =>
    fc
      .subarray(
        Object.keys(all).filter((member) => !['op', 'to', 'fr', 'ty', 'pc', 'rvi'].includes(member)),
        { maxLength: 2 },
      )
      .map((kept) =>
        Object.fromEntries(
          Object.entries(all).filter(
            ([member]) => kept.includes(member) || ['op', 'to', 'fr', 'ty', 'pc', 'rvi'].includes(member),
          ),
        ),
      ),
  )

test('no request, however malformed, is a fault of the CSE; each gets one response, and the CSE starts again with what they left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(wire, { minLength: 1, maxLength: 30 }), async (requests) => {
      const kit = await (await Kit.start()).withContainer()
      await kit.create('onem2m/app', 9, {
        'm2m:grp': { rn: 'g', mnm: 9, mid: ['onem2m/app/temp', 'onem2m/app/g/fopt'] },
      })
      const responses = requests.map(() => 0)
      const handler: RequestHandler = {
        handle(request, context, respond) {
          kit.cse.handle(request, context, (response) => {
            responses[Number(request.requestIdentifier)] = (responses[Number(request.requestIdentifier)] ?? 0) + 1
            assert.notEqual(response.responseStatusCode, 5000, JSON.stringify([request, response.content]))
            respond(response)
          })
        },
      }
      const broker = new FakeBroker()
      new MqttBinding({ broker, handler, own, clock: kit.clock, log: silent }).start()
      const connection = { clientId: 'any', remoteAddress: '127.0.0.1', isLocal: true, username: undefined }
      let refusedByBinding = 0
      for (const [index, request] of requests.entries()) {
        const originator = typeof request['fr'] === 'string' && /^[\w-]+$/.test(request['fr']) ? request['fr'] : 'Capp'
        const sent = broker.sent.length
        const before = responses[index]
        broker.publish(
          `/oneM2M/req/${originator}/mn-cse-1/json`,
          { ...(request as JsonObject), rqi: String(index) },
          { connection },
        )
        const last = broker.sent.length > sent ? (JSON.parse(String(broker.sent[sent]?.payload)) as JsonObject) : {}
        if (responses[index] === before && last['rqi'] === String(index)) {
          refusedByBinding++
          responses[index] = 1
          assert.notEqual(last['rsc'], 5000, JSON.stringify([request, last]))
        }
      }
      kit.clock.advance(20)
      await kit.notifications()
      assert.ok(refusedByBinding <= requests.length)
      assert.deepEqual(
        responses,
        requests.map(() => 1),
        JSON.stringify(requests),
      )
      const again = await kit.restart()
      assert.equal((await again.retrieve('onem2m', { originator: 'CAdmin', resultContent: 4 })).status, 2000)
      assert.equal(
        (await again.retrieve('onem2m', { originator: 'CAdmin', filterCriteria: { filterUsage: 1 } })).status,
        2000,
      )
    }),
    { numRuns: 60 },
  )
})
