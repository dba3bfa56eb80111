/** Peacefair PZEM-016 and PZEM-004T: energy meter, one phase; its 32 bits have the lower word first. */

import type { ProfilePoint } from '../profile-point.ts'

export const pzem016: readonly ProfilePoint[] = [
  {
    name: 'voltage',
    register: 0,
    table: 'input',
    quantity: 'voltage',
    unit: 'V',
    type: 'uint16',
    scale: 0.1,
    digits: 1,
  },
  {
    name: 'current',
    register: 1,
    table: 'input',
    quantity: 'current',
    unit: 'A',
    type: 'uint32',
    word_order: 'CDAB',
    scale: 0.001,
    digits: 3,
  },
  {
    name: 'power',
    register: 3,
    table: 'input',
    quantity: 'power',
    unit: 'W',
    type: 'uint32',
    word_order: 'CDAB',
    scale: 0.1,
    digits: 1,
  },
  { name: 'energy', register: 5, table: 'input', quantity: 'energy', unit: 'Wh', type: 'uint32', word_order: 'CDAB' },
  {
    name: 'frequency',
    register: 7,
    table: 'input',
    quantity: 'frequency',
    unit: 'Hz',
    type: 'uint16',
    scale: 0.1,
    digits: 1,
  },
  {
    name: 'power-factor',
    register: 8,
    table: 'input',
    quantity: 'power-factor',
    unit: '/',
    type: 'uint16',
    scale: 0.01,
    digits: 2,
  },
]
