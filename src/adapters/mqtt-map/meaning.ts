/** What the names mean that devices on MQTT give their values: the quantity and the unit, whoever made the device. */

import type { Point } from '../adapter.ts'

type Meaning = Pick<Point, 'quantity' | 'unit'>

const meanings: readonly (readonly [name: RegExp, meaning: Meaning])[] = [
  [/^(?:local_|device_|soil_)?temperature$|^tc$/, { quantity: 'temperature', unit: 'Cel' }],
  [/^dewpoint$/, { quantity: 'dew-point', unit: 'Cel' }],
  [/^(?:relative_|soil_)?humidity$|^rh$/, { quantity: 'humidity', unit: '%RH' }],
  [/^(?:atmospheric_)?pressure$/, { quantity: 'pressure', unit: 'hPa' }],
  [/^(?:illuminance(?:_lux)?|lux)$/, { quantity: 'illuminance', unit: 'lx' }],
  [/^(?:co2|carbon_dioxide|carbondioxide)$/, { quantity: 'co2', unit: 'ppm' }],
  [/^pm(?:_?2_?5)$/, { quantity: 'pm25', unit: 'ug/m3' }],
  [/^pm_?10$/, { quantity: 'pm10', unit: 'ug/m3' }],
  [/^(?:power|apower|activepower)$/, { quantity: 'power', unit: 'W' }],
  [/^(?:energy|total)$/, { quantity: 'energy', unit: 'kWh' }],
  [/^voltage$/, { quantity: 'voltage', unit: 'V' }],
  [/^current$/, { quantity: 'current', unit: 'A' }],
  [/^battery(?:level|_level)?$/, { quantity: 'battery', unit: '%' }],
  [/^(?:rssi|signal)$/, { quantity: 'signal-strength', unit: 'dBm' }],
  [/^snr$/, { quantity: 'signal-noise-ratio', unit: 'dB' }],
  [/^(?:linkquality|lqi)$/, { quantity: 'link-quality' }],
  [/^(?:occupancy|motion|presence)$/, { quantity: 'motion' }],
  [/^contact$/, { quantity: 'contact' }],
  [/^(?:water_leak|moisture)$/, { quantity: 'water' }],
  [/^smoke$/, { quantity: 'smoke' }],
  [/^(?:state|power\d*|output|switch)$/, { quantity: 'switch' }],
]

/** By the last level of its path; values that are on or off are no powers. */
export function meaningOf(path: string, value: unknown): Meaning {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase()
  const meaning = meanings.find(([expression]) => expression.test(name))?.[1] ?? {}
  if (typeof value === 'number') return meaning.quantity === 'switch' ? {} : meaning
  if (meaning.unit === undefined) return meaning
  return name.startsWith('power') && typeof value === 'boolean' ? { quantity: 'switch' } : {}
}

/** The symbols of RFC 8428 for units as devices write them. */
const symbols: Readonly<Record<string, string>> = {
  '°C': 'Cel',
  C: 'Cel',
  '°F': 'degF',
  F: 'degF',
  lux: 'lx',
  'µg/m³': 'ug/m3',
  'm³': 'm3',
  l: 'l',
}

export function unitSymbol(unit: string): string {
  return symbols[unit] ?? unit
}
