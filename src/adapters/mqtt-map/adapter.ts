/** Plain MQTT topics and resources, both ways: which rules and templates there are, on the in-process side of the broker. */

import type { Adapter } from '../adapter.ts'
import { Outlet } from './outlet.ts'
import { applyRule, type Rule } from './rule.ts'
import { templateNames } from './setting-table.ts'
import type { MqttMapSettings, Template } from './template.ts'

const templates: Readonly<Record<(typeof templateNames)[number], () => Promise<Template>>> = {
  zigbee2mqtt: async () => (await import('./template/zigbee2mqtt.ts')).zigbee2mqtt,
  tasmota: async () => (await import('./template/tasmota.ts')).tasmota,
  shelly: async () => (await import('./template/shelly.ts')).shelly,
  homeassistant: async () => (await import('./template/home-assistant.ts')).homeAssistant,
  chirpstack: async () => (await import('./template/chirpstack.ts')).chirpstack,
  senml:
    async () =>
    (outlet, { senmlTopic }) =>
      applyRule(senmlRule(senmlTopic), outlet),
}

export const mqttMap: Adapter<MqttMapSettings> = {
  /** What is published is known to the broker of a running gateway alone. */
  async probe() {
    return []
  },

  async start(context) {
    const { settings, messages, clock, signal } = context
    if (messages === undefined) throw new Error('there is no broker here: run the gateway')
    const wanted = templateNames.filter((name) => settings.templates.includes(name))
    const loaded = await Promise.all(wanted.map((name) => templates[name]()))
    if (signal.aborted) return
    const outlet = new Outlet(context, clock, settings.maxRate)
    for (const template of loaded) template(outlet, settings)
    for (const rule of settings.rules) applyRule(rule, outlet)
  },
}

/** OpenMTC's mqttConnector: a location and a device, and measurements by their names. */
function senmlRule(topic: string): Rule {
  const path = [...topic.matchAll(/\{[a-z]+\}/g)].map(([name]) => name).join('/') || 'senml'
  const none = { quantity: undefined, unit: undefined, labels: undefined, scale: undefined, offset: undefined }
  const unset = { digits: undefined, deadband: undefined, onChange: undefined, minIntervalMs: undefined }
  const rest = { form: undefined, module: undefined, select: undefined, commandTopic: undefined }
  return { topic, path, codec: 'senml', commandPayload: '{value}', confirmed: false, ...none, ...unset, ...rest }
}
