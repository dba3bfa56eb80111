import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { MqttBinding } from '../../src/bindings/mqtt.ts'
import type { RequestHandler } from '../../src/cse/handler.ts'
import type { JsonObject } from '../../src/onem2m/content.ts'
import { resourceTypes } from '../../src/resources/index.ts'
import { FakeBroker, own, silent } from '../bindings/fixture.ts'
import { Kit } from './kit.ts'
import '../property.ts'

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
    om: fc.oneof(
      fc.array(fc.record({ ops: fc.integer({ min: 0, max: 6 }), org: address }, { requiredKeys: [] }), {
        maxLength: 2,
      }),
      anything,
    ),
    md: fc.oneof(fc.record({ num: fc.nat(2), dur: time }), anything),
    fo: fc.integer({ min: 0, max: 4 }),
    crb: time,
    exa: time,
    sza: fc.nat(9),
    stb: fc.nat(2),
  },
  { requiredKeys: [] },
)
const target = fc.oneof(
  address,
  fc.constantFrom(
    'http://127.0.0.1:9/x?ct=cbor',
    'mqtt://x/y',
    'ws://',
    'grp:',
    'grp:onem2m',
    'pch:',
    'cse:',
    'adapter:x',
    '/in-cse-1/Cx',
    '\ud800',
    'x:',
  ),
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
/** Type, member name and attributes that are nearly right, so that the depths are reached as well. */
const nearlyRight = fc.oneof(
  body(
    3,
    'm2m:cnt',
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
  ),
  body(4, 'm2m:cin', fc.record({ rn: name, con: anything, et: time }, { requiredKeys: ['con'] })),
  body(
    23,
    'm2m:sub',
    fc.record(
      {
        rn: name,
        nu: fc.array(target, { maxLength: 2 }),
        enc: event,
        nct: fc.integer({ min: 0, max: 5 }),
        exc: fc.nat(2),
        su: target,
        nfu: target,
        acrs: fc.array(target, { maxLength: 1 }),
        bn: fc.record({ num: fc.nat(2), dur: time }, { requiredKeys: [] }),
        rl: fc.record({ mnn: fc.nat(2), tww: time }, { requiredKeys: [] }),
        psn: fc.nat(3),
        pn: fc.nat(3),
        ln: fc.boolean(),
        nec: fc.nat(4),
        nse: fc.boolean(),
        eeno: fc.boolean(),
        cr: fc.constant(null),
      },
      { requiredKeys: ['nu'] },
    ),
  ),
  body(
    9,
    'm2m:grp',
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
  ),
  body(
    18,
    'm2m:sch',
    fc.record(
      {
        rn: name,
        se: fc.record({ sce: fc.array(fc.constantFrom('* * * * * * *', '0 0 0 31 2 * *', '58-3 * * * * * *', 'x')) }),
        nco: fc.boolean(),
      },
      { requiredKeys: ['se'] },
    ),
  ),
  body(15, 'm2m:pch', fc.record({ rn: name, rqag: fc.boolean() }, { requiredKeys: [] })),
  body(1, 'm2m:acp', fc.record({ rn: name, pv: rules, pvs: rules })),
  body(
    2,
    'm2m:ae',
    fc.record(
      { rn: name, api: fc.constant('Nx'), rr: fc.boolean(), poa: fc.array(address, { maxLength: 2 }) },
      { requiredKeys: ['api', 'rr'] },
    ),
  ),
  fc
    .constantFrom(...resourceTypes)
    .chain(({ type, memberName, byShortName }) =>
      body(type, memberName, fc.dictionary(fc.constantFrom(...byShortName.keys()), likely, { maxKeys: 3 })),
    ),
)

function body(ty: number, member: string, attributes: fc.Arbitrary<unknown>) {
  return attributes.map((pc) => ({ ty, pc: { [member]: pc } }))
}

const strange = fc.record({
  ty: fc.oneof(fc.constantFrom(...resourceTypes.map(({ type }) => type), 0, 999), anything),
  pc: fc.oneof(
    fc.record({ 'm2m:atrl': fc.oneof(fc.array(fc.constantFrom(...shortNames), { maxLength: 2 }), likely) }),
    anything,
  ),
})

const essentials = fc.record({
  op: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(1, 1, 1, 2, 2, 3, 3, 4, 5) },
    { weight: 1, arbitrary: anything },
  ),
  to: address,
  fr: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom('Capp', 'Capp', 'CAdmin', 'C', 'Cother', 'Sown') },
    { weight: 1, arbitrary: likely },
  ),
  rvi: fc.oneof({ weight: 20, arbitrary: fc.constantFrom('3', '2a') }, { weight: 1, arbitrary: anything }),
  body: fc.oneof({ weight: 8, arbitrary: nearlyRight }, { weight: 1, arbitrary: strange }),
})

const extras = fc.record({
  rcn: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 13 }) }, { weight: 1, arbitrary: anything }),
  fc: fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .dictionary(
          fc.constantFrom(...criteria),
          fc.oneof(fc.nat(9), fc.array(name, { maxLength: 2 }), likely, conditions),
          { maxKeys: 3 },
        )
        .chain((some) => fc.constantFrom(some, { ...some, fu: 1 })),
    },
    { weight: 1, arbitrary: anything },
  ),
  rt: fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record(
        { rtv: fc.integer({ min: 0, max: 6 }), nu: fc.array(address, { maxLength: 2 }) },
        { requiredKeys: [] },
      ),
    },
    { weight: 1, arbitrary: anything },
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
})

/** Where a resource of a type can be created, and where one may be that can be changed. */
const places: Readonly<Record<number, readonly [parent: string, resource: string]>> = {
  1: ['onem2m/app', 'onem2m/app/x'],
  2: ['onem2m', 'onem2m/app'],
  3: ['onem2m/app', 'onem2m/app/temp'],
  4: ['onem2m/app/temp', 'onem2m/app/temp/la'],
  9: ['onem2m/app', 'onem2m/app/g'],
  15: ['onem2m/app', 'onem2m/app/x'],
  18: ['onem2m/app/temp/sub', 'onem2m/app/temp/sub/notificationSchedule'],
  23: ['onem2m/app/temp', 'onem2m/app/temp/sub'],
}

const optional = ['rcn', 'fc', 'rt', 'rqet', 'rset', 'oet', 'rp', 'drt', 'gid', 'grtm', 'ec', 'zz']

/** What only a CREATE may give. */
const createOnly = new Set(['rn', 'api'])

// Few parameters at once: one that is refused hides what the others do.
const wire = fc
  .tuple(essentials, extras, fc.subarray(optional, { maxLength: 2 }), fc.nat(2), fc.nat(3))
  .map(([{ body: asked, ...all }, more, kept, many, plausible]): Record<string, unknown> => {
    const request: Record<string, unknown> = { ...all, ...asked }
    const place = typeof asked.ty === 'number' && plausible > 0 ? places[asked.ty] : undefined
    if (place !== undefined && all.op !== 4) request['to'] = place[all.op === 1 ? 0 : 1]
    if (all.op === 2) delete request['pc']
    if (all.op === 3 && place !== undefined) request['pc'] = withoutMembers(asked.pc, createOnly)
    for (const member of many > 1 ? kept : []) request[member] = more[member as keyof typeof more]
    return request
  })

function withoutMembers(value: unknown, names: ReadonlySet<string>): unknown {
  return JSON.parse(JSON.stringify(value), (name, item: unknown) => (names.has(name) ? undefined : item))
}

test('no request, however malformed, is a fault of the CSE; each gets one response, and the CSE starts again with what they left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(wire, { minLength: 1, maxLength: 40, size: 'max' }), async (requests) => {
      const kit = await (await Kit.start()).withContainer()
      const group = { rn: 'g', mnm: 9, mid: ['onem2m/app/temp', 'onem2m/app/g/fopt'] }
      await kit.create('onem2m/app', 9, { 'm2m:grp': group })
      const taken = new Set<string>()
      const answers: { readonly to: string; readonly status: number; readonly reason: unknown }[] = []
      const handler: RequestHandler = {
        handle(request, context, respond) {
          taken.add(request.requestIdentifier)
          kit.cse.handle(request, context, (response) => {
            const { requestIdentifier, responseStatusCode, content } = response
            answers.push({ to: requestIdentifier, status: responseStatusCode, reason: content })
            respond(response)
          })
        },
      }
      const broker = new FakeBroker()
      new MqttBinding({ broker, handler, own, clock: kit.clock, log: silent }).start()
      const connection = { clientId: 'any', remoteAddress: '127.0.0.1', isLocal: true, principal: undefined }
      for (const [index, request] of requests.entries()) {
        const { fr } = request
        const level = typeof fr === 'string' && /^[\w-]+$/.test(fr) ? fr : 'Capp'
        const payload = { ...(request as JsonObject), rqi: `q${index}` }
        broker.publish(`/oneM2M/req/${level}/mn-cse-1/json`, payload, { connection })
      }
      // Long enough for those who wait for others: for a target to answer or to fetch its requests.
      for (const ms of [20, 2000, 60_000]) {
        kit.clock.advance(ms)
        await kit.notifications()
      }
      // What the binding refused by itself never came to the CSE.
      for (const { payload } of broker.sent) {
        const { rqi, rsc, pc } = JSON.parse(String(payload)) as { rqi: string; rsc: number; pc?: unknown }
        if (!taken.has(rqi)) answers.push({ to: rqi, status: rsc, reason: pc })
      }
      assert.deepEqual(answers.map(({ to }) => to).toSorted(), requests.map((_, index) => `q${index}`).toSorted())
      assert.deepEqual(
        answers.filter(({ status }) => status === 5000),
        [],
      )
      const again = await kit.restart()
      const everything = { originator: 'CAdmin', filterCriteria: { filterUsage: 1 } }
      assert.equal((await again.retrieve('onem2m', { originator: 'CAdmin', resultContent: 4 })).status, 2000)
      assert.equal((await again.retrieve('onem2m', everything)).status, 2000)
    }),
    { numRuns: 40 },
  )
})
