/** Devices that are not there. What they answer depends on the settings and on how often they were read, and on nothing else. */

import { once } from 'node:events'
import type { SettingsOf } from '../../onem2m/setting-row.ts'
import type { Adapter, Reading, Sampler } from '../adapter.ts'
import type { virtualTable } from './setting-table.ts'
import { createChance, createWalk, waveforms } from './waveform.ts'

export type VirtualSettings = SettingsOf<typeof virtualTable.settings>

const timeoutMs = 1000

/** What can go wrong with a device, in place of its readings. */
const faults: readonly ((readings: readonly Reading[], signal: AbortSignal) => Promise<readonly Reading[]>)[] = [
  () => Promise.reject(new Error('made-up fault: the device fails')),
  async (_, signal) => {
    await once(signal, 'abort')
    return []
  },
  async (readings) => readings.map(({ point }) => ({ point, value: Number.NaN })),
  async () => [],
]

export const virtual: Adapter<VirtualSettings> = {
  /** Nothing on this machine tells whether made-up readings are wanted. */
  async probe() {
    return []
  },

  async start({ settings, sample }) {
    for (let number = 1; number <= settings.devices; number++)
      sample(createDevice(`device-${number}`, number, settings))
  },
}

function createDevice(name: string, number: number, settings: VirtualSettings): Sampler {
  const { periodMs, cycleMs, minimum, maximum, seed, faultRate } = settings
  const chance = createChance(seed + number * 1_000_003)
  const walk = createWalk(chance)
  let reads = 0

  function reading(shape: string, value: number): Reading {
    const point = { path: `${name}/${shape}`, device: name, scale: maximum - minimum, offset: minimum, digits: 3 }
    return { point, value }
  }

  return {
    name,
    periodMs,
    timeoutMs,
    async read(signal) {
      const place = ((reads++ * periodMs) % cycleMs) / cycleMs
      const readings = Object.entries(waveforms).map(([shape, at]) => reading(shape, at(place)))
      readings.push(reading('walk', walk()))
      const fault = chance() < faultRate ? faults[Math.floor(chance() * faults.length)] : undefined
      return fault === undefined ? readings : await fault(readings, signal)
    },
  }
}
