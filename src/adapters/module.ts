/** Which module class of TS-0023 stands for a quantity, and which attribute of it holds the value. */

import type { Value } from './point.ts'

export interface Module {
  readonly name: string
  /** Of the flexContainer on the wire. */
  readonly memberName: string
  /** Of the attribute that holds the value, on the wire. */
  readonly attribute: string
  readonly kind: 'float' | 'integer' | 'boolean'
}

const lines = [
  ['temperature', 'tempe', 'curT0', 'float'],
  ['relativeHumidity', 'relHy', 'relHy', 'float'],
  ['barometer', 'baror', 'atmPe', 'float'],
  ['binarySwitch', 'binSh', 'state', 'boolean'],
  ['battery', 'bat', 'lvl', 'integer'],
  ['motionSensor', 'motSr', 'alarm', 'boolean'],
  ['smokeSensor', 'smoSr', 'alarm', 'boolean'],
  ['waterSensor', 'watSr', 'alarm', 'boolean'],
  ['acousticSensor', 'acoSr', 'louds', 'float'],
  ['uvSensor', 'uveSr', 'uvaVe', 'float'],
  ['brightness', 'brigs', 'brigs', 'integer'],
  ['lock', 'lock', 'lock', 'boolean'],
  ['openLevel', 'opeLl', 'opeLl', 'integer'],
  ['pushButton', 'pusBn', 'pushd', 'boolean'],
  ['energyConsumption', 'eneCn', 'abECn', 'float'],
  ['numberValue', 'numVe', 'numVe', 'float'],
  ['anemometer', 'anemr', 'winSd', 'float'],
  ['rainGauge', 'raiGe', 'gauHt', 'integer'],
  ['weight', 'weigt', 'weigt', 'float'],
  ['ozoneMeter', 'ozoMr', 'oVPPM', 'float'],
] as const

export const moduleNames = lines.map(([name]) => name)

const modules = new Map<string, Module>(
  lines.map(([name, short, attribute, kind]) => [name, { name, memberName: `cod:${short}`, attribute, kind }]),
)

const byQuantity: Readonly<Record<string, string>> = {
  temperature: 'temperature',
  humidity: 'relativeHumidity',
  pressure: 'barometer',
  switch: 'binarySwitch',
  battery: 'battery',
  motion: 'motionSensor',
  smoke: 'smokeSensor',
  water: 'waterSensor',
  sound: 'acousticSensor',
  uv: 'uvSensor',
  brightness: 'brightness',
  lock: 'lock',
  energy: 'energyConsumption',
  'wind-speed': 'anemometer',
  rain: 'rainGauge',
  weight: 'weight',
}

/** The module class of a point that holds values like this one; by its name, else by its quantity, else by the value. */
export function moduleOf(name: string | undefined, quantity: string | undefined, value: Value): Module | undefined {
  const chosen = name ?? (quantity === undefined ? undefined : byQuantity[quantity])
  const named = chosen === undefined ? undefined : modules.get(chosen)
  if (named !== undefined && (name !== undefined || moduleValue(named, value) !== undefined)) return named
  return modules.get(typeof value === 'boolean' ? 'binarySwitch' : 'numberValue')
}

/** The value as the module class has it; undefined when it can't hold it. */
export function moduleValue({ kind }: Module, value: Value): number | boolean | undefined {
  if (kind === 'boolean')
    return typeof value === 'boolean' ? value : value === 0 || value === 1 ? value === 1 : undefined
  if (typeof value !== 'number') return undefined
  return kind === 'integer' ? Math.round(value) : value
}
