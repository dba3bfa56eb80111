import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { splitCsv } from '../../../src/adapters/csv.ts'
import { Gateway } from '../fixture.ts'
import { MachineTree, until } from '../machine-tree.ts'

const recording = `time,station,temperature,wind speed,remark
2026-01-01T00:00:00Z,north,1.5,4,"cold, windy"
2026-01-01T00:00:10Z,south,2.5,,
2026-01-01T00:00:20Z,north,2
2026-01-01T00:00:30Z,north,3.5,5,"said ""thaw"""
`

async function replay(context: TestContext, text: string, settings: string) {
  const tree = new MachineTree(context, { 'day.csv': text })
  const gateway = await new Gateway().start()
  const path = join(tree.root, 'day.csv')
  const toml = `[adapters.csv-replay]\nenabled = true\n[[adapters.csv-replay.file]]\npath = "${path}"\n${settings}`
  const host = await gateway.hostOne('csv-replay', toml)
  context.after(() => host.stop())
  return {
    tree,
    gateway,
    host,
    reason: () => host.statuses[0]?.reason ?? '',
    // A file that is still being read does not notice that time has passed: there is more of it.
    untilAfterRounds: (condition: () => boolean | Promise<boolean>) =>
      until(async () => {
        await gateway.clock.pass(1000)
        return condition()
      }),
    latest: (at: string) => gateway.latest(`csv-replay/${at}`),
  }
}

describe('a recording', () => {
  it('is played with its own times and devices, at another speed, and anew at its end', async (context) => {
    const columns = 'device_column = "station"\ntime_column = "time"\nspeed = 10\nperiod = "5s"'
    const { gateway, latest, reason, untilAfterRounds } = await replay(context, recording, columns)
    await until(async () => (await latest('north/temperature')) === '1.5')
    assert.equal(await latest('north/remark'), 'cold, windy')
    assert.equal(await latest('south/temperature'), undefined)
    await gateway.clock.pass(1000)
    await until(async () => (await latest('south/temperature')) === '2.5')
    await until(() => reason().includes('line 4 has 3 cells, the first line 5'))
    await gateway.clock.pass(2000)
    await until(async () => (await latest('north/remark')) === 'said "thaw"')
    await untilAfterRounds(async () => (await latest('north/temperature')) === '1.5')
  })

  it('that vanishes is said to, keeps its last values, and goes on when it is back', async (context) => {
    const { tree, gateway, latest, reason, untilAfterRounds } = await replay(context, 'a\n1\n', 'period = "1s"')
    await until(async () => (await latest('replay/a')) === '1')
    tree.unplug('day.csv')
    await untilAfterRounds(() => reason().includes('ENOENT'))
    tree.plug({ 'day.csv': 'a\n2\n' })
    await untilAfterRounds(async () => (await latest('replay/a')) === '2')
    assert.deepEqual([...new Set(await gateway.contents('csv-replay/replay/a'))], ['1', '2'])
  })

  it('that is being read is let go of without a word when the adapter stops', async (context) => {
    const { gateway, host, latest } = await replay(context, `a\n${'1\n'.repeat(200_000)}`, 'period = "1s"')
    await until(async () => (await latest('replay/a')) === '1')
    gateway.log.lines.length = 0
    await host.stop()
    await gateway.clock.pass(1000)
    assert.deepEqual(
      gateway.log.lines.filter(({ level }) => level === 'warn' || level === 'error'),
      [],
    )
  })

  it('without a line of readings is a fault', async (context) => {
    const { reason } = await replay(context, 'a,b\n', '')
    await until(() => reason().includes('has no line with readings'))
  })
})

describe('a line of cells', () => {
  const cases: readonly (readonly [line: string, ...cells: string[]])[] = [
    ['1,2', '1', '2'],
    ['', ''],
    ['"a,b",c', 'a,b', 'c'],
    ['"say ""no""", x ', 'say "no"', 'x'],
    ['"open', 'open'],
    [',', '', ''],
  ]
  for (const [line, ...cells] of cases) it(`is split: ${line}`, () => assert.deepEqual(splitCsv(line), cells))
})
