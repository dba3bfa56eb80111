/** Example 18: data, pushed again and again. What fails is logged and the next is tried; nothing has to be done about it. */

import { Application, run } from '../index.ts'
import type { Lesson } from './lesson.ts'

export const push: Lesson = {
  name: 'example-18',
  text: 'a value every second',
  play: ({ application, print }) =>
    run(new Application({ name: 'TestPush', ...application }), async (app) => {
      const values = await app.createContainer('values')
      let count = 0
      app.every(1000, async () => {
        await app.pushContent(values, { count: ++count })
        print(`pushed ${count}`)
      })
    }),
}
