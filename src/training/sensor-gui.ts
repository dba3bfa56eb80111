/** Final: finds everything that is labelled `measurements`, subscribes to it and shows what comes. */

import { Application, run } from '../index.ts'
import type { Lesson } from './lesson.ts'

export const sensorGui: Lesson = {
  name: 'sensor-gui',
  text: 'shows the values of all sensors, as they come',
  play: ({ application, place, print }) =>
    run(new Application({ name: 'TestGUI', ...application }), (app) => {
      print(`registered as ${app.originator}`)
      // Every second, so that sensors which are added later are shown too.
      app.discoverEvery(
        1000,
        { labels: ['measurements'] },
        async (containers) => {
          for (const container of containers) {
            print(`found: ${container}`)
            await app.subscribeContent(container, (value) => print(`${container}: ${JSON.stringify(value)}`))
          }
        },
        place,
      )
    }),
}
