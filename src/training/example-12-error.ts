/** Example 12: what does not work is an error with the response status code and the CSE's reason; and an address at another CSE. */

import { connect, OneM2MResponseError, Status } from '../index.ts'
import type { Lesson } from './lesson.ts'

export const error: Lesson = {
  name: 'example-12',
  text: 'errors (12a), and a request that is forwarded (12b)',
  async play({ url, print }) {
    const client = connect(url, { originator: 'CmyApp' })
    try {
      // The second names another CSE: the own one passes the request on, if it is registered there.
      for (const address of ['onem2m/nothing-here', '/in-cse-1/onem2m']) {
        try {
          print(JSON.stringify(await client.retrieve(address)))
        } catch (failure) {
          if (!(failure instanceof OneM2MResponseError)) throw failure
          const isGone = failure.responseStatusCode === Status.NOT_FOUND
          print(`${address}: ${failure.message}${isGone ? ' (so it may be created)' : ''}`)
        }
      }
    } finally {
      await client.close()
    }
  },
}
