/** Eastron SDM120: energy meter, one phase; 2400 baud from the factory. */

import type { ProfilePoint } from '../profile-point.ts'

export const eastronSdm120: readonly ProfilePoint[] = [
  { name: 'voltage', register: 0, table: 'input', type: 'float32', quantity: 'voltage', unit: 'V', digits: 1 },
  { name: 'current', register: 6, table: 'input', type: 'float32', quantity: 'current', unit: 'A', digits: 3 },
  { name: 'power', register: 12, table: 'input', type: 'float32', quantity: 'power', unit: 'W', digits: 1 },
  {
    name: 'apparent-power',
    register: 18,
    table: 'input',
    type: 'float32',
    quantity: 'apparent-power',
    unit: 'VA',
    digits: 1,
  },
  {
    name: 'reactive-power',
    register: 24,
    table: 'input',
    type: 'float32',
    quantity: 'reactive-power',
    unit: 'var',
    digits: 1,
  },
  {
    name: 'power-factor',
    register: 30,
    table: 'input',
    type: 'float32',
    quantity: 'power-factor',
    unit: '/',
    digits: 3,
  },
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
