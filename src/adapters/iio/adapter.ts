/** Sensors of the kernel's industrial I/O: where a device's values, scales and offsets lie, and how a value is made of them. */

import type { SettingsOf } from '../../onem2m/setting-row.ts'
import type { Adapter, Reading } from '../adapter.ts'
import { kernelAdapter, type Look } from '../kernel-adapter.ts'
import type { MachineFiles } from '../machine-file.ts'
import { type Channel, channelsOf } from './channel.ts'
import type { iioTable } from './setting-table.ts'

export type IioSettings = SettingsOf<typeof iioTable.settings>

interface Device {
  readonly directory: string
  readonly name: string
  readonly names: readonly string[]
}

const directory = 'sys/bus/iio/devices'

export const iio: Adapter<IioSettings> = kernelAdapter('devices', createLook, 20_000)

/** Scales and offsets are read once for each device that is plugged in: they cost a bus transfer with some drivers. */
function createLook(): Look {
  const factors = new Map<string, readonly [scale: number, offset: number]>()
  return async (files, signal) => {
    const devices = await findDevices(files)
    for (const key of factors.keys())
      if (!devices.some((device) => key.startsWith(`${device.directory}/`))) factors.delete(key)
    const readings: Reading[] = []
    for (const device of devices) {
      for (const channel of channelsOf(device.names)) {
        signal.throwIfAborted()
        const reading = await readChannel(files, device, channel, factors)
        if (reading !== undefined) readings.push(reading)
      }
    }
    return readings
  }
}

/** Devices of the same name are told apart by their number, which follows the order in which the kernel found them. */
async function findDevices(files: MachineFiles): Promise<readonly Device[]> {
  const found: Device[] = []
  for (const entry of (await files.list(directory)).filter((name) => /^iio:device\d+$/.test(name)).toSorted()) {
    const path = `${directory}/${entry}`
    const name = ((await files.text(`${path}/label`)) ?? (await files.text(`${path}/name`)))?.trim()
    if (name !== undefined) found.push({ directory: path, name: name || entry, names: await files.list(path) })
  }
  return found.map((device) => {
    const isAlone = found.filter(({ name }) => name === device.name).length === 1
    return isAlone ? device : { ...device, name: `${device.name}-${/\d+$/.exec(device.directory)?.[0]}` }
  })
}

async function readChannel(
  files: MachineFiles,
  { directory: path, name }: Device,
  { stem, isRaw, sharedStems, point: own }: Channel,
  factors: Map<string, readonly [scale: number, offset: number]>,
): Promise<Reading | undefined> {
  const point = { ...own, path: `${name}/${own.path}`, device: name }
  try {
    const value = await readNumber(files, `${path}/${stem}_${isRaw ? 'raw' : 'input'}`)
    if (value === undefined) return undefined
    if (!isRaw) return { point, value }
    const key = `${path}/${stem}`
    const known = factors.get(key) ?? [
      (await readFirst(files, path, sharedStems, 'scale')) ?? 1,
      (await readFirst(files, path, sharedStems, 'offset')) ?? 0,
    ]
    factors.set(key, known)
    const [scale, offset] = known
    return { point, value: (value + offset) * scale }
  } catch (error) {
    return { point, fault: error instanceof Error ? error.message : String(error) }
  }
}

async function readFirst(
  files: MachineFiles,
  path: string,
  stems: readonly string[],
  kind: 'scale' | 'offset',
): Promise<number | undefined> {
  for (const stem of stems) {
    const value = await readNumber(files, `${path}/${stem}_${kind}`)
    if (value !== undefined) return value
  }
  return undefined
}

/** Undefined when there is no such file. Rejects when it holds no number, or when the driver can't read its device. */
function readNumber(files: MachineFiles, path: string): Promise<number | undefined> {
  return files.read(path, (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    return Number.isFinite(value) ? value : undefined
  })
}
