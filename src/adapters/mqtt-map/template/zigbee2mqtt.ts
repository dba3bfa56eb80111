/** zigbee2mqtt: the retained list of devices says what each exposes, with units and what can be set. */

import type { Value } from '../../adapter.ts'
import { leavesOf, parseJson } from '../../payload.ts'
import { meaningOf, unitSymbol } from '../meaning.ts'
import type { Outlet } from '../outlet.ts'
import type { Template } from '../template.ts'

/** An entry of `exposes`: a value, or a group of them (a switch, a light). */
interface Expose {
  readonly type?: string
  readonly property?: string
  readonly access?: number
  readonly unit?: string
  readonly value_on?: unknown
  readonly value_off?: unknown
  readonly features?: readonly Expose[]
}

/** Access bit: the value can be set. */
const settable = 2
const maxDevices = 500

export const zigbee2mqtt: Template = (outlet, { zigbee2mqttBase: base }) => {
  const devices = new Map<string, ReadonlyMap<string, Expose>>()

  function learn(payload: Buffer): void {
    const list = parseJson(payload)
    if (!Array.isArray(list)) throw new Error('expected the list of devices')
    devices.clear()
    for (const { friendly_name: name, definition } of list.slice(0, maxDevices)) {
      const exposes = flatten((definition?.exposes ?? []) as readonly Expose[])
      if (typeof name !== 'string') continue
      devices.set(name, exposes)
      for (const [property, expose] of exposes)
        if (((expose.access ?? 0) & settable) !== 0) offerControl(outlet, base, name, property, expose)
    }
  }

  outlet.subscribe(`${base}/#`, 'zigbee2mqtt', ({ topic, payload }) => {
    const name = topic.slice(base.length + 1)
    if (name === 'bridge/devices') learn(payload)
    else if (name.endsWith('/availability')) {
      const device = name.slice(0, -'/availability'.length)
      const state = /online/.test(payload.toString())
      outlet.push([{ point: { path: `${device}/available`, device, deadband: 0 }, value: state }])
    } else if (!/^bridge\/|\/(?:set|get)(?:\/|$)/.test(name)) {
      const exposes = devices.get(name)
      outlet.push(
        leavesOf(parseJson(payload)).map(([path, raw]) => {
          const expose = exposes?.get(path)
          const value = expose?.type === 'binary' ? asBinary(expose, raw) : raw
          return { point: pointOf(name, path, value, expose), value }
        }),
      )
    }
  })
}

function pointOf(device: string, property: string, value: Value, expose: Expose | undefined) {
  const unit = expose?.unit === undefined ? {} : { unit: unitSymbol(expose.unit) }
  return { path: `${device}/${property}`, device, ...meaningOf(property, value), ...unit }
}

function offerControl(outlet: Outlet, base: string, device: string, property: string, expose: Expose): void {
  outlet.control({
    point: pointOf(device, property, expose.type === 'binary' ? true : expose.type === 'numeric' ? 0 : '', expose),
    isConfirmed: true,
    message: (value) => {
      const told = expose.type === 'binary' && typeof value === 'boolean' ? fromBinary(expose, value) : value
      return { topic: `${base}/${device}/set`, payload: JSON.stringify({ [property]: told }) }
    },
  })
}

function asBinary({ value_on: on, value_off: off }: Expose, raw: Value): Value {
  return raw === on ? true : raw === off ? false : raw
}

function fromBinary({ value_on: on = true, value_off: off = false }: Expose, value: boolean): unknown {
  return value ? on : off
}

/** By the property; groups are opened. */
function flatten(exposes: readonly Expose[]): ReadonlyMap<string, Expose> {
  const found = new Map<string, Expose>()
  for (const expose of exposes) {
    if (expose.features !== undefined)
      for (const [property, inner] of flatten(expose.features)) found.set(property, inner)
    else if (expose.property !== undefined) found.set(expose.property, expose)
  }
  return found
}
