/** What can be set about plain MQTT topics that are mapped. */

import { adapterTable, commanderRow } from '../adapter.ts'
import { codecs } from '../payload.ts'
import { pointRows } from '../point.ts'

export const templateNames = ['zigbee2mqtt', 'tasmota', 'shelly', 'homeassistant', 'chirpstack', 'senml'] as const

export const ruleRows = [
  {
    key: 'topic',
    type: 'string',
    isRequired: true,
    text: 'A topic filter; a level {name} matches anything and can be used in path and command_topic.',
  },
  { key: 'path', type: 'string', isRequired: true, text: 'Where the value goes, below the AE: "{bed}/moisture".' },
  {
    key: 'codec',
    type: 'string',
    choices: codecs,
    default: 'json',
    text: 'What the payload is. Of JSON, each member becomes a point below the path; of csv each column; senml may stand in a contentInstance.',
  },
  { key: 'select', type: 'string', text: 'The JSON pointer of the member that counts, such as "/sensor/t".' },
  { key: 'command_topic', type: 'string', text: 'Where commands are published; without it the point takes none.' },
  { key: 'command_payload', type: 'string', default: '{value}', text: 'What is published; {value} is the command.' },
  {
    key: 'confirmed',
    type: 'boolean',
    default: false,
    text: 'Whether a command counts as confirmed only when the value is said on the topic.',
  },
  ...pointRows,
] as const

export const mqttMapTable = adapterTable({
  name: 'mqtt-map',
  isEnabled: false,
  text: 'Maps plain MQTT topics of the embedded broker to resources, and commands back.',
  settings: [
    {
      key: 'templates',
      type: 'list',
      default: [],
      text: `Devices whose topics are known: ${templateNames.join(', ')}.`,
    },
    { key: 'zigbee2mqtt_base', type: 'string', default: 'zigbee2mqtt', text: 'The base topic of zigbee2mqtt.' },
    { key: 'homeassistant_prefix', type: 'string', default: 'homeassistant', text: 'The prefix of discovery topics.' },
    {
      key: 'senml_topic',
      type: 'string',
      default: 'openmtc/{location}/{device}',
      text: "Where the senml template listens: OpenMTC's mqttConnector convention, with {location} and {device}.",
    },
    {
      key: 'max_rate',
      type: 'integer',
      default: 500,
      minimum: 1,
      maximum: 100_000,
      text: 'Messages a second that are mapped at most; more are dropped, counted and said once.',
    },
    { key: 'rule', type: 'tables', rows: ruleRows, text: 'A topic of its own kind.' },
    commanderRow,
  ],
  check({ templates, rules, senmlTopic }) {
    const unknown = templates.filter((name) => !(templateNames as readonly string[]).includes(name))
    const topics = [...rules.map(({ topic }, index) => [`rule[${index + 1}].topic`, topic] as const)]
    const wrong = [...topics, ['senml_topic', senmlTopic] as const].flatMap(([key, topic]) => {
      const text = topicFault(topic)
      return text === undefined ? [] : [{ key, text }]
    })
    const targets = rules.flatMap(({ topic, path, commandTopic }, index) => {
      const faults = { path: nameFault(path, topic), command_topic: commandFault(commandTopic, topic) }
      return Object.entries(faults).flatMap(([key, text]) =>
        text === undefined ? [] : [{ key: `rule[${index + 1}].${key}`, text }],
      )
    })
    const texts = unknown.map((name) => ({ key: 'templates', text: `${name}: there are ${templateNames.join(', ')}` }))
    return [...texts, ...wrong, ...targets]
  },
})

function topicFault(topic: string): string | undefined {
  if (isOwn(topic)) return `${topic}: topics of oneM2M and of the broker itself are not mapped`
  const levels = topic.split('/')
  const isWell = levels.every(
    (level, index) => /^\{[a-z]+\}$|^\+$|^[^+#{}]*$/.test(level) || (level === '#' && index === levels.length - 1),
  )
  if (!isWell || topic === '') return `${topic}: + and {name} stand for a whole level, # for the rest`
  const names = namesIn(topic)
  return new Set(names).size === names.length ? undefined : `${topic}: two levels have the same name`
}

function isOwn(topic: string): boolean {
  return /^(?:\/?oneM2M(?:\/|$)|\$)/.test(topic)
}

function namesIn(text: string): readonly string[] {
  return text.match(/\{[a-z]+\}/g) ?? []
}

function nameFault(text: string, topic: string): string | undefined {
  const unknown = namesIn(text).find((name) => !namesIn(topic).includes(name))
  return unknown === undefined ? undefined : `${text}: ${unknown} is no level of the topic`
}

function commandFault(commandTopic: string | undefined, topic: string): string | undefined {
  if (commandTopic === undefined) return undefined
  if (commandTopic === topic) return 'must not be the topic itself'
  if (commandTopic === '' || /[+#]/.test(commandTopic)) return `${commandTopic}: must be one topic, without + and #`
  if (isOwn(commandTopic)) return `${commandTopic}: commands do not go to topics of oneM2M and of the broker itself`
  return nameFault(commandTopic, topic)
}
