/** Sentences of GPS receivers (NMEA 0183): position, height, speed, and how many satellites they come from. */

import type { Point, Reading } from '../adapter.ts'

/** The readings of a sentence; none of one that says nothing of these. Throws an Error for a wrong checksum. */
export function readSentence(line: string, device: string): readonly Reading[] {
  const [, body, checksum] = /^\$([^*]*)\*([\da-f]{2})$/i.exec(line.trim()) ?? []
  if (body === undefined || checksum === undefined)
    throw new Error(`expected an NMEA sentence, got ${JSON.stringify(line.slice(0, 40))}`)
  const sum = [...body].reduce((xor, character) => xor ^ character.charCodeAt(0), 0)
  if (sum !== Number.parseInt(checksum, 16)) throw new Error('the checksum is wrong')
  const fields = body.split(',')
  const kind = fields[0]?.slice(2)
  const reading = (path: string, value: number | undefined, meaning: Omit<Point, 'path'>): readonly Reading[] =>
    value === undefined ? [] : [{ point: { path: `${device}/${path}`, device, ...meaning }, value }]
  if (kind === 'GGA') {
    const [, , lat = '', north = '', lon = '', east = '', fix = '0', satellites = '', , height = ''] = fields
    return [
      ...reading('satellites', number(satellites), { quantity: 'satellites' }),
      ...(fix === '0'
        ? []
        : [
            ...reading('latitude', degrees(lat, north), { quantity: 'latitude', unit: 'lat', digits: 6 }),
            ...reading('longitude', degrees(lon, east), { quantity: 'longitude', unit: 'lon', digits: 6 }),
            ...reading('altitude', number(height), { quantity: 'altitude', unit: 'm' }),
          ]),
    ]
  }
  if (kind === 'RMC' && fields[2] === 'A')
    return [
      ...reading('speed', number(fields[7] ?? ''), { quantity: 'speed', unit: 'm/s', scale: 1852 / 3600, digits: 3 }),
      ...reading('course', number(fields[8] ?? ''), { quantity: 'course', unit: 'deg' }),
    ]
  return []
}

/** `4807.038` is 48 degrees and 7.038 minutes. */
function degrees(text: string, hemisphere: string): number | undefined {
  const [, whole, minutes] = /^(\d{2,3})(\d{2}\.\d+)$/.exec(text) ?? []
  if (whole === undefined) return undefined
  const value = Number(whole) + Number(minutes) / 60
  return hemisphere === 'S' || hemisphere === 'W' ? -value : value
}

function number(text: string): number | undefined {
  return text === '' || Number.isNaN(Number(text)) ? undefined : Number(text)
}
