/** XY-MD02: temperature and humidity (SHT20) on RS-485. */

import type { ProfilePoint } from '../profile-point.ts'

export const xyMd02: readonly ProfilePoint[] = [
  {
    name: 'temperature',
    register: 1,
    table: 'input',
    type: 'int16',
    quantity: 'temperature',
    unit: 'Cel',
    scale: 0.1,
    digits: 1,
  },
  {
    name: 'humidity',
    register: 2,
    table: 'input',
    type: 'int16',
    quantity: 'humidity',
    unit: '%RH',
    scale: 0.1,
    digits: 1,
  },
]
