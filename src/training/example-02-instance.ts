/** Example 2: what is in a contentInstance: `con`, the content, and `cnf`, which says what it is. */

import { decodeInstance, encodeInstance } from '../index.ts'
import type { Lesson } from './lesson.ts'

export const instance: Lesson = {
  name: 'example-02',
  text: 'values into contentInstances and back',
  async play({ print }) {
    for (const value of ['21.4', { value: 21.4, unit: 'degreeC' }]) {
      const attributes = encodeInstance(value)
      print(`${JSON.stringify(value)} is sent as ${JSON.stringify(attributes)}`)
      print(`and read as ${JSON.stringify(decodeInstance(attributes))}`)
    }
  },
}
