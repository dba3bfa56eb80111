/** Rules as the operator writes them: a topic with names for its levels, what its payload is, where its values go, and how a command is sent. */

import type { SettingsOf } from '../../onem2m/setting-row.ts'
import { readPayload } from '../payload.ts'
import { type Point, withSettings } from '../point.ts'
import type { Outlet } from './outlet.ts'
import type { ruleRows } from './setting-table.ts'

export type Rule = SettingsOf<typeof ruleRows>

type Names = Readonly<Record<string, string>>

export function applyRule(rule: Rule, outlet: Outlet): void {
  const expression = topicExpression(rule.topic)
  outlet.subscribe(topicFilter(rule.topic), rule.topic, ({ topic, payload }) => {
    const match = expression.exec(topic)
    if (match === null) return
    const names = match.groups ?? {}
    const point = pointOf(rule, names)
    outlet.push(readPayload(payload, rule.codec, point, rule.select))
    if (rule.commandTopic !== undefined) control(rule, rule.commandTopic, point, names, outlet)
  })
  // A topic without names is known before anything is said on it.
  if (rule.commandTopic !== undefined && !/[{+#]/.test(rule.topic))
    control(rule, rule.commandTopic, pointOf(rule, {}), {}, outlet)
}

function pointOf(rule: Rule, names: Names): Point {
  const path = fill(rule.path, names)
  return withSettings({ path, device: path.split('/')[0] }, rule)
}

function control(rule: Rule, commandTopic: string, point: Point, names: Names, outlet: Outlet): void {
  outlet.control({
    point,
    isConfirmed: rule.confirmed,
    message: (value) => ({
      topic: fill(commandTopic, names),
      payload: fill(rule.commandPayload, { ...names, value: `${value}` }),
    }),
  })
}

/** `garden/{bed}/moisture` as a filter: `garden/+/moisture`. */
export function topicFilter(topic: string): string {
  return topic.replaceAll(/\{[a-z]+\}/g, '+')
}

/** An expression whose groups are the named levels. */
function topicExpression(topic: string): RegExp {
  const levels = topic.split('/').map((level) => {
    const name = /^\{([a-z]+)\}$/.exec(level)?.[1]
    if (name !== undefined) return `(?<${name}>[^/]*)`
    if (level === '+') return '[^/]*'
    return level === '#' ? '.*' : level.replaceAll(/[.*?^$()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${levels.join('/')}$`)
}

/** A template with its names replaced. */
function fill(template: string, names: Names): string {
  return template.replaceAll(/\{([a-z]+)\}/g, (text, name: string) => names[name] ?? text)
}
