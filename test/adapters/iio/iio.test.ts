import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { adapters } from '../../../src/adapters/index.ts'
import { Gateway, settingsFrom } from '../fixture.ts'
import { type Files, MachineTree, until } from '../machine-tree.ts'

const device = (number: number, files: Files): Files =>
  Object.fromEntries(
    Object.entries(files).map(([name, text]) => [`sys/bus/iio/devices/iio:device${number}/${name}`, text]),
  )

/** Of a Raspberry Pi with a BME280, an ADS1115, a DHT22, an SCD41 and an MPU6050. */
const bme280 = {
  name: 'bme280\n',
  in_humidityrelative_input: '47853\n',
  in_humidityrelative_oversampling_ratio: '16\n',
  in_pressure_input: '99.876953125\n',
  in_temp_input: '22470\n',
  sampling_frequency: '10\n',
}
const ads1115 = {
  name: 'ads1015\n',
  in_voltage0_raw: '1650\n',
  in_voltage0_scale: '2.000000000\n',
  'in_voltage0-voltage1_raw': '-12\n',
  'in_voltage0-voltage1_scale': '2.000000000\n',
}
const scd41 = {
  name: 'scd4x\n',
  in_concentration_co2_raw: '612\n',
  in_concentration_co2_scale: '0.000100000\n',
  in_temp_raw: '25212\n',
  in_temp_scale: '2.670288085\n',
  in_temp_offset: '-16852\n',
}
const mpu6050 = {
  name: 'mpu6050\n',
  in_accel_x_raw: '-1024\n',
  in_accel_z_raw: '16384\n',
  in_accel_scale: '0.000598\n',
}

async function machine(context: TestContext, files: Files) {
  const tree = new MachineTree(context, files)
  const toml = `[adapters.iio]\nenabled = true\nroot = "${tree.root}"`
  const gateway = await new Gateway().start()
  const host = await gateway.hostOne('iio', toml)
  const values = () =>
    Object.fromEntries((host.statuses[0]?.points ?? []).map(({ address, value }) => [address.slice(11), value]))
  await until(() => host.statuses[0]?.state !== 'starting')
  return { tree, toml, gateway, host, values }
}

describe('sensors of the industrial I/O', () => {
  it('are read in the units of the kernel and stored in ours', async (context) => {
    const all = { ...device(0, bme280), ...device(1, ads1115), ...device(2, scd41), ...device(3, mpu6050) }
    const { values, gateway } = await machine(context, all)
    assert.deepEqual(values(), {
      'bme280/humidity': 47.853,
      'bme280/pressure': 998.769531,
      'bme280/temperature': 22.47,
      'ads1015/voltage0': 3.3,
      'ads1015/voltage0-1': -0.024,
      'scd4x/concentration-co2': 0.0612,
      'scd4x/temperature': 22.323608,
      'mpu6050/acceleration-x': -0.612352,
      'mpu6050/acceleration-z': 9.797632,
    })
    await until(async () => (await gateway.attributes('iio/bme280/pressure')) !== undefined)
    const { lbl } = (await gateway.attributes('iio/bme280/pressure')) ?? {}
    assert.deepEqual(lbl, ['unit:hPa', 'quantity:pressure', 'device:bme280'])
  })

  it('of the same name are told apart', async (context) => {
    const { values } = await machine(context, { ...device(0, bme280), ...device(4, bme280) })
    assert.deepEqual(
      Object.keys(values()).filter((path) => path.endsWith('temperature')),
      ['bme280-0/temperature', 'bme280-4/temperature'],
    )
  })

  it('that say nonsense are said to, and the others are read', async (context) => {
    const { values, host, gateway } = await machine(
      context,
      device(0, { ...bme280, in_temp_input: '', in_pressure_input: 'ff' }),
    )
    assert.deepEqual(values(), { 'bme280/humidity': 47.853 })
    assert.equal(host.statuses[0]?.state, 'degraded')
    assert.match(host.statuses[0]?.reason ?? '', /in_temp_input says ""/)
    assert.equal(gateway.warnings.length, 2)
  })

  it('may be unplugged and plugged in again, with another scale', async (context) => {
    const { tree, gateway, host, values } = await machine(context, device(1, ads1115))
    tree.unplug('sys/bus/iio/devices/iio:device1')
    await gateway.clock.pass(30_000)
    await until(() => host.statuses[0]?.state === 'absent')
    tree.plug(device(2, { ...ads1115, in_voltage0_scale: '1.0' }))
    await gateway.clock.pass(30_000)
    await until(() => values()['ads1015/voltage0'] === 1.65)
    assert.equal(host.statuses[0]?.state, 'ok')
    assert.deepEqual(gateway.warnings, [])
  })

  it('are listed by a probe', async (context) => {
    const { toml } = await machine(context, device(0, bme280))
    const adapter = await adapters.find(({ name }) => name === 'iio')?.load()
    const found = await adapter?.probe({
      settings: settingsFrom('iio', toml),
      dataDirectory: '.',
      signal: new AbortController().signal,
    })
    assert.deepEqual(
      found?.map(({ text }) => text),
      ['bme280: humidity 47.853 %RH, pressure 998.77 hPa, temperature 22.47 Cel'],
    )
  })
})
