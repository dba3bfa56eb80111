/** Example 13: the smallest application. It registers, and runs until Ctrl-C, when it signs off. */

import { Application, run } from '../index.ts'
import type { Lesson } from './lesson.ts'

export const application: Lesson = {
  name: 'example-13',
  text: 'the smallest application',
  play: ({ application, print }) =>
    run(new Application({ name: 'TestMinimal', ...application }), (app) => print(`registered as ${app.originator}`)),
}
