/** Example 8: a client, chosen by its URL, and a request that is sent. Works the same over MQTT and HTTP. */

import { connect } from '../index.ts'
import type { Lesson } from './lesson.ts'

export const client: Lesson = {
  name: 'example-08',
  text: 'connects and retrieves the CSEBase (8a, 8b)',
  async play({ url, place, print }) {
    const client = connect(url, { originator: 'CmyApp' })
    try {
      print(JSON.stringify(await client.retrieve(place), undefined, 2))
    } finally {
      // An open connection keeps the process running.
      await client.close()
    }
  },
}
