import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Gateway } from '../fixture.ts'
import { MachineTree, until } from '../machine-tree.ts'

/** Of a Raspberry Pi 4 with an SHT31, an INA219 and a UPS. */
const files = {
  'sys/class/hwmon/hwmon0/name': 'cpu_thermal\n',
  'sys/class/hwmon/hwmon0/temp1_input': '48199\n',
  'sys/class/hwmon/hwmon1/name': 'rpi_volt\n',
  'sys/class/hwmon/hwmon1/in0_lcrit_alarm': '0\n',
  'sys/class/hwmon/hwmon2/name': 'sht3x\n',
  'sys/class/hwmon/hwmon2/temp1_input': '21870\n',
  'sys/class/hwmon/hwmon2/humidity1_input': '45120\n',
  'sys/class/hwmon/hwmon3/name': 'ina219\n',
  'sys/class/hwmon/hwmon3/in1_input': '12048\n',
  'sys/class/hwmon/hwmon3/in1_label': 'battery bus\n',
  'sys/class/hwmon/hwmon3/curr1_input': '-310\n',
  'sys/class/hwmon/hwmon3/power1_input': '3720000\n',
  'sys/class/hwmon/hwmon4/name': 'lm75\n',
  'sys/class/hwmon/hwmon4/temp1_input': '20000\n',
  'sys/class/hwmon/hwmon4/temp1_fault': '1\n',
  'sys/class/thermal/thermal_zone0/type': 'cpu-thermal\n',
  'sys/class/thermal/thermal_zone0/temp': '48199\n',
  'sys/class/power_supply/ups/capacity': '87\n',
  'sys/class/power_supply/ups/status': 'Discharging\n',
  'sys/class/power_supply/ups/voltage_now': '3912000\n',
  'sys/class/power_supply/mains/online': '0\n',
}

describe('hardware monitoring', () => {
  it('is read in our units, labels as names; a sensor that reports a fault has one', async (context) => {
    const tree = new MachineTree(context, files)
    const gateway = await new Gateway().start()
    const host = await gateway.hostOne('hwmon', `[adapters.hwmon]\nenabled = true\nroot = "${tree.root}"`)
    await until(() => host.statuses[0]?.state !== 'starting')
    const values = Object.fromEntries(
      (host.statuses[0]?.points ?? []).map(({ address, value }) => [address.replace('onem2m/hwmon/', ''), value]),
    )
    assert.deepEqual(values, {
      'cpu_thermal/temp1': 48.199,
      'rpi_volt/in0-low': false,
      'sht3x/humidity1': 45.12,
      'sht3x/temp1': 21.87,
      'ina219/battery_bus': 12.048,
      'ina219/curr1': -0.31,
      'ina219/power1': 3.72,
      'thermal_zone0-cpu-thermal/temperature': 48.199,
      'ups/level': 87,
      'ups/status': 'Discharging',
      'ups/voltage': 3.912,
      'mains/online': false,
    })
    assert.match(host.statuses[0]?.reason ?? '', /lm75\/temp1: the chip reports/)
    assert.equal(gateway.warnings.length, 1)

    tree.unplug('sys/class/hwmon/hwmon4')
    tree.unplug('sys/class/hwmon/hwmon2')
    await gateway.clock.pass(30_000)
    await until(() => host.statuses[0]?.state === 'ok')
    tree.plug({ 'sys/class/hwmon/hwmon2/name': 'sht3x', 'sys/class/hwmon/hwmon2/temp1_input': '-5\n' })
    await gateway.clock.pass(30_000)
    await until(async () => (await gateway.latest('hwmon/sht3x/temp1')) === '-0.005')
    assert.equal(host.statuses[0]?.state, 'ok')
  })
})
