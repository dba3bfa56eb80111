/** Shelly: the plain topics of the first generation, the component states and remote calls of the later ones. */

import type { Reading, Value } from '../../adapter.ts'
import { leavesOf, numberOrText, parseJson, readBoolean } from '../../payload.ts'
import { meaningOf } from '../meaning.ts'
import type { Outlet } from '../outlet.ts'
import type { Template } from '../template.ts'

/** Lists, times and texts of its own that say nothing about the world. */
const uninteresting = /\/(?:id|source|by_minute|minute_ts|flags|ts|errors)(?:\/|$)/

export const shelly: Template = (outlet) => {
  outlet.subscribe('shellies/#', 'shelly', ({ topic, payload }) => {
    const [, device, ...rest] = topic.split('/')
    if (device === undefined || rest.length === 0 || /^(?:command|announce|info|settings)$/.test(rest.at(-1) ?? ''))
      return
    first(outlet, device, rest.join('/'), payload.toString())
  })
  outlet.subscribe('+/status/+', 'shelly', ({ topic, payload }) => {
    const [device = '', , component = ''] = topic.split('/')
    if (/^[a-z]+\d*:\d+$/.test(component)) later(outlet, device, component, parseJson(payload))
  })
  outlet.subscribe('+/events/rpc', 'shelly', ({ topic, payload }) => {
    const { method, params } = parseJson(payload) as { readonly method?: unknown; readonly params?: unknown }
    if (method !== 'NotifyStatus' || typeof params !== 'object' || params === null) return
    for (const [component, state] of Object.entries(params))
      if (component.includes(':')) later(outlet, topic.split('/')[0] ?? '', component, state)
  })
}

/** `relay/0` is `on`, `relay/0/power` a number of watts; energies are watt-minutes. */
function first(outlet: Outlet, device: string, path: string, text: string): void {
  if (/^(?:relay|light|roller)\/\d+$/.test(path)) {
    const value = readBoolean(text)
    const point = { path: `${device}/${path}`, device, quantity: 'switch' }
    if (path.startsWith('relay/'))
      outlet.control({
        point,
        isConfirmed: true,
        message: (wanted) => ({
          topic: `shellies/${device}/${path}/command`,
          payload: wanted === true || wanted === 1 ? 'on' : 'off',
        }),
      })
    outlet.push([{ point, value: value ?? text }])
    return
  }
  const value = path === 'online' ? (readBoolean(text) ?? text) : numberOrText(text)
  const scale = path.endsWith('/energy') && typeof value === 'number' ? { scale: 1 / 60_000, digits: 6 } : {}
  outlet.push([{ point: { path: `${device}/${path}`, device, ...meaningOf(path, value), ...scale }, value }])
}

/** `switch:0` becomes `switch-0`; its energies are watt-hours. */
function later(outlet: Outlet, device: string, component: string, state: unknown): void {
  const [kind = '', number = ''] = component.split(':')
  const place = `${device}/${kind}-${number}`
  const readings = leavesOf(state).flatMap(([path, value]): readonly Reading[] => {
    if (uninteresting.test(`/${path}`)) return []
    const isEnergy = path === 'aenergy/total'
    const meaning = isEnergy
      ? { quantity: 'energy', unit: 'Wh' }
      : path.endsWith('tF')
        ? { unit: 'degF' }
        : meaningOf(path, value)
    return [{ point: { path: `${place}/${path}`, device, ...meaning }, value }]
  })
  if (kind === 'switch') offerSwitch(outlet, device, `${place}/output`, Number(number))
  outlet.push(readings)
}

function offerSwitch(outlet: Outlet, device: string, path: string, id: number): void {
  let calls = 0
  outlet.control({
    point: { path, device, quantity: 'switch' },
    isConfirmed: true,
    message: (value: Value) => {
      const params = { id, on: value === true || value === 1 }
      const call = { id: ++calls, src: 'fieldgate', method: 'Switch.Set', params }
      return { topic: `${device}/rpc`, payload: JSON.stringify(call) }
    },
  })
}
