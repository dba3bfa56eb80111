/** The channels of an IIO device as its files name them, and the units that the kernel's ABI gives them (Documentation/ABI/testing/sysfs-bus-iio). */

import type { Point } from '../adapter.ts'

export interface Channel {
  /** `in_temp`, `in_voltage0`, `in_concentration_co2`: what its files begin with. */
  readonly stem: string
  /** Its value is to be scaled, or is in the unit of the ABI already. */
  readonly isRaw: boolean
  /** Files that may hold its scale and offset: its own, else those that it shares with others of its kind. */
  readonly sharedStems: readonly string[]
  readonly point: Omit<Point, 'device'>
}

interface Kind {
  readonly quantity: string
  readonly unit?: string
  /** From the unit of the ABI to ours. */
  readonly scale?: number
}

const kinds: Readonly<Record<string, Kind>> = {
  temp: { quantity: 'temperature', unit: 'Cel', scale: 1e-3 },
  humidityrelative: { quantity: 'humidity', unit: '%RH', scale: 1e-3 },
  pressure: { quantity: 'pressure', unit: 'hPa', scale: 10 },
  illuminance: { quantity: 'illuminance', unit: 'lx' },
  intensity: { quantity: 'light-intensity' },
  uvindex: { quantity: 'uv' },
  voltage: { quantity: 'voltage', unit: 'V', scale: 1e-3 },
  altvoltage: { quantity: 'voltage', unit: 'V', scale: 1e-3 },
  current: { quantity: 'current', unit: 'A', scale: 1e-3 },
  power: { quantity: 'power', unit: 'W', scale: 1e-3 },
  energy: { quantity: 'energy', unit: 'J' },
  resistance: { quantity: 'resistance', unit: 'Ohm' },
  capacitance: { quantity: 'capacitance', unit: 'F', scale: 1e-9 },
  concentration: { quantity: 'concentration', unit: '%' },
  massconcentration: { quantity: 'mass-concentration', unit: 'ug/m3' },
  distance: { quantity: 'distance', unit: 'm' },
  proximity: { quantity: 'proximity' },
  accel: { quantity: 'acceleration', unit: 'm/s2' },
  anglvel: { quantity: 'angular-velocity', unit: 'rad/s' },
  magn: { quantity: 'magnetic-flux-density', unit: 'T', scale: 1e-4 },
  incli: { quantity: 'inclination', unit: 'deg' },
  ph: { quantity: 'ph', unit: 'pH' },
  electricalconductivity: { quantity: 'conductivity', unit: 'S/m' },
  velocity_sqrt_x_y_z: { quantity: 'velocity', unit: 'm/s' },
  steps: { quantity: 'steps' },
  count: { quantity: 'count' },
}

/** The channels among the names in a device's directory; one that has a processed value is not read raw as well. */
export function channelsOf(names: readonly string[]): readonly Channel[] {
  const present = new Set(names)
  return names.toSorted().flatMap((name) => {
    const [, stem = '', form] = /^(in_[a-z\d_-]+)_(input|raw)$/.exec(name) ?? []
    if (form === undefined || (form === 'raw' && present.has(`${stem}_input`))) return []
    const channel = readChannel(stem, form === 'raw')
    return channel === undefined ? [] : [channel]
  })
}

function readChannel(stem: string, isRaw: boolean): Channel | undefined {
  const [, type = '', index = '', modifier] = /^in_([a-z]+)(\d*(?:-voltage\d+)?)(?:_([a-z\d_]+))?$/.exec(stem) ?? []
  const kind = kinds[type]
  if (kind === undefined) return undefined
  const { quantity, unit, scale } = kind
  const name = [modifier === undefined ? quantity : `${quantity}-${modifier}`, index.replace('-voltage', '-')]
  const concentration = type === 'concentration' && modifier !== undefined ? { quantity: modifier } : { quantity }
  return {
    stem,
    isRaw,
    sharedStems: [stem, `in_${type}${index}`, `in_${type}`],
    point: { path: name.join(''), ...concentration, unit, scale, digits: 6 },
  }
}
