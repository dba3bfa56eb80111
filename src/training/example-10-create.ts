/** Examples 10 and 11: an AE is registered, gets a container, changes it, and leaves. */

import { connect } from '../index.ts'
import type { Lesson } from './lesson.ts'

export const create: Lesson = {
  name: 'example-10',
  text: 'creates, updates and deletes (10, 11)',
  async play({ url, print }) {
    const client = connect(url, { originator: 'CmyApp' })
    try {
      // Type 2 is AE. `api` names the program, `rr` says whether requests may be sent to it.
      const ae = await client.create('onem2m', 2, { 'm2m:ae': { rn: 'myApp', api: 'NmyApp', rr: false, srv: ['3'] } })
      print(JSON.stringify(ae))
      print(JSON.stringify(await client.create('onem2m/myApp', 3, { 'm2m:cnt': { rn: 'values', mni: 3 } })))
      print(JSON.stringify(await client.update('onem2m/myApp/values', { 'm2m:cnt': { lbl: ['changed'] } })))
    } finally {
      await client.delete('onem2m/myApp')
      await client.close()
    }
  },
}
