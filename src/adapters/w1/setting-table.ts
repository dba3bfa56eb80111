/** What can be set about the thermometers on the 1-Wire bus. */

import { adapterTable } from '../adapter.ts'
import { kernelRows } from '../kernel-adapter.ts'

export const w1Table = adapterTable({
  name: 'w1',
  isEnabled: false,
  text: 'Reads DS18B20 and related thermometers on the 1-Wire bus, through the kernel (dtoverlay=w1-gpio on a Raspberry Pi).',
  settings: kernelRows,
})
