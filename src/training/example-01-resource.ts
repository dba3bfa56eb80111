/** Example 1: what resources are made of. On the wire attributes have short names; the tables of the types know both. */

import { resourceTypes } from '../index.ts'
import type { Lesson } from './lesson.ts'

export const resource: Lesson = {
  name: 'example-01',
  text: 'resource types, and their attributes under long and short names',
  async play({ print }) {
    const container = resourceTypes.find(({ name }) => name === 'container')
    print(`${container?.memberName} is a ${container?.name}, type ${container?.type}`)
    for (const [name, { short, create }] of container?.table ?? [])
      print(`  ${short.padEnd(5)} ${name} (CREATE: ${create})`)
    // As it is sent: one member that names the type, and in it the attributes.
    print(JSON.stringify({ 'm2m:cnt': { rn: 'temperature', mni: 10, lbl: ['room:kitchen'] } }))
  },
}
