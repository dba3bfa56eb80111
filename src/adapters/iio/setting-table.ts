/** What can be set about the sensors of the kernel's industrial I/O. */

import { adapterTable } from '../adapter.ts'
import { kernelRows } from '../kernel-adapter.ts'

export const iioTable = adapterTable({
  name: 'iio',
  isEnabled: false,
  text: 'Reads sensors that the kernel has an IIO driver for: climate, light, distance, acceleration, analogue inputs (BME280, ADS1115, DHT22, BH1750, SCD4x and others).',
  settings: kernelRows,
})
