/** What an adapter reads, point by point, and what an operator can set about each of them, whatever adapter it belongs to. */

import type { SettingRow, SettingsOf } from '../onem2m/setting-row.ts'
import { moduleNames } from './module.ts'

/** The kinds of resource that the values of a point become. */
export const pointForms = ['container', 'flexContainer', 'timeSeries'] as const

export type PointForm = (typeof pointForms)[number]

/** One figure that an adapter reads again and again. It becomes a container below the AE of the adapter. */
export interface Point {
  /** Where it stands in the tree, below the AE: `memory/available`; `state` is taken. What a resource name can't hold becomes `_`. */
  readonly path: string
  /** What is measured: `temperature`. Becomes the label `quantity:temperature`. */
  readonly quantity?: string | undefined
  /** The symbol of RFC 8428 (SenML) where there is one: `Cel`, `B`, `%`, `s`. Becomes the label `unit:Cel`. */
  readonly unit?: string | undefined
  /** What it was measured on, for the label `device:`: a serial number, the name of an interface. */
  readonly device?: string | undefined
  /** Labels besides those. */
  readonly labels?: readonly string[] | undefined
  /** A number is stored as `value * scale + offset`, rounded to `digits` after the point. */
  readonly scale?: number | undefined
  readonly offset?: number | undefined
  readonly digits?: number | undefined
  /** When set, a value is stored only when it differs from the last one stored by more than this (0: at all), and once an hour. */
  readonly deadband?: number | undefined
  /** Values are stored at most once in this time; those between are only looked at. */
  readonly minIntervalMs?: number | undefined
  /** `container` by default. */
  readonly form?: PointForm | undefined
  /** The module class of a flexContainer; by default the one of the quantity, else `numberValue` or `binarySwitch`. */
  readonly module?: string | undefined
}

export type Value = number | string | boolean

/** NaN and infinity are not stored; they count as a fault of the point. */
export type Reading =
  | { readonly point: Point; readonly value: Value; readonly fault?: undefined }
  /** Why the point can't be read just now; the last good value stays what it was. */
  | { readonly point: Point; readonly fault: string; readonly value?: undefined }

/** What can be set about a point; what is not set is as the adapter has it. */
export const pointRows = [
  { key: 'quantity', type: 'string', text: 'What is measured, such as "temperature": the label quantity.' },
  { key: 'unit', type: 'string', text: 'The symbol of RFC 8428 where there is one, such as "Cel": the label unit.' },
  { key: 'labels', type: 'list', text: 'Labels besides those.' },
  { key: 'scale', type: 'number', text: 'A value is stored as value * scale + offset.' },
  { key: 'offset', type: 'number', text: 'Is added to the value after it was scaled.' },
  { key: 'digits', type: 'integer', minimum: 0, maximum: 15, text: 'Digits after the point that are stored.' },
  {
    key: 'deadband',
    type: 'number',
    minimum: 0,
    text: 'A value is stored when it differs from the last one stored by more than this, and once an hour.',
  },
  {
    key: 'on_change',
    type: 'boolean',
    text: 'Whether only changes are stored (and a value an hour): true is a deadband of 0, false is no deadband.',
  },
  {
    key: 'min_interval',
    type: 'duration',
    minimum: 0,
    maximum: 86_400_000,
    text: 'A value is stored at most once in this time.',
  },
  {
    key: 'form',
    type: 'string',
    choices: pointForms,
    text: 'What it becomes: a container with contentInstances, a flexContainer of TS-0023, or a timeSeries.',
  },
  {
    key: 'module',
    type: 'string',
    choices: moduleNames,
    text: 'The module class of a flexContainer; by default the one of its quantity.',
  },
] as const satisfies readonly SettingRow[]

export type PointSettings = SettingsOf<typeof pointRows>

/** What an operator can set about points that an adapter finds by itself. */
export const pointOverrideRows = [
  {
    key: 'path',
    type: 'string',
    isRequired: true,
    text: 'Which points, by their place below the AE; * stands for any characters. The first that matches counts.',
  },
  ...pointRows,
] as const satisfies readonly SettingRow[]

export type PointOverride = SettingsOf<typeof pointOverrideRows>

/** A point as it is configured. */
export function withSettings(point: Point, settings: PointSettings): Point {
  const { quantity, unit, labels, scale, offset, digits, minIntervalMs, form, module, onChange } = settings
  const given = { quantity, unit, labels, scale, offset, digits, minIntervalMs, form, module }
  const deadband = settings.deadband ?? (onChange === undefined ? undefined : onChange ? 0 : Number.NaN)
  const set = Object.entries({ ...given, deadband }).filter(([, value]) => value !== undefined)
  return { ...point, ...Object.fromEntries(set) }
}

/** Points as the operator wants them, each looked up once. */
export class PointOverrides {
  readonly #rules: readonly { readonly expression: RegExp; readonly settings: PointOverride }[]
  readonly #known = new WeakMap<Point, Point>()

  constructor(overrides: readonly PointOverride[]) {
    this.#rules = overrides.map((settings) => ({ expression: globExpression(settings.path), settings }))
  }

  apply(point: Point): Point {
    if (this.#rules.length === 0) return point
    const known = this.#known.get(point)
    if (known !== undefined) return known
    const rule = this.#rules.find(({ expression }) => expression.test(point.path))
    const changed = rule === undefined ? point : withSettings(point, rule.settings)
    this.#known.set(point, changed)
    return changed
  }
}

/** An expression for a text in which `*` stands for any characters. */
export function globExpression(glob: string): RegExp {
  const literal = glob.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${literal.join('.*')}$`)
}

/** What a command for something that is on or off says: true, 1, `on`, `ON`, `open`; undefined for anything else. */
export function asSwitch(value: Value): boolean | undefined {
  if (typeof value === 'boolean') return value
  const text = String(value).toLowerCase()
  if (['1', 'on', 'true', 'open'].includes(text)) return true
  return ['0', 'off', 'false', 'close', 'closed'].includes(text) ? false : undefined
}
