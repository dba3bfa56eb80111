import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Reading } from '../../src/adapters/adapter.ts'
import { entryOf, Gateway } from './fixture.ts'

const temperature = { path: 'attic/temperature', quantity: 'temperature', unit: 'Cel', device: '28-01' }

/** A gateway whose adapter `barn` hands on what a test gives it. */
async function barn(settings: Readonly<Record<string, unknown>> = {}) {
  const gateway = await new Gateway().start()
  let push: (readings: readonly Reading[]) => void = () => {}
  const host = await gateway.host(
    [
      entryOf('barn', ({ push: given }) => {
        push = given
      }),
    ],
    settings,
  )
  const offer = async (...readings: readonly Reading[]) => {
    push(readings)
    await gateway.clock.pass(1000)
  }
  return { gateway, host, offer }
}

describe('a point as the operator wants it', () => {
  it('gets unit, quantity, scale and rounding from the first table whose path matches', async () => {
    const points = [
      { path: '*/temperature', quantity: 'warmth', unit: 'K', offset: 273.15, digits: 2 },
      { path: 'attic/*', unit: 'never' },
    ]
    const { gateway, offer } = await barn({ points })
    await offer({ point: temperature, value: 20 }, { point: { path: 'cellar/humidity', unit: '%' }, value: 50 })
    assert.equal(await gateway.latest('barn/attic/temperature'), '293.15')
    const labels = async (path: string) => (await gateway.attributes(path))?.['lbl']
    assert.deepEqual(await labels('barn/attic/temperature'), ['unit:K', 'quantity:warmth', 'device:28-01'])
    assert.deepEqual(await labels('barn/cellar/humidity'), ['unit:%'])
  })

  it('is stored at most once in its interval, and on changes only', async () => {
    const points = [
      { path: 'slow', minIntervalMs: 3000 },
      { path: 'quiet', onChange: true },
      { path: 'loud', onChange: false },
    ]
    const { gateway, offer } = await barn({ points })
    for (const value of [1, 1, 2, 3])
      await offer(
        { point: { path: 'slow' }, value },
        { point: { path: 'quiet' }, value },
        { point: { path: 'loud', deadband: 10 }, value },
      )
    assert.deepEqual(await gateway.contents('barn/slow'), ['1', '3'])
    assert.deepEqual(await gateway.contents('barn/quiet'), ['1', '2', '3'])
    assert.deepEqual(await gateway.contents('barn/loud'), ['1', '1', '2', '3'])
  })

  it('becomes a flexContainer of the module class of its quantity, with instances and limits', async () => {
    const points = [{ path: '*', form: 'flexContainer' }]
    const { gateway, offer } = await barn({ points, retentionMs: 600_000 })
    await offer({ point: temperature, value: 20.5 })
    await offer({ point: temperature, value: 21 })
    const module = await gateway.attributes('barn/attic/temperature')
    assert.equal(module?.['cnd'], 'org.onem2m.common.moduleclass.temperature')
    assert.deepEqual([module?.['curT0'], module?.['mni'], module?.['mbs'], module?.['mia']], [21, 10, 1024, 750])
    assert.equal(module?.['cni'], 2)
    assert.equal((await gateway.attributes('barn/attic/temperature/ol'))?.['curT0'], 20.5)
  })

  it('of no known quantity becomes a number or a switch; a text is said to fit neither', async () => {
    const points = [{ path: '*', form: 'flexContainer' }]
    const { gateway, host, offer } = await barn({ points })
    await offer(
      { point: { path: 'flow' }, value: 3.5 },
      { point: { path: 'lamp' }, value: true },
      { point: { path: 'name' }, value: 'north' },
    )
    assert.equal((await gateway.attributes('barn/flow'))?.['numVe'], 3.5)
    assert.equal((await gateway.attributes('barn/lamp'))?.['state'], true)
    assert.match(host.statuses[0]?.reason ?? '', /barn\/name: "north" does not fit a flexContainer/)
  })

  it('becomes a timeSeries whose instances have the time of measurement, two in a millisecond too', async () => {
    const points = [{ path: '*', form: 'timeSeries' }]
    const { gateway, offer } = await barn({ points })
    await offer({ point: temperature, value: 20 }, { point: temperature, value: 20.5 })
    assert.deepEqual(gateway.warnings, [])
    const series = await gateway.attributes('barn/attic/temperature')
    assert.deepEqual([series?.['pei'], series?.['mni'], series?.['cni']], [60_000, 1440, 2])
    const { con, dgt } = (await gateway.attributes('barn/attic/temperature/la')) ?? {}
    assert.deepEqual([con, dgt], [20.5, '20260601T000000,001'])
  })

  it('that can not be read keeps its last good value with its age, and says why once', async () => {
    const { gateway, host, offer } = await barn()
    await offer({ point: temperature, value: 20 })
    await offer({ point: temperature, fault: 'wrong checksum' })
    await offer({ point: temperature, fault: 'wrong checksum' })
    const [status] = host.statuses
    assert.match(status?.reason ?? '', /barn\/attic\/temperature: wrong checksum/)
    assert.deepEqual([status?.points[0]?.value, status?.points[0]?.ageMs], [20, 3000])
    assert.deepEqual(await gateway.contents('barn/attic/temperature'), ['20'])
    assert.equal(gateway.warnings.length, 1)
  })
})
