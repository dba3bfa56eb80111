/** Final: the sensors, and two switches that do what is pushed into their containers `commands`. */

import { Application, run } from '../index.ts'
import type { Lesson } from './lesson.ts'
import { actuators, sensors, simulate } from './simulation.ts'

export const actuatorIpe: Lesson = {
  name: 'actuator-ipe',
  text: 'sensors and actuators: as sensor-ipe, and two switches that take commands',
  play: ({ application, print }) =>
    run(new Application({ name: 'TestIPE', ...application }), async (app) => {
      print(`registered as ${app.originator}`)
      const devices = await app.createContainer('devices')
      for (const name of actuators.keys()) {
        const device = await app.createContainer(name, {}, devices)
        const commands = await app.createContainer('commands', { labels: ['commands'] }, device)
        // A subscription of its own container: whoever pushes a command there is heard here.
        await app.subscribeContent(commands, (command) => print(`${name}: command ${command}`))
      }
      for (const { name, type, unit, range } of sensors) {
        const device = await app.createContainer(name, {}, devices)
        const measurements = await app.createContainer('measurements', { labels: ['measurements', type] }, device)
        app.every(1000, async () => {
          const value = simulate(range)
          await app.pushContent(measurements, { value, type, unit })
          print(`${name}: ${value} ${unit}`)
        })
      }
    }),
}
