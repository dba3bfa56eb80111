/** The discovery messages that ESPHome and many others publish for Home Assistant: what they mean, abbreviated or not. */

import type { Value } from '../../adapter.ts'
import { numberOrText, parseJson, readBoolean, selectMember } from '../../payload.ts'
import { unitSymbol } from '../meaning.ts'
import type { Outlet } from '../outlet.ts'
import type { Template } from '../template.ts'

type Facts = Readonly<Record<string, unknown>>

const longNames: Readonly<Record<string, string>> = {
  stat_t: 'state_topic',
  cmd_t: 'command_topic',
  unit_of_meas: 'unit_of_measurement',
  dev_cla: 'device_class',
  val_tpl: 'value_template',
  pl_on: 'payload_on',
  pl_off: 'payload_off',
  stat_on: 'state_on',
  stat_off: 'state_off',
  uniq_id: 'unique_id',
  obj_id: 'object_id',
  dev: 'device',
  cmps: 'components',
  p: 'platform',
  avty_t: 'availability_topic',
}

const deviceClasses: Readonly<Record<string, string>> = {
  moisture: 'water',
  occupancy: 'motion',
  power: 'power',
  carbon_dioxide: 'co2',
  signal_strength: 'signal-strength',
}

/** Components whose state is a value. */
const platforms = new Set(['sensor', 'binary_sensor', 'switch', 'light', 'number', 'select', 'text_sensor'])
const maxEntities = 1000

export const homeAssistant: Template = (outlet, { homeassistantPrefix: prefix }) => {
  const known = new Set<string>()
  outlet.subscribe(`${prefix}/#`, 'homeassistant', ({ topic, payload }) => {
    const levels = topic.slice(prefix.length + 1).split('/')
    if (levels.at(-1) !== 'config' || levels.length < 3) return
    // An empty message takes an entity back; its point stays as it was.
    if (payload.length === 0) return
    const facts = expand(parseJson(payload))
    const components = Object.entries((facts['components'] ?? {}) as Readonly<Record<string, Facts>>)
    const entities =
      components.length === 0
        ? [{ platform: levels[0] ?? '', object: levels.slice(1, -1).join('-'), facts }]
        : components.map(([object, own]) => {
            const merged = expand({ ...facts, ...own })
            return { platform: text(merged['platform']) ?? '', object, facts: merged }
          })
    for (const { platform, object, facts: own } of entities) {
      const key = text(own['unique_id']) ?? `${platform}/${object}`
      if (!platforms.has(platform) || known.has(key) || known.size >= maxEntities) continue
      known.add(key)
      follow(outlet, platform, object, own)
    }
  })
}

function follow(outlet: Outlet, platform: string, object: string, facts: Facts): void {
  const device = nameOfDevice(facts['device']) ?? object
  const deviceClass = text(facts['device_class'])
  const unit = text(facts['unit_of_measurement'])
  const isSwitch = platform === 'switch' || platform === 'light'
  const quantity = isSwitch
    ? 'switch'
    : deviceClass === undefined
      ? undefined
      : (deviceClasses[deviceClass] ?? deviceClass)
  const name = text(facts['object_id']) ?? text(facts['name']) ?? object
  const point = {
    path: `${device}/${name}`,
    device,
    quantity,
    ...(unit === undefined ? {} : { unit: unitSymbol(unit) }),
  }
  const isBinary = isSwitch || platform === 'binary_sensor'
  const [on, off] = [text(facts['payload_on']) ?? 'ON', text(facts['payload_off']) ?? 'OFF']
  const [stateOn, stateOff] = [text(facts['state_on']) ?? on, text(facts['state_off']) ?? off]
  const stateTopic = text(facts['state_topic'])
  const commandTopic = text(facts['command_topic'])
  const source = `homeassistant: ${device}/${name}`
  const select = pointerOf(text(facts['value_template']))
  if (select === undefined) {
    const template = String(facts['value_template'])
    outlet.report(source, `value_template ${template}: expected value, or a member of value_json`)
    return
  }
  if (stateTopic !== undefined)
    outlet.subscribe(stateTopic, source, ({ payload }) => {
      const raw = select === '' ? payload.toString() : selectMember(parseJson(payload), select)
      if (raw === undefined || raw === null) return
      outlet.push([{ point, value: readState(raw, isBinary, stateOn, stateOff) }])
    })
  if (commandTopic !== undefined)
    outlet.control({
      point,
      isConfirmed: stateTopic !== undefined,
      message: (value) => ({
        topic: commandTopic,
        payload: isBinary ? (value === true || value === 1 ? on : off) : `${value}`,
      }),
    })
}

function readState(raw: unknown, isBinary: boolean, on: string, off: string): Value {
  if (typeof raw === 'number' || typeof raw === 'boolean') return raw
  const word = String(raw)
  if (!isBinary) return numberOrText(word)
  return word === on ? true : word === off ? false : (readBoolean(word) ?? word)
}

/** The JSON pointer of a template: '' for the payload itself; undefined for what is more than a member, perhaps with a number filter. */
function pointerOf(template = '{{ value }}'): string | undefined {
  const inner = /^\{\{\s*([^|{}]+?)\s*(?:\|\s*(?:float|int|round|is_defined|string)(?:\([^)]*\))?\s*)*\}\}$/.exec(
    template,
  )?.[1]
  if (inner === 'value') return ''
  const members = /^value_json((?:\.\w+|\[(?:'[^']*'|"[^"]*"|\d+)\])+)$/.exec(inner ?? '')?.[1]
  if (members === undefined) return undefined
  return [...members.matchAll(/\.(\w+)|\[(?:'([^']*)'|"([^"]*)"|(\d+))\]/g)]
    .map(([, dotted, single, double, index]) => `/${dotted ?? single ?? double ?? index}`)
    .join('')
}

/** Long names, and the base topic `~` put in. */
function expand(json: unknown): Facts {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new Error('expected a discovery message')
  const base = text((json as Facts)['~'])
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => {
      const name = longNames[key] ?? key
      const isTopic = base !== undefined && name.endsWith('_topic') && typeof value === 'string'
      return [name, isTopic ? value.replace(/^~|~$/, base) : value]
    }),
  )
}

function nameOfDevice(device: unknown): string | undefined {
  if (typeof device !== 'object' || device === null) return undefined
  const { name, identifiers, ids } = device as Facts
  const identifier = identifiers ?? ids
  return text(name) ?? text(Array.isArray(identifier) ? identifier[0] : identifier)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
