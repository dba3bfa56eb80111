import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adapters } from '../../../src/adapters/index.ts'
import { Gateway, settingsFrom } from '../fixture.ts'

const entry = adapters.filter(({ name }) => name === 'virtual')
const settings = {
  retentionMs: 3_600_000,
  periodMs: 1000,
  devices: 2,
  minimum: 10,
  maximum: 20,
  cycleMs: 4000,
  seed: 7,
  faultRate: 0,
}

/** Contents of every point of both devices after a while. */
async function run(changed: Partial<typeof settings>, ms: number) {
  const gateway = await new Gateway().start()
  const host = await gateway.host(entry, { ...settings, ...changed })
  await gateway.clock.pass(ms)
  const paths = host.statuses.flatMap(({ points }) => points.map(({ address }) => address.replace('onem2m/', '')))
  const series = new Map<string, readonly unknown[]>()
  for (const path of paths) series.set(path, await gateway.contents(path))
  return { gateway, host, series }
}

describe('made-up readings', () => {
  it('follow their shapes between minimum and maximum', async () => {
    const { series, gateway } = await run({}, 5000)
    assert.equal(series.size, 10)
    assert.deepEqual(series.get('virtual/device-1/constant'), Array(6).fill('15'))
    assert.deepEqual(series.get('virtual/device-1/ramp'), ['10', '12.5', '15', '17.5', '10', '12.5'])
    assert.deepEqual(series.get('virtual/device-2/sine'), ['15', '20', '15', '10', '15', '20'])
    assert.deepEqual(series.get('virtual/device-2/square'), ['10', '10', '20', '20', '10', '10'])
    assert.deepEqual(gateway.warnings, [])
  })

  it('are the same for the same seed, differ from device to device, and never leave the range', async () => {
    const walks = async (seed: number) => {
      const { series } = await run({ seed }, 100_000)
      return ['virtual/device-1/walk', 'virtual/device-2/walk'].map((path) => series.get(path) ?? [])
    }
    const [first, second] = await walks(7)
    assert.deepEqual(await walks(7), [first, second])
    assert.notDeepEqual(first, second)
    assert.notDeepEqual(await walks(8), [first, second])
    assert.equal(first?.length, 101)
    const figures = first.map(Number)
    assert.ok(figures.every((figure) => figure >= 10 && figure <= 20))
    assert.ok(Math.max(...figures) - Math.min(...figures) > 1)
  })

  it('go wrong in every way as often as told, and come back', async () => {
    const { gateway, series } = await run({ faultRate: 0.3 }, 300_000)
    const reasons = gateway.warnings.map(({ fields }) => String(fields['reason']))
    for (const reason of [/the device fails/, /no answer within/, /not a number/])
      assert.ok(reasons.some((text) => reason.test(text)))
    const count = series.get('virtual/device-1/sine')?.length ?? 0
    assert.ok(count > 75 && count < 225, `${count}`)
    assert.doesNotMatch(JSON.stringify([...series]), /NaN/)
  })

  it('are refused when the range is empty: it is said which setting is wrong', () => {
    assert.throws(() => settingsFrom('virtual', '[adapters.virtual]\nenabled = true\nminimum = 25'), {
      message: 'fieldgate.toml:3: adapters.virtual.minimum: 25: must be below adapters.virtual.maximum, which is 25',
    })
  })
})
