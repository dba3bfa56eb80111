/** Example 15: what does not change is told once, as one instance. */

import { Application, run } from '../index.ts'
import type { Lesson } from './lesson.ts'

export const staticInformation: Lesson = {
  name: 'example-15',
  text: 'information that does not change',
  play: ({ application, print }) =>
    run(new Application({ name: 'TestInfo', ...application }), async (app) => {
      const information = await app.createContainer('information', { maxNrOfInstances: 1 })
      await app.pushContent(information, { manufacturer: 'Example', model: 'T-800' })
      print(`${information}: ${JSON.stringify(await app.getContent(information))}`)
    }),
}
