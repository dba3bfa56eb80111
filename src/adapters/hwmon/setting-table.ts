/** What can be set about the sensors of the kernel's hardware monitoring. */

import { adapterTable } from '../adapter.ts'
import { kernelRows } from '../kernel-adapter.ts'

export const hwmonTable = adapterTable({
  name: 'hwmon',
  isEnabled: false,
  text: 'Reads sensors that the kernel has a hwmon driver for (SHT3x, LM75, INA219, fans, supply voltages), thermal zones, batteries and supplies.',
  settings: kernelRows,
})
