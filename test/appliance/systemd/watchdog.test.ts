/** When systemd is told that the gateway is alive, and when it is not. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ServiceManager } from '../../../src/appliance/systemd/service-manager.ts'
import { Watchdog } from '../../../src/appliance/systemd/watchdog.ts'
import { ManualClock, silent } from '../../bindings/fixture.ts'

function watch(
  check: () => Promise<string>,
  { watchdogMs }: Pick<ServiceManager, 'watchdogMs'> = { watchdogMs: 90_000 },
) {
  const told: string[] = []
  const clock = new ManualClock()
  const watchdog = new Watchdog({
    manager: { watchdogMs, tell: (...assignments) => told.push(assignments.join(' ')) },
    check,
    describe: () => 'listens',
    clock,
    log: silent,
  })
  watchdog.start()
  return {
    told,
    watchdog,
    async pass(ms: number) {
      clock.advance(ms)
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

describe('the watchdog', () => {
  it('is fed after each check that succeeds, three times in its period', async () => {
    const { told, pass } = watch(async () => 'works')
    assert.deepEqual(told.splice(0), ['READY=1 STATUS=listens'])
    await pass(29_999)
    assert.deepEqual(told.splice(0), [])
    await pass(1)
    await pass(30_000)
    assert.deepEqual(told, ['WATCHDOG=1 STATUS=listens; works', 'WATCHDOG=1 STATUS=listens; works'])
  })

  it('is not fed by a check that fails, and fed again by the next that succeeds', async () => {
    let isWell = false
    const { told, pass } = watch(async () => {
      if (!isWell) throw new Error('no answer')
      return 'works'
    })
    await pass(30_000)
    assert.match(told.at(-1) ?? '', /^STATUS=the self-check failed: .*no answer/)
    isWell = true
    await pass(30_000)
    assert.match(told.at(-1) ?? '', /^WATCHDOG=1/)
  })

  it('is never fed again while a check hangs', async () => {
    let checks = 0
    const { told, pass } = watch(() => {
      checks++
      return new Promise(() => undefined)
    })
    for (let i = 0; i < 10; i++) await pass(30_000)
    assert.deepEqual([checks, told.filter((line) => line.includes('WATCHDOG'))], [1, []])
  })

  it('does not check where systemd does not watch', async () => {
    let checks = 0
    const { told, pass } = watch(async () => `${++checks}`, { watchdogMs: undefined })
    await pass(600_000)
    assert.deepEqual([checks, told], [0, ['READY=1 STATUS=listens']])
  })

  it('says once that the gateway stops, and checks no more', async () => {
    const { told, watchdog, pass } = watch(async () => 'works')
    watchdog.stop()
    watchdog.stop()
    await pass(90_000)
    assert.deepEqual(told.slice(1), ['STOPPING=1 STATUS=stopping'])
  })
})
