/** Final: shows the sensors' values, decides, and pushes commands to the switches. */

import { Application, type Json, run } from '../index.ts'
import type { Lesson } from './lesson.ts'
import { actuators } from './simulation.ts'

/** Warm is when the air conditioning is switched on; damp is when a window is opened. */
const limits = { temperature: 22, humidity: 65 }
const switches = { temperature: 'Switch-AirCon', humidity: 'Switch-Window' }

export const actuatorGui: Lesson = {
  name: 'actuator-gui',
  text: 'shows the values, and tells the switches what to do',
  play: ({ application, place, print }) =>
    run(new Application({ name: 'TestGUI', ...application }), (app) => {
      print(`registered as ${app.originator}`)
      /** Where commands go, by the name of the switch. */
      const commands = new Map<string, string>()
      app.discoverEvery(
        1000,
        { labels: ['commands'] },
        (containers) => {
          for (const container of containers) commands.set(container.split('/').at(-2) ?? '', container)
        },
        place,
      )

      const decide = async (measurement: Json) => {
        const { type, value } = measurement as { readonly type: keyof typeof limits; readonly value: number }
        const name = switches[type]
        const container = commands.get(name)
        const [on, off] = actuators.get(name) ?? []
        const command = value > limits[type] ? on : off
        if (container === undefined || command === undefined) return
        print(`${type} ${value}: ${name} ${command}`)
        await app.pushContent(container, command)
      }
      app.discoverEvery(
        1000,
        { labels: ['measurements'] },
        async (containers) => {
          for (const container of containers) await app.subscribeContent(container, decide)
        },
        place,
      )
    }),
}
