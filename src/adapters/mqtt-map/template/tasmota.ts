/** Tasmota: telemetry under `tele`, answers under `stat`, commands under `cmnd`. */

import type { Reading } from '../../adapter.ts'
import { leavesOf, parseJson } from '../../payload.ts'
import { meaningOf } from '../meaning.ts'
import type { Outlet } from '../outlet.ts'
import type { Template } from '../template.ts'

/** What says nothing about the world. */
const uninteresting =
  /(?:^|\/)(?:Time|TempUnit|PressureUnit|Uptime|UptimeSec|Id|SSId|BSSId|TotalStartTime|Sleep|SleepMode|LoadAvg|MqttCount|Heap)$/
const switching = /^POWER\d*$/

export const tasmota: Template = (outlet) => {
  for (const kind of ['SENSOR', 'STATE'])
    outlet.subscribe(`tele/+/${kind}`, 'tasmota', ({ topic, payload }) =>
      tell(outlet, deviceOf(topic), parseJson(payload)),
    )
  outlet.subscribe('stat/+/RESULT', 'tasmota', ({ topic, payload }) => {
    const result = parseJson(payload)
    if (typeof result !== 'object' || result === null) return
    const states = Object.entries(result).filter(([name]) => switching.test(name))
    if (states.length > 0) tell(outlet, deviceOf(topic), Object.fromEntries(states))
  })
  outlet.subscribe('tele/+/LWT', 'tasmota', ({ topic, payload }) => {
    const device = deviceOf(topic)
    outlet.push([
      { point: { path: `${device}/available`, device, deadband: 0 }, value: payload.toString() === 'Online' },
    ])
  })
}

function tell(outlet: Outlet, device: string, json: unknown): void {
  const isFahrenheit = (json as { readonly TempUnit?: unknown } | null)?.TempUnit === 'F'
  const readings = leavesOf(json).flatMap(([path, raw]): readonly Reading[] => {
    if (uninteresting.test(path)) return []
    if (switching.test(path)) {
      offerControl(outlet, device, path)
      return [{ point: pointOf(device, path), value: raw === 'ON' }]
    }
    const meaning = meaningOf(path, raw)
    const unit = isFahrenheit && meaning.unit === 'Cel' ? { unit: 'degF' } : {}
    return [{ point: { path: `${device}/${path}`, device, ...meaning, ...unit }, value: raw }]
  })
  outlet.push(readings)
}

function pointOf(device: string, name: string) {
  return { path: `${device}/${name}`, device, quantity: 'switch' }
}

function offerControl(outlet: Outlet, device: string, name: string): void {
  outlet.control({
    point: pointOf(device, name),
    isConfirmed: true,
    message: (value) => ({ topic: `cmnd/${device}/${name}`, payload: value === true || value === 1 ? 'ON' : 'OFF' }),
  })
}

function deviceOf(topic: string): string {
  return topic.split('/')[1] ?? topic
}
