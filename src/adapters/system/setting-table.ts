/** What can be set about the readings of the machine itself. */

import { adapterTable } from '../adapter.ts'

export const systemTable = adapterTable({
  name: 'system',
  isEnabled: true,
  text: 'Reads the figures of this machine: load, memory, temperature, disk, network, uptime.',
  settings: [
    {
      key: 'period',
      type: 'duration',
      default: '10s',
      minimum: 1000,
      maximum: 86_400_000,
      text: 'Time between readings of load, memory and temperature. Each round is one write to the disk of some kilobytes.',
    },
    {
      key: 'slow_period',
      type: 'duration',
      default: '60s',
      minimum: 1000,
      maximum: 86_400_000,
      text: 'Time between readings of disk, network and uptime; best a multiple of period.',
    },
    {
      key: 'root',
      type: 'string',
      default: '/',
      text: 'Directory below which proc and sys are found; another one in a container that has those of its host mounted.',
    },
  ],
})
