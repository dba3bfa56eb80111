/** Lists of points of devices that many have: shipped as data, or a file of the operator. */

import { readFile } from 'node:fs/promises'
import { type PointSpecification, pointSpecificationRows, profileNames } from './setting-table.ts'

/** A point as a profile has it: by the keys of the configuration; what is left out has its default. */
export type ProfilePoint = Readonly<Record<string, string | number | boolean>>

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

function complete(point: ProfilePoint, where: string): PointSpecification {
  const rows: readonly {
    readonly key: string
    readonly type: string
    readonly default?: unknown
    readonly isRequired?: true
    readonly choices?: readonly string[]
  }[] = pointSpecificationRows
  const unknown = Object.keys(point).find((key) => !rows.some((row) => row.key === key && row.type !== 'duration'))
  if (unknown !== undefined) throw new Error(`${where}: no key is called ${unknown}`)
  const entries = rows.map(({ key, type, default: standard, isRequired, choices }) => {
    const value = point[key] ?? standard
    if (isRequired && value === undefined) throw new Error(`${where}: ${key} is missing`)
    const isText = type === 'string'
    const isFitting = isText
      ? typeof value === 'string'
      : type === 'boolean'
        ? typeof value === 'boolean'
        : typeof value === 'number'
    if (
      value !== undefined &&
      (type === 'list' ? !Array.isArray(value) : !isFitting || (choices && !choices.includes(String(value))))
    )
      throw new Error(`${where}: ${key} = ${JSON.stringify(value)}: expected ${choices?.join(' or ') ?? type}`)
    return [
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) + (type === 'duration' ? 'Ms' : ''),
      value,
    ]
  })
  return Object.fromEntries(entries) as PointSpecification
}
