/** What can be set about the made-up readings. */

import { adapterTable } from '../adapter.ts'

export const virtualTable = adapterTable({
  name: 'virtual',
  isEnabled: false,
  text: 'Makes up readings of devices that are not there, with faults on demand: for trying things out, and for load tests.',
  settings: [
    {
      key: 'period',
      type: 'duration',
      default: '10s',
      minimum: 100,
      maximum: 86_400_000,
      text: 'Time between the readings of a device.',
    },
    {
      key: 'devices',
      type: 'integer',
      default: 1,
      minimum: 1,
      maximum: 400,
      text: 'How many devices there are. Each has five points: constant, ramp, sine, square and walk.',
    },
    { key: 'minimum', type: 'number', default: 15, text: 'The lowest value of a point.' },
    { key: 'maximum', type: 'number', default: 25, text: 'The highest value of a point; above minimum.' },
    {
      key: 'cycle',
      type: 'duration',
      default: '10min',
      minimum: 100,
      maximum: 86_400_000,
      text: 'After this time ramp, sine and square begin anew.',
    },
    {
      key: 'seed',
      type: 'integer',
      default: 1,
      minimum: 0,
      maximum: 4_294_967_295,
      text: 'Where chance begins: the same seed gives the same readings and the same faults.',
    },
    {
      key: 'fault_rate',
      type: 'number',
      default: 0,
      minimum: 0,
      maximum: 1,
      text: 'How often a reading goes wrong, from 0 to 1: the device fails, does not answer, answers nonsense, or is unplugged for once.',
    },
  ],
  check({ minimum, maximum }) {
    if (minimum < maximum) return []
    return [{ key: 'minimum', text: `${minimum}: must be below adapters.virtual.maximum, which is ${maximum}` }]
  },
})
