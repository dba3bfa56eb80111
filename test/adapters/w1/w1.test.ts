import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { parseThermometer } from '../../../src/adapters/w1/adapter.ts'
import { Gateway } from '../fixture.ts'
import { MachineTree, until } from '../machine-tree.ts'

const attic = '28-0316a279f1ff'
const cellar = '28-0000075f8c2a'

const answer = (bytes: string, crc: string, verdict: string, thousandths: number) =>
  `${bytes} : crc=${crc} ${verdict}\n${bytes} t=${thousandths}\n`

const good = answer('4b 01 4b 46 7f ff 0c 10 d6', 'd6', 'YES', 20687)
const frosty = answer('5e ff 4b 46 7f ff 02 10 1d', '1d', 'YES', -10125)
const wrong = answer('4b 01 4b 46 7f ff 0c 10 d7', 'd6', 'NO', 20687)
const powerless = answer('50 05 4b 46 7f ff 0c 10 1c', '1c', 'YES', 85000)
const disconnected = answer('10 f8 ff ff ff ff ff ff c9', 'c9', 'YES', -127000)
const shorted = answer('00 00 00 00 00 00 00 00 00', '00', 'YES', 0)

const file = (name: string) => `sys/bus/w1/devices/${name}/w1_slave`

async function bus(context: TestContext, files: Readonly<Record<string, string>>) {
  const tree = new MachineTree(context, {
    'sys/bus/w1/devices/w1_bus_master1/w1_master_name': 'w1_bus_master1\n',
    ...files,
  })
  const gateway = await new Gateway().start()
  const host = await gateway.hostOne('w1', `[adapters.w1]\nenabled = true\nroot = "${tree.root}"`)
  const state = () => host.statuses[0]?.state
  await until(() => state() !== 'starting')
  return { tree, gateway, host, state }
}

describe('thermometers on the 1-Wire bus', () => {
  it('are read as they answer, below and above zero', async (context) => {
    const { gateway } = await bus(context, { [file(attic)]: good, [file(cellar)]: frosty })
    await until(async () => (await gateway.latest(`w1/${cellar}/temperature`)) !== undefined)
    assert.equal(await gateway.latest(`w1/${attic}/temperature`), '20.687')
    assert.equal(await gateway.latest(`w1/${cellar}/temperature`), '-10.125')
    const { lbl } = (await gateway.attributes(`w1/${attic}/temperature`)) ?? {}
    assert.deepEqual(lbl, ['unit:Cel', 'quantity:temperature', `device:${attic}`])
  })

  const refusals: readonly (readonly [text: string, reason: RegExp])[] = [
    [wrong, /checksum/],
    [powerless, /lost its power/],
    [disconnected, /says -127 degrees/],
    [shorted, /shorted/],
    [good.slice(0, 50), /says "4b 01/],
    ['', /says ""/],
    [good.replace('20687', 'NaN'), /says "4b/],
  ]
  for (const [text, reason] of refusals) {
    it(`are not believed: ${JSON.stringify(text.slice(28))}`, () =>
      assert.match(String(parseThermometer(text, 20)), reason))
  }

  it('may say 85 degrees where it has been hot', () => assert.equal(parseThermometer(powerless, 84.5), 85))

  it('that fail keep their last value and hold up no other; unplugged and plugged in again they go on', async (context) => {
    const { tree, gateway, host, state } = await bus(context, { [file(attic)]: good, [file(cellar)]: good })
    await until(() => host.statuses[0]?.points.length === 2)
    tree.plug({ [file(attic)]: wrong, [file(cellar)]: frosty })
    await gateway.clock.pass(30_000)
    await until(async () => (await gateway.latest(`w1/${cellar}/temperature`)) === '-10.125')
    assert.equal(state(), 'degraded')
    assert.match(host.statuses[0]?.reason ?? '', /checksum/)
    const kept = host.statuses[0]?.points.find(({ point }) => point.device === attic)
    assert.deepEqual([kept?.value, kept?.ageMs], [20.687, 30_000])

    tree.unplug(`sys/bus/w1/devices/${attic}`)
    tree.unplug(`sys/bus/w1/devices/${cellar}`)
    await gateway.clock.pass(30_000)
    await until(() => state() !== 'degraded')
    assert.equal(state(), 'absent')
    tree.plug({ [file(attic)]: frosty })
    await gateway.clock.pass(30_000)
    await until(async () => (await gateway.latest(`w1/${attic}/temperature`)) === '-10.125')
    assert.equal(state(), 'ok')
    assert.equal(gateway.warnings.length, 1)
  })

  it("are none on a machine without the bus, which is nobody's fault", async (context) => {
    const { gateway, state } = await bus(context, {})
    assert.equal(state(), 'absent')
    assert.equal(await gateway.attributes('w1'), undefined)
    assert.deepEqual(gateway.warnings, [])
  })
})
