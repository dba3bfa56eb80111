/** Hardware monitoring, thermal zones and power supplies of the kernel: their files and units (Documentation/hwmon/sysfs-interface). */

import type { SettingsOf } from '../../onem2m/setting-row.ts'
import type { Adapter, Point, Reading, Value } from '../adapter.ts'
import { kernelAdapter } from '../kernel-adapter.ts'
import type { MachineFiles } from '../machine-file.ts'
import type { hwmonTable } from './setting-table.ts'

export type HwmonSettings = SettingsOf<typeof hwmonTable.settings>

type Meaning = Pick<Point, 'quantity' | 'unit' | 'scale' | 'digits'>

const inputs: Readonly<Record<string, Meaning>> = {
  temp: { quantity: 'temperature', unit: 'Cel', scale: 1e-3, digits: 3 },
  in: { quantity: 'voltage', unit: 'V', scale: 1e-3, digits: 3 },
  curr: { quantity: 'current', unit: 'A', scale: 1e-3, digits: 3 },
  power: { quantity: 'power', unit: 'W', scale: 1e-6, digits: 6 },
  energy: { quantity: 'energy', unit: 'J', scale: 1e-6, digits: 6 },
  humidity: { quantity: 'humidity', unit: '%RH', scale: 1e-3, digits: 3 },
  fan: { quantity: 'rotation', unit: '1/min' },
}

const supplies: Readonly<Record<string, Meaning & { readonly path: string }>> = {
  capacity: { path: 'level', quantity: 'battery', unit: '%' },
  voltage_now: { path: 'voltage', quantity: 'voltage', unit: 'V', scale: 1e-6, digits: 3 },
  current_now: { path: 'current', quantity: 'current', unit: 'A', scale: 1e-6, digits: 3 },
  power_now: { path: 'power', quantity: 'power', unit: 'W', scale: 1e-6, digits: 3 },
  temp: { path: 'temperature', quantity: 'temperature', unit: 'Cel', scale: 0.1, digits: 1 },
  online: { path: 'online', quantity: 'supply' },
  status: { path: 'status', quantity: 'charging' },
}

export const hwmon: Adapter<HwmonSettings> = kernelAdapter('chips', () => look)

async function look(files: MachineFiles): Promise<readonly Reading[]> {
  const [chips, zones, powers] = await Promise.all([readChips(files), readZones(files), readSupplies(files)])
  return [...chips, ...zones, ...powers]
}

/** Chips of the same name are told apart by their number. */
async function readChips(files: MachineFiles): Promise<readonly Reading[]> {
  const root = 'sys/class/hwmon'
  const chips: { readonly path: string; readonly name: string }[] = []
  for (const entry of (await files.list(root)).toSorted()) {
    const name = (await files.text(`${root}/${entry}/name`))?.trim()
    if (name) chips.push({ path: `${root}/${entry}`, name })
  }
  const readings = chips.map(({ path, name }) => {
    const isAlone = chips.filter((chip) => chip.name === name).length === 1
    return readChip(files, path, isAlone ? name : `${name}-${/\d+$/.exec(path)?.[0]}`)
  })
  return (await Promise.all(readings)).flat()
}

async function readChip(files: MachineFiles, path: string, device: string): Promise<readonly Reading[]> {
  const names = await files.list(path)
  const readings = names.toSorted().map(async (name) => {
    const [, stem = '', type = '', kind] = /^(([a-z]+)\d+)_(input|lcrit_alarm)$/.exec(name) ?? []
    const meaning = inputs[type]
    if (kind === undefined || meaning === undefined) return undefined
    const label = names.includes(`${stem}_label`)
      ? await files.text(`${path}/${stem}_label`).catch(() => undefined)
      : ''
    const own = label?.trim() || stem
    const point =
      kind === 'input'
        ? { path: `${device}/${own}`, device, ...meaning }
        : { path: `${device}/${own}-low`, device, quantity: 'alarm', deadband: 0 }
    if (names.includes(`${stem}_fault`) && (await files.text(`${path}/${stem}_fault`).catch(() => ''))?.trim() === '1')
      return { point, fault: 'the chip reports that the sensor is open or shorted' }
    return readValue(files, `${path}/${name}`, point, kind === 'input' ? Number : (text) => text === '1')
  })
  return (await Promise.all(readings)).filter((reading) => reading !== undefined)
}

async function readZones(files: MachineFiles): Promise<readonly Reading[]> {
  const root = 'sys/class/thermal'
  const zones = (await files.list(root)).filter((name) => name.startsWith('thermal_zone')).toSorted()
  const readings = zones.map(async (zone) => {
    const type = (await files.text(`${root}/${zone}/type`).catch(() => undefined))?.trim() || 'zone'
    const point = { path: `${zone}-${type}/temperature`, device: zone, ...inputs['temp'] }
    return readValue(files, `${root}/${zone}/temp`, point, Number)
  })
  return (await Promise.all(readings)).filter((reading) => reading !== undefined)
}

async function readSupplies(files: MachineFiles): Promise<readonly Reading[]> {
  const root = 'sys/class/power_supply'
  const readings: Reading[] = []
  for (const device of (await files.list(root)).toSorted()) {
    for (const [file, { path, ...meaning }] of Object.entries(supplies)) {
      const point = {
        path: `${device}/${path}`,
        device,
        ...meaning,
        ...(meaning.unit === undefined && { deadband: 0 }),
      }
      const parse = file === 'status' ? String : file === 'online' ? (text: string) => text !== '0' : Number
      const reading = await readValue(files, `${root}/${device}/${file}`, point, parse)
      if (reading !== undefined) readings.push(reading)
    }
  }
  return readings
}

/** Undefined when there is no such file; drivers fail to read what they name, too. */
async function readValue(
  files: MachineFiles,
  path: string,
  point: Point,
  parse: (text: string) => Value,
): Promise<Reading | undefined> {
  try {
    const text = (await files.text(path))?.trim()
    if (text === undefined) return undefined
    const value = parse(text)
    return text === '' || Number.isNaN(value)
      ? { point, fault: `/${path} says ${JSON.stringify(text.slice(0, 40))}` }
      : { point, value }
  } catch (error) {
    return { point, fault: error instanceof Error ? error.message : String(error) }
  }
}
