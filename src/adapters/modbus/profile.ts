/** Lists of points of devices that many have: shipped as data, or a file of the operator. */

import { readFile } from 'node:fs/promises'
import type { SettingRow } from '../../onem2m/setting-row.ts'
import type { ProfilePoint } from './profile-point.ts'
import { type PointSpecification, pointSpecificationRows, profileNames } from './setting-table.ts'

const shipped: Readonly<Record<(typeof profileNames)[number], () => Promise<readonly ProfilePoint[]>>> = {
  'eastron-sdm120': async () => (await import('./profile/eastron-sdm120.ts')).eastronSdm120,
  'eastron-sdm630': async () => (await import('./profile/eastron-sdm630.ts')).eastronSdm630,
  'xy-md02': async () => (await import('./profile/xy-md02.ts')).xyMd02,
  'pzem-016': async () => (await import('./profile/pzem-016.ts')).pzem016,
}

/** The points of a profile. Rejects with what is wrong with the file. */
export async function loadProfile(name: string): Promise<readonly PointSpecification[]> {
  if (name === '') return []
  const known = profileNames.find((each) => each === name)
  const list = known === undefined ? await readProfile(name) : await shipped[known]()
  return list.map((point, index) => complete(point, `${name}: point ${index + 1}`))
}

async function readProfile(path: string): Promise<readonly ProfilePoint[]> {
  const list: unknown = JSON.parse(await readFile(path, 'utf8'))
  if (!Array.isArray(list)) throw new Error(`${path}: expected a list of points`)
  return list as readonly ProfilePoint[]
}

/** A point with the defaults of the configuration. Throws what can't be used. */
function complete(point: ProfilePoint, where: string): PointSpecification {
  const rows: readonly SettingRow[] = pointSpecificationRows
  const unknown = Object.keys(point).find((key) => !rows.some((row) => row.key === key))
  if (unknown !== undefined) throw new Error(`${where}: no key is called ${unknown}`)
  return Object.fromEntries(
    rows.map((row) => [propertyName(row), readEntry(row, point[row.key] ?? row.default, where)]),
  ) as PointSpecification
}

function readEntry({ key, type, isRequired, choices }: SettingRow, value: unknown, where: string): unknown {
  if (value === undefined) {
    if (isRequired) throw new Error(`${where}: ${key} is missing`)
    return undefined
  }
  const kinds = { string: 'string', boolean: 'boolean', list: 'object' }
  const kind = type in kinds ? kinds[type as keyof typeof kinds] : 'number'
  if (typeof value !== kind || (choices !== undefined && !choices.includes(String(value))))
    throw new Error(`${where}: ${key} = ${JSON.stringify(value)}: expected ${choices?.join(' or ') ?? `a ${kind}`}`)
  return value
}

/** As the configuration names it in code; a time is in milliseconds here. */
function propertyName({ key, type }: SettingRow): string {
  const camelCase = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return type === 'duration' ? `${camelCase}Ms` : camelCase
}
