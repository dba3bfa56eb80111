/** Final: an interworking proxy for four sensors. Each is a container below `devices`, with its values in `measurements`. */

import { Application, run } from '../index.ts'
import type { Lesson } from './lesson.ts'
import { sensors, simulate } from './simulation.ts'

export const sensorIpe: Lesson = {
  name: 'sensor-ipe',
  text: 'sensors: four of them, simulated, with a value every second',
  play: ({ application, print }) =>
    run(new Application({ name: 'TestIPE', ...application }), async (app) => {
      print(`registered as ${app.originator}`)
      const devices = await app.createContainer('devices')
      for (const { name, type, unit, range } of sensors) {
        const device = await app.createContainer(name, {}, devices)
        // Labels are what other applications find the container by.
        const labels = ['measurements', type]
        const measurements = await app.createContainer('measurements', { labels, maxNrOfInstances: 3 }, device)
        // `every` goes on when a value can't be sent: the next one will be, when the CSE is back.
        app.every(1000, async () => {
          const value = simulate(range)
          await app.pushContent(measurements, { value, type, unit })
          print(`${name}: ${value} ${unit}`)
        })
      }
    }),
}
