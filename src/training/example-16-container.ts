/** Examples 16 and 17: containers in containers, with labels to be found by. */

import { Application, run } from '../index.ts'
import type { Lesson } from './lesson.ts'

export const container: Lesson = {
  name: 'example-16',
  text: 'containers in containers (16, 17)',
  play: ({ application, print }) =>
    run(new Application({ name: 'TestTree', ...application }), async (app) => {
      const devices = await app.createContainer('devices')
      for (const name of ['Temp-1', 'Temp-2']) {
        const device = await app.createContainer(name, {}, devices)
        // How many instances are kept is the container's own; the oldest go first.
        await app.createContainer('measurements', { labels: ['measurements'], maxNrOfInstances: 10 }, device)
      }
      for (const address of await app.discover({ labels: ['measurements'] }, app.address)) print(address)
    }),
}
