import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Reading, Sampler } from '../../../src/adapters/adapter.ts'
import { Inbox } from '../../../src/adapters/inbox.ts'
import { adapters } from '../../../src/adapters/index.ts'
import { MachineFiles } from '../../../src/adapters/machine-file.ts'
import { system } from '../../../src/adapters/system/adapter.ts'
import { type Subject, subjectsOf } from '../../../src/adapters/system/subject.ts'
import { calm, Gateway } from '../fixture.ts'

const cases = fileURLToPath(new URL('cases/', import.meta.url))

interface Expected {
  readonly probe: string
  /** Text of each reading by its path; what a case leaves out of the file system of this machine is not compared. */
  readonly readings: Readonly<Record<string, number>>
  /** By sampler. */
  readonly faults: Readonly<Record<string, string>>
}

function settingsAt(root: string) {
  return { enabled: true, points: [], retentionMs: 86_400_000, periodMs: 10_000, slowPeriodMs: 60_000, root }
}

async function samplersAt(root: string): Promise<readonly Sampler[]> {
  const samplers: Sampler[] = []
  const gateway = new Gateway()
  await system.start({
    settings: settingsAt(root),
    dataDirectory: cases,
    clock: { monotonicMs: () => 0, wallMs: () => 0, after: () => ({ cancel() {} }) },
    log: { debug() {}, info() {}, warn() {}, error() {} },
    signal: new AbortController().signal,
    sample: (sampler) => samplers.push(sampler),
    push: () => {},
    actuate: () => {},
    client: gateway.clientFor('Csystem'),
    inbox: new Inbox(),
    cseBaseName: 'onem2m',
    report: () => {},
  })
  return samplers
}

const never = new AbortController().signal

describe('the figures of a machine', () => {
  for (const name of readdirSync(cases)) {
    it(`are read as its kernel writes them: ${name}`, async () => {
      const expected = JSON.parse(readFileSync(`${cases}${name}/expected.json`, 'utf8')) as Expected
      const readings: Record<string, number> = {}
      const faults: Record<string, string> = {}
      for (const sampler of await samplersAt(`${cases}${name}`)) {
        try {
          for (const { point, value } of await sampler.read(never))
            if (!point.path.startsWith('disk/')) readings[point.path] = Number(Number(value).toFixed(point.digits ?? 9))
        } catch (error) {
          faults[sampler.name] = (error as Error).message
        }
      }
      assert.deepEqual({ readings, faults }, { readings: expected.readings, faults: expected.faults })
      const context = { settings: settingsAt(`${cases}${name}`), dataDirectory: cases, signal: never }
      const [finding] = await system.probe(context)
      assert.match(finding?.text ?? '', new RegExp(expected.probe))
    })
  }

  it('are fewer, and no fault, on a system without /proc and /sys', async () => {
    const samplers = await samplersAt(`${cases}nowhere`)
    const readings = await Promise.all(samplers.map(({ read }) => read(never)))
    assert.deepEqual(
      readings.flat().map(({ point }) => point.path),
      ['disk/free', 'disk/used'],
    )
  })

  it('are the share of free space that df shows', async () => {
    const disk = (await samplersAt(`${cases}vm`)).find(({ name }) => name === 'disk')
    const [free, used] = (await disk?.read(never)) ?? []
    assert.ok(Number(free?.value) > 0)
    assert.ok(Number(used?.value) >= 0 && Number(used?.value) <= 100)
  })
})

describe('counters', () => {
  const pi = `${cases}pi-4`

  function set() {
    const machine = { nowMs: 0, texts: new Map<string, string>() }
    const files = new MachineFiles(pi)
    const read = files.text.bind(files)
    files.text = async (path) => machine.texts.get(path) ?? read(path)
    const subjects = subjectsOf({
      files,
      inspectFileSystem: async () => ({ freeBytes: 1e9, usedShare: 0.25, major: 179, minor: 2 }),
      nowMs: () => machine.nowMs,
    })
    const values = async (name: Subject['name'], path: string) => {
      const readings = (await subjects.find((subject) => subject.name === name)?.read()) as readonly Reading[]
      return readings.filter(({ point }) => point.path.startsWith(path)).map(({ point, value }) => [point.path, value])
    }
    return { machine, values }
  }

  it('of the disk that the data lies on are sums, and rates from the second reading on', async () => {
    const { machine, values } = set()
    assert.deepEqual(await values('disk', 'disk/'), [
      ['disk/free', 1e9],
      ['disk/used', 25],
      ['disk/read', 1_201_246 * 512],
      ['disk/written', 412_878 * 512],
    ])
    machine.nowMs = 2000
    const text = readFileSync(`${pi}/proc/diskstats`, 'utf8').replace('412878', '412978')
    machine.texts.set('proc/diskstats', text)
    assert.deepEqual(await values('disk', 'disk/written'), [
      ['disk/written', 412_978 * 512],
      ['disk/written-rate', 25_600],
    ])
  })

  it('that went back give no rate until they have gone on', async () => {
    const { machine, values } = set()
    const text = readFileSync(`${pi}/proc/net/dev`, 'utf8')
    const rates = []
    for (const sent of ['9127734', '9128734', '0', '500']) {
      machine.texts.set('proc/net/dev', text.replace('9127734', sent))
      rates.push(Object.fromEntries(await values('network', 'network/eth0/sent'))['network/eth0/sent-rate'])
      machine.nowMs += 1000
    }
    assert.deepEqual(rates, [undefined, 1000, undefined, 500])
  })

  it('of the processors give the share of time that was not idle', async () => {
    const { machine, values } = set()
    machine.texts.set('proc/stat', 'cpu  100 0 100 800 0 0 0 0 0 0\n')
    assert.deepEqual(await values('cpu', 'cpu/utilisation'), [])
    machine.texts.set('proc/stat', 'cpu  125 0 100 860 15 0 0 0 0 0\n')
    assert.deepEqual(await values('cpu', 'cpu/utilisation'), [['cpu/utilisation', 25]])
  })
})

describe('the adapter system', () => {
  it('is on by default and puts the machine below its AE', async () => {
    const entry = adapters.find(({ name }) => name === 'system')
    assert.ok(entry)
    assert.equal(entry.settings.find(({ key }) => key === 'enabled')?.default, true)
    const gateway = await new Gateway().start()
    const host = await gateway.host([entry], settingsAt(`${cases}pi-4`))
    // Files are read by threads of their own, so that turns are not enough.
    while (host.statuses[0]?.state === 'starting') await calm()
    await gateway.clock.pass(0)
    assert.equal(await gateway.latest('system/cpu/temperature'), '47.7')
    assert.equal(await gateway.latest('system/memory/available'), '1547796480')
    const { lbl, mni } = (await gateway.attributes('system/network/eth0/received')) ?? {}
    assert.deepEqual([lbl, mni], [['unit:B', 'quantity:traffic', 'device:eth0'], 1440])
    assert.deepEqual(gateway.warnings, [])
    await host.stop()
  })
})
