import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reading, Sampler } from '../../src/adapters/adapter.ts'
import { StoreError } from '../../src/store/store.ts'
import { calm, entryOf, everySecond, Gateway } from './fixture.ts'

const point = { path: 'room/temperature', quantity: 'temperature', unit: 'Cel', device: '28-0001', digits: 1 }

/** Reads two figures every ten seconds: the count of reads, and always 1. */
function counting(): Sampler & { reads: number } {
  return {
    name: 'room',
    periodMs: 10_000,
    reads: 0,
    async read() {
      this.reads++
      return [
        { point, value: 20 + this.reads / 8 },
        { point: { path: 'room/presence', deadband: 0 }, value: true },
      ]
    },
  }
}

describe('readings of an adapter', () => {
  it('stand as text below its AE, in a container with labels and limits', async () => {
    const gateway = await new Gateway().start()
    await gateway.host([entryOf('barn', ({ sample }) => sample(counting()))], { retentionMs: 3_600_000 })
    const ae = await gateway.attributes('barn')
    assert.deepEqual([ae?.['aei'], ae?.['rr'], ae?.['lbl']], ['Cbarn', false, ['adapter:barn']])
    const container = await gateway.attributes('barn/room/temperature')
    assert.deepEqual(container?.['lbl'], ['unit:Cel', 'quantity:temperature', 'device:28-0001'])
    assert.deepEqual([container?.['mni'], container?.['mbs'], container?.['mia']], [360, 11_520, 4500])
    const instance = await gateway.attributes('barn/room/temperature/la')
    assert.deepEqual([instance?.['con'], instance?.['cnf']], ['20.1', 'text/plain:0'])
    assert.equal(await gateway.latest('barn/room/presence'), 'true')
    assert.deepEqual(gateway.warnings, [])
  })

  it('share one commit with the resources that they need first', async () => {
    const gateway = await new Gateway().start()
    await gateway.store.flush()
    const before = gateway.store.statistics.groups
    await gateway.host([entryOf('barn', ({ sample }) => sample(counting()))])
    assert.equal(await gateway.latest('barn/room/temperature'), '20.1')
    assert.equal(gateway.store.statistics.groups - before, 1)
  })

  it('of one round share one commit, also from samplers with different periods', async () => {
    const gateway = await new Gateway().start()
    const samplers = [1, 2, 3].map((factor) => ({
      name: `s${factor}`,
      periodMs: factor * 1000,
      read: async () => [{ point: { path: `p${factor}` }, value: gateway.clock.monotonicMs() }],
    }))
    await gateway.host([entryOf('barn', ({ sample }) => samplers.forEach(sample))])
    await gateway.clock.pass(5900)
    const { groups, participants } = gateway.store.statistics
    await gateway.clock.pass(100)
    assert.equal(await gateway.latest('barn/p3'), '6000')
    const after = gateway.store.statistics
    assert.deepEqual([after.groups - groups, after.participants - participants], [1, 3])
  })

  it('that stay within the deadband are stored once an hour', async () => {
    const gateway = await new Gateway().start()
    const values = [20, 20.5, 21, 21.1, 20.2]
    let reads = 0
    await gateway.host([
      entryOf('barn', ({ sample }) =>
        sample({
          name: 'room',
          periodMs: 1000,
          read: async () => [{ point: { path: 'p', deadband: 1 }, value: values[reads++] ?? 20.2 }],
        }),
      ),
    ])
    await gateway.clock.pass(4000)
    assert.deepEqual(await gateway.contents('barn/p'), ['20', '21.1'])
    await gateway.clock.pass(3_600_000)
    assert.deepEqual(await gateway.contents('barn/p'), ['20', '21.1', '20.2'])
  })

  it('are scaled, and shifted, and rounded', async () => {
    const gateway = await new Gateway().start()
    const raw = { path: 'p', scale: 0.1, offset: -40, digits: 1 }
    await gateway.host([entryOf('barn', ({ push }) => push([{ point: raw, value: 613 }]))])
    assert.equal(await gateway.latest('barn/p'), '21.3')
  })

  it('that are no number are not stored and said once', async () => {
    const gateway = await new Gateway().start()
    const values = [21, Number.NaN, Number.POSITIVE_INFINITY, 22]
    const host = await gateway.host([
      entryOf(
        'barn',
        everySecond('p', () => values.shift() ?? 22),
      ),
    ])
    await gateway.clock.pass(2000)
    assert.equal(host.statuses[0]?.state, 'degraded')
    assert.equal(host.statuses[0]?.reason, 'onem2m/barn/p: the reading is not a number')
    assert.deepEqual(host.statuses[0]?.points, [
      { address: 'onem2m/barn/p', point: { path: 'p' }, value: 21, ageMs: 2000 },
    ])
    await gateway.clock.pass(1000)
    assert.deepEqual(await gateway.contents('barn/p'), ['21', '22'])
    assert.equal(host.statuses[0]?.state, 'ok')
    assert.equal(gateway.warnings.length, 1)
  })

  it('that come by themselves are stored as they come, under names that resources can have', async () => {
    const gateway = await new Gateway().start()
    let push: (readings: readonly Reading[]) => void = () => {}
    const host = await gateway.host([
      entryOf('barn', (context) => {
        push = context.push
        context.report('radio')
      }),
    ])
    push([{ point: { path: '/door 1//größe' }, value: 'open' }])
    await calm()
    assert.equal(await gateway.latest('barn/door_1/gr__e'), 'open')
    assert.equal((await gateway.attributes('barn/door_1/gr__e'))?.['mni'], 1440)
    assert.equal(host.statuses[0]?.state, 'ok')
  })
})

describe('the resources of an adapter', () => {
  it('are taken over after a restart, with the limits of now and a new expiration time', async () => {
    const gateway = await new Gateway().start()
    const first = await gateway.host([entryOf('barn', ({ sample }) => sample(counting()))])
    await first.stop()
    const before = await gateway.attributes('barn/room/temperature')
    await gateway.clock.pass(86_400_000)
    await gateway.host([entryOf('barn', ({ sample }) => sample(counting()))], { retentionMs: 600_000 })
    const container = await gateway.attributes('barn/room/temperature')
    assert.deepEqual([container?.['ri'], container?.['cni'], container?.['mni']], [before?.['ri'], 2, 60])
    assert.ok(String(container?.['et']) > String(before?.['et']))
    assert.deepEqual(gateway.warnings, [])
  })

  it('are taken over by a machine whose clock has fallen back', async () => {
    const gateway = await new Gateway().start()
    const first = await gateway.host([entryOf('barn', ({ sample }) => sample(counting()))])
    await first.stop()
    gateway.clock.wallOffsetMs -= 3_600_000
    await gateway.host([entryOf('barn', ({ sample }) => sample(counting()))])
    assert.equal((await gateway.attributes('barn/room/temperature'))?.['cni'], 2)
    assert.deepEqual(gateway.warnings, [])
  })

  it('are renewed while the gateway runs, long before they expire', async () => {
    const gateway = await new Gateway({ defaultLifetimeSeconds: 35 * 86_400 }).start()
    const daily = { name: 'daily', periodMs: 86_400_000, read: async () => [{ point, value: 20 }] }
    await gateway.host([entryOf('barn', ({ sample }) => sample(daily))])
    const paths = ['barn', 'barn/state', 'barn/room', 'barn/room/temperature']
    const identifiers = () => Promise.all(paths.map(async (path) => (await gateway.attributes(path))?.['ri']))
    const before = await identifiers()
    await gateway.clock.pass(50 * 86_400_000)
    assert.deepEqual(await identifiers(), before)
    assert.deepEqual(gateway.warnings, [])
  })

  it('are made again when somebody deletes them', async () => {
    const gateway = await new Gateway().start()
    const host = await gateway.host([entryOf('barn', ({ sample }) => sample(counting()))])
    await gateway.clientFor('Cbarn').delete('onem2m/barn')
    assert.equal(await gateway.attributes('barn'), undefined)
    await gateway.clock.pass(10_000)
    assert.equal(await gateway.latest('barn/room/temperature'), '20.3')
    assert.equal(host.statuses[0]?.state, 'ok')
    assert.deepEqual(gateway.warnings, [])
  })

  it('are not forced upon an AE that has the name already', async () => {
    const gateway = await new Gateway().start()
    await gateway.clientFor('Cother').create('onem2m', 2, { 'm2m:ae': { rn: 'barn', api: 'Nx', rr: false } })
    const host = await gateway.host([entryOf('barn', ({ sample }) => sample(counting()))])
    await gateway.clock.pass(60_000)
    assert.equal(host.statuses[0]?.state, 'degraded')
    assert.match(host.statuses[0]?.reason ?? '', /^storing: onem2m\/barn\/\S+: 4103 /)
    assert.equal((await gateway.attributes('barn'))?.['aei'], 'Cother')
    assert.equal(gateway.warnings.length, 1)
    await gateway.clientFor('Cother').delete('onem2m/barn')
    await gateway.clock.pass(10_000)
    assert.equal(host.statuses[0]?.state, 'ok')
    assert.equal(await gateway.latest('barn/state'), '{"state":"ok"}')
  })
})

describe('a device that fails', () => {
  it('is tried again at growing intervals, said once, and its last value keeps with its age', async () => {
    const gateway = await new Gateway().start()
    let reads = 0
    let isBroken = false
    const host = await gateway.host([
      entryOf('barn', (context) => {
        everySecond('steady', () => 1)(context)
        everySecond('shaky', () => {
          reads++
          if (isBroken) throw new Error('EIO')
          return 7
        })(context)
      }),
    ])
    isBroken = true
    await gateway.clock.pass(600_000)
    // At 1, 3, 7, 15, 31, 63, 127, 255 and 511 seconds.
    assert.equal(reads, 1 + 9)
    const [status] = host.statuses
    assert.deepEqual([status?.state, status?.reason], ['degraded', 'shaky: EIO'])
    const shaky = status?.points.find(({ address }) => address.endsWith('shaky'))
    assert.deepEqual([shaky?.value, shaky?.ageMs], [7, 600_000])
    assert.deepEqual(
      gateway.warnings.map(({ fields }) => fields),
      [{ adapter: 'barn', part: 'shaky', reason: 'EIO' }],
    )
    isBroken = false
    await gateway.clock.pass(300_000)
    assert.equal(await gateway.latest('barn/state'), '{"state":"ok"}')
    assert.deepEqual(await gateway.contents('barn/state'), [
      '{"state":"ok"}',
      '{"state":"degraded","reason":"shaky: EIO"}',
      '{"state":"ok"}',
    ])
    isBroken = true
    const before = reads
    await gateway.clock.pass(8000)
    assert.equal(reads - before, 3)
  })

  it('does not fill the log when it fails on and off', async () => {
    const gateway = await new Gateway().start()
    let reads = 0
    const flapping = everySecond('loose', () => {
      if (reads++ % 2 === 1) throw new Error('EIO')
      return 1
    })
    await gateway.host([entryOf('barn', flapping)])
    const lines = () => gateway.log.lines.filter(({ level }) => level !== 'debug').map(({ message }) => message)
    await gateway.clock.pass(600_000)
    assert.deepEqual(lines(), [
      'part of an adapter failed; it is tried again',
      'part of an adapter works again',
      'part of an adapter fails on and off; its state tells how it is now',
    ])
    await gateway.clock.pass(3_600_000)
    assert.equal(lines().length, 6)
  })

  it('holds up its neighbours for a moment only, is told to give up, and is not asked twice at a time', async () => {
    const gateway = await new Gateway().start()
    const signals: AbortSignal[] = []
    const host = await gateway.host([
      entryOf('barn', (context) => {
        everySecond('quick', () => 1)(context)
        const read = (signal: AbortSignal) => {
          signals.push(signal)
          return new Promise<readonly Reading[]>(() => {})
        }
        context.sample({ name: 'stuck', periodMs: 1000, timeoutMs: 400, read })
      }),
    ])
    await gateway.clock.pass(300)
    assert.equal(await gateway.latest('barn/quick'), '1')
    assert.equal(host.statuses[0]?.state, 'starting')
    await gateway.clock.pass(100)
    assert.equal(host.statuses[0]?.reason, 'stuck: no answer within 400 ms')
    await gateway.clock.pass(60_000)
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true],
    )
  })
})

describe('an adapter', () => {
  it('that is broken stops no other, and is tried again', async () => {
    const gateway = await new Gateway().start()
    let starts = 0
    const host = await gateway.host([
      { name: 'absent-code', settings: [], load: () => Promise.reject(new Error('no such module')) },
      entryOf('shed', (context) => {
        everySecond('p', () => 1)(context)
        if (starts++ < 2) throw new Error('/dev/ttyUSB0: no such device')
      }),
      entryOf(
        'barn',
        everySecond('p', () => 1),
      ),
    ])
    assert.deepEqual(
      host.statuses.map(({ name, state, reason }) => [name, state, reason]),
      [
        ['absent-code', 'failed', 'start: no such module'],
        ['shed', 'failed', 'start: /dev/ttyUSB0: no such device'],
        ['barn', 'ok', undefined],
      ],
    )
    assert.equal(
      await gateway.latest('shed/state'),
      '{"state":"failed","reason":"start: /dev/ttyUSB0: no such device"}',
    )
    await gateway.clock.pass(29_000)
    assert.equal(await gateway.attributes('shed/p'), undefined)
    await gateway.clock.pass(61_000)
    assert.equal(starts, 3)
    assert.equal(host.statuses[1]?.state, 'ok')
    assert.equal(await gateway.latest('shed/p'), '1')
    assert.equal(gateway.warnings.length, 2)
  })

  it('that hangs in its start is given up, tried again, and does not hold up the stop', async () => {
    const gateway = await new Gateway().start()
    const signals: AbortSignal[] = []
    const hosting = gateway.host([
      entryOf('shed', ({ signal }) => {
        signals.push(signal)
        return new Promise(() => {})
      }),
    ])
    await calm()
    await gateway.clock.pass(30_000)
    const host = await hosting
    assert.equal(host.statuses[0]?.reason, 'start: not ready within 30000 ms')
    assert.equal(signals[0]?.aborted, true)
    await gateway.clock.pass(30_000)
    assert.equal(signals.length, 2)
    const stopped = host.stop()
    await calm()
    await stopped
    assert.equal(signals[1]?.aborted, true)
    gateway.cse.stop()
    assert.equal(gateway.clock.pending, 0)
    assert.equal(gateway.warnings.length, 1)
  })

  it('whose devices all fail says why of a few, and how many more', async () => {
    const gateway = await new Gateway().start()
    const names = Array.from({ length: 8 }, (_, index) => `d${index}`)
    const fail = ({ report }: { report(part: string, fault: string): void }) => {
      for (const name of names) report(name, 'EIO')
    }
    const host = await gateway.host([entryOf('barn', fail)])
    assert.equal(host.statuses[0]?.state, 'failed')
    assert.match(host.statuses[0]?.reason ?? '', /^d0: EIO; .*; d4: EIO; and 3 more$/)
    assert.equal(gateway.warnings.length, 8)
  })

  it('that is not enabled is not loaded', async () => {
    const gateway = await new Gateway().start()
    let loads = 0
    const entry = { ...entryOf('barn', () => {}), load: async () => assert.fail(`loaded ${++loads}`) }
    const host = await gateway.host([entry], { enabled: false })
    assert.deepEqual([host.statuses, loads], [[], 0])
  })

  it('that finds nothing leaves no resources and says nothing, until there is something', async () => {
    const gateway = await new Gateway().start()
    let found: readonly Reading[] = []
    const host = await gateway.host([
      entryOf('barn', ({ sample }) => sample({ name: 'bus', periodMs: 60_000, read: async () => found })),
      entryOf('shed', () => {}),
    ])
    assert.deepEqual(
      host.statuses.map(({ state }) => state),
      ['absent', 'absent'],
    )
    assert.deepEqual([await gateway.attributes('barn'), await gateway.attributes('shed')], [undefined, undefined])
    found = [{ point, value: 20 }]
    await gateway.clock.pass(60_000)
    assert.equal(await gateway.latest('barn/room/temperature'), '20')
    found = []
    await gateway.clock.pass(60_000)
    assert.equal(await gateway.latest('barn/state'), '{"state":"absent"}')
    assert.deepEqual(gateway.warnings, [])
  })

  it('says once that the disk is full, and goes on when it is not', async () => {
    const gateway = await new Gateway().start()
    const host = await gateway.host([entryOf('barn', ({ sample }) => sample(counting()))])
    gateway.store.fail(new StoreError('full', 'no space left'))
    await gateway.clock.pass(60_000)
    assert.match(
      host.statuses[0]?.reason ?? '',
      /^storing: onem2m\/barn\/room\/\w+: 5000 .*disk of this gateway is full/,
    )
    gateway.store.heal()
    await gateway.clock.pass(10_000)
    assert.equal(host.statuses[0]?.state, 'ok')
    assert.deepEqual(await gateway.contents('barn/room/temperature'), ['20.1', '21'])
    assert.equal(await gateway.latest('barn/state'), '{"state":"ok"}')
    assert.equal(gateway.warnings.filter(({ fields }) => fields['adapter'] === 'barn').length, 1)
  })

  it('ends within a second, whatever its device and the disk do, and leaves no timer', async () => {
    const gateway = await new Gateway().start()
    let ended: AbortSignal | undefined
    let late: (readings: readonly Reading[]) => void = () => {}
    const host = await gateway.host([
      entryOf('barn', (context) => {
        ended = context.signal
        late = context.push
        everySecond('p', () => gateway.clock.monotonicMs())(context)
        context.sample({ name: 'stuck', periodMs: 1000, timeoutMs: 90_000, read: () => new Promise(() => {}) })
      }),
    ])
    await gateway.clock.pass(300)
    gateway.store.hold()
    await gateway.clock.pass(1000)
    const stopped = host.stop().then(() => gateway.clock.monotonicMs())
    await calm()
    await gateway.clock.pass(5000)
    assert.ok((await stopped) < 2300)
    assert.equal(ended?.aborted, true)
    late([{ point, value: 1 }])
    await host.stop()
    gateway.store.release()
    await calm()
    assert.deepEqual(await gateway.contents('barn/p'), ['0', '1000'])
    assert.equal(await gateway.attributes('barn/room'), undefined)
    gateway.cse.stop()
    assert.equal(gateway.clock.pending, 0)
  })
})
