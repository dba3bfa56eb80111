/** Eastron SDM630: energy meter, three phases. */

import type { ProfilePoint } from '../profile-point.ts'

export const eastronSdm630: readonly ProfilePoint[] = [
  { name: 'voltage-l1', register: 0, table: 'input', type: 'float32', quantity: 'voltage', unit: 'V', digits: 1 },
  { name: 'voltage-l2', register: 2, table: 'input', type: 'float32', quantity: 'voltage', unit: 'V', digits: 1 },
  { name: 'voltage-l3', register: 4, table: 'input', type: 'float32', quantity: 'voltage', unit: 'V', digits: 1 },
  { name: 'current-l1', register: 6, table: 'input', type: 'float32', quantity: 'current', unit: 'A', digits: 3 },
  { name: 'current-l2', register: 8, table: 'input', type: 'float32', quantity: 'current', unit: 'A', digits: 3 },
  { name: 'current-l3', register: 10, table: 'input', type: 'float32', quantity: 'current', unit: 'A', digits: 3 },
  { name: 'power-l1', register: 12, table: 'input', type: 'float32', quantity: 'power', unit: 'W', digits: 1 },
  { name: 'power-l2', register: 14, table: 'input', type: 'float32', quantity: 'power', unit: 'W', digits: 1 },
  { name: 'power-l3', register: 16, table: 'input', type: 'float32', quantity: 'power', unit: 'W', digits: 1 },
  { name: 'power', register: 52, table: 'input', type: 'float32', quantity: 'power', unit: 'W', digits: 1 },
  { name: 'frequency', register: 70, table: 'input', type: 'float32', quantity: 'frequency', unit: 'Hz', digits: 2 },
  {
    name: 'energy-imported',
    register: 72,
    table: 'input',
    type: 'float32',
    quantity: 'energy',
    unit: 'kWh',
    digits: 3,
  },
  {
    name: 'energy-exported',
    register: 74,
    table: 'input',
    type: 'float32',
    quantity: 'energy',
    unit: 'kWh',
    digits: 3,
  },
  { name: 'energy-total', register: 342, table: 'input', type: 'float32', quantity: 'energy', unit: 'kWh', digits: 3 },
]
