/** Thermometers on the 1-Wire bus: which answers of theirs are no temperatures. */

import type { SettingsOf } from '../../onem2m/setting-row.ts'
import type { Adapter, Reading } from '../adapter.ts'
import { kernelAdapter, type Look } from '../kernel-adapter.ts'
import type { w1Table } from './setting-table.ts'

export type W1Settings = SettingsOf<typeof w1Table.settings>

/** DS18S20, DS1822, DS18B20, DS1825 and DS28EA00. */
const thermometer = /^(?:10|22|28|3b|42)-[\da-f]{12}$/i
const directory = 'sys/bus/w1/devices'
/** A conversion takes up to 750 ms, and the bus does one at a time. */
const timeoutMs = 60_000
/** What the register holds before the first conversion: a thermometer that lost its power says so. */
const powerOnCelsius = 85

export const w1: Adapter<W1Settings> = kernelAdapter('thermometers', createLook, timeoutMs)

function createLook(): Look {
  const latest = new Map<string, number>()
  return async (files, signal) => {
    const names = (await files.list(directory)).filter((name) => thermometer.test(name)).toSorted()
    const readings: Reading[] = []
    for (const name of names) {
      signal.throwIfAborted()
      const point = { path: `${name}/temperature`, quantity: 'temperature', unit: 'Cel', device: name, digits: 3 }
      const text = await files.text(`${directory}/${name}/w1_slave`).catch((error: Error) => error)
      // Unplugged since the directory was listed.
      if (text === undefined) continue
      const celsius = text instanceof Error ? text.message : parseThermometer(text, latest.get(name))
      if (typeof celsius === 'number') latest.set(name, celsius)
      readings.push(typeof celsius === 'number' ? { point, value: celsius } : { point, fault: celsius })
    }
    return readings
  }
}

/**
 * `w1_slave`: the nine bytes of the scratchpad twice, with the verdict on their checksum and the temperature in thousandths of a degree.
 * Degrees, or why the answer is no temperature. `before` is the last good one: 85 degrees are believed where it has been hot.
 */
export function parseThermometer(text: string, before: number | undefined): number | string {
  const verdict = /crc=[\da-f]{2} (YES|NO)/i.exec(text)?.[1]
  const thousandths = /\bt=(-?\d+)\s*$/.exec(text)?.[1]
  if (verdict === undefined || thousandths === undefined) return `says ${JSON.stringify(text.slice(0, 40))}`
  // Nine zero bytes have a good checksum: a bus that is shorted reads so.
  if (verdict.toUpperCase() !== 'YES') return 'the checksum is wrong'
  if (/^(?:00 ){9}/.test(text)) return 'the bus is shorted or has no power'
  const celsius = Number(thousandths) / 1000
  if (celsius === powerOnCelsius && (before === undefined || Math.abs(before - powerOnCelsius) > 10))
    return 'says 85 degrees, its value before the first measurement: has it lost its power?'
  if (celsius < -55 || celsius > 125) return `says ${celsius} degrees, which it can not measure: is it connected?`
  return celsius
}
