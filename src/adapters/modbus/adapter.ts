/** Modbus devices: which points are read together, what their registers mean, and how they are written. */

import type { SettingsOf } from '../../onem2m/setting-row.ts'
import type { Adapter, AdapterContext, Reading, Value } from '../adapter.ts'
import { asSwitch, type Point, withSettings } from '../point.ts'
import { Bus } from './bus.ts'
import { decodeRegisters, encodeRegisters, ModbusException, readAnswer, readRequest, writeRequest } from './codec.ts'
import { loadProfile } from './profile.ts'
import { type Block, blocksOf } from './register-map.ts'
import type { modbusTable, PointSpecification } from './setting-table.ts'

export type ModbusSettings = SettingsOf<typeof modbusTable.settings>

type DeviceSettings = ModbusSettings['devices'][number]

const illegalAddress = 2

export const modbus: Adapter<ModbusSettings> = {
  /** Asking around on a bus could disturb what is connected to it. */
  async probe() {
    return []
  },

  async start(context) {
    const buses = new Map<string, Bus>()
    for (const settings of context.settings.devices) {
      const points = [...(await loadProfile(settings.profile)), ...settings.points]
      const { address } = settings
      const bus = buses.get(address) ?? new Bus({ address, serial: settings, signal: context.signal })
      buses.set(address, bus)
      new Device(bus, settings, points).attend(context)
    }
  },
}

class Device {
  readonly #bus: Bus
  readonly #settings: DeviceSettings
  readonly #points: readonly PointSpecification[]
  /** Each made once, so that what is set about it is looked up once. */
  readonly #asPoints = new Map<PointSpecification, Point>()

  constructor(bus: Bus, settings: DeviceSettings, points: readonly PointSpecification[]) {
    this.#bus = bus
    this.#settings = settings
    this.#points = points
  }

  /** A sampler for each period. */
  attend({ sample, actuate }: AdapterContext<ModbusSettings>): void {
    const { name, periodMs, maxGap, maxRegisters, timeoutMs } = this.#settings
    const byPeriod = Map.groupBy(this.#points, (point) => point.periodMs ?? periodMs)
    for (const [ownMs, points] of byPeriod) {
      let blocks = blocksOf(points, maxGap, maxRegisters)
      sample({
        name: byPeriod.size === 1 ? name : `${name} every ${ownMs} ms`,
        periodMs: ownMs,
        timeoutMs: 1000 + timeoutMs * (points.length + 1),
        read: async (signal) => {
          const readings: Reading[] = []
          const better: Block[] = []
          for (const block of blocks) {
            signal.throwIfAborted()
            const split = await this.#readBlock(block, readings)
            better.push(...split)
          }
          blocks = better
          return readings
        },
      })
    }
    for (const point of this.#points.filter(({ writable }) => writable))
      actuate({
        point: this.#pointOf(point),
        timeoutMs: timeoutMs * 2 + 1000,
        write: (value) => this.#write(point, value),
      })
  }

  /** Adds the readings of a block. Resolves with the blocks that read the same: a range that the device has not as a whole is read in its parts. */
  async #readBlock(block: Block, readings: Reading[]): Promise<readonly Block[]> {
    const { table, address, count, points } = block
    try {
      const data = await this.#ask(readRequest(table, address, count))
      for (const point of points)
        readings.push({ point: this.#pointOf(point), value: this.#decode(point, data, address) })
      return [block]
    } catch (error) {
      if (!(error instanceof ModbusException)) throw error
      if (points.length === 1 || error.code !== illegalAddress) {
        for (const point of points) readings.push({ point: this.#pointOf(point), fault: error.message })
        return [block]
      }
      const parts = points.flatMap((point) => blocksOf([point], 0, count))
      for (const part of parts) await this.#readBlock(part, readings)
      return parts
    }
  }

  #decode({ table, register, type, bit, length, wordOrder }: PointSpecification, data: Buffer, address: number): Value {
    const at = register - address
    if (table === 'coil' || table === 'discrete') return (((data[at >> 3] ?? 0) >> (at & 7)) & 1) === 1
    const bytes = data.subarray(at * 2, type === 'string' ? at * 2 + length : undefined)
    const width = type === 'string' ? bytes.length : type.endsWith('64') ? 8 : type.endsWith('32') ? 4 : 2
    return decodeRegisters(bytes.subarray(0, width), type, wordOrder ?? this.#settings.wordOrder, bit)
  }

  /** What the device has after it has confirmed, in the units of the point's registers. */
  async #write(point: PointSpecification, value: Value): Promise<Value> {
    const { table, register, type, wordOrder, scale = 1, offset = 0 } = point
    if (table === 'coil') {
      const level = asSwitch(value)
      if (level === undefined) throw new Error(`${JSON.stringify(value)}: expected true or false, on or off, 1 or 0`)
      await this.#ask(writeRequest('coil', register, level))
      return level
    }
    if (typeof value !== 'number') throw new Error(`${JSON.stringify(value)}: expected a number`)
    const raw = (value - offset) / scale
    const whole = type.startsWith('float') ? raw : Math.round(raw)
    await this.#ask(
      writeRequest('holding', register, encodeRegisters(whole, type, wordOrder ?? this.#settings.wordOrder)),
    )
    return whole
  }

  async #ask(request: Buffer): Promise<Buffer> {
    const { unit, timeoutMs } = this.#settings
    return readAnswer(request, await this.#bus.request(unit, request, timeoutMs))
  }

  #pointOf(specification: PointSpecification): Point {
    const known = this.#asPoints.get(specification)
    if (known !== undefined) return known
    const { name } = this.#settings
    const point = withSettings({ path: `${name}/${specification.name}`, device: name }, specification)
    this.#asPoints.set(specification, point)
    return point
  }
}
