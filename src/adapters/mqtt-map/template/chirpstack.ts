/** ChirpStack 4: uplinks of LoRaWAN devices, with what its codec has decoded. */

import { leavesOf, parseJson, selectMember } from '../../payload.ts'
import { meaningOf } from '../meaning.ts'
import type { Template } from '../template.ts'

interface Event {
  readonly deviceInfo?: { readonly deviceName?: unknown; readonly devEui?: unknown }
  readonly object?: unknown
  readonly batteryLevel?: unknown
  readonly margin?: unknown
}

export const chirpstack: Template = (outlet) => {
  outlet.subscribe('application/+/device/+/event/+', 'chirpstack', ({ topic, payload }) => {
    const [, , , eui = '', , kind] = topic.split('/')
    if (kind !== 'up' && kind !== 'status') return
    const event = parseJson(payload) as Event
    const { deviceName } = event.deviceInfo ?? {}
    const name = typeof deviceName === 'string' && deviceName !== '' ? deviceName : eui
    const link = ['rssi', 'snr'].map((key) => [key, selectMember(event, `/rxInfo/0/${key}`)])
    const { batteryLevel: battery, margin } = event
    const values =
      kind === 'up' ? [...leavesOf(event.object), ...leavesOf(Object.fromEntries(link))] : leavesOf({ battery, margin })
    outlet.push(
      values.map(([path, value]) => ({
        point: { path: `${name}/${path}`, device: eui, ...meaningOf(path, value) },
        value,
      })),
    )
  })
}
