/** Example 14: an application with a web page of its own, which shows what was heard last. */

import { createServer } from 'node:http'
import { Application, run } from '../index.ts'
import type { Lesson } from './lesson.ts'

export const webPage: Lesson = {
  name: 'example-14',
  text: 'a web page with the latest values (14a, 14b)',
  play: ({ application, place, print }) =>
    run(new Application({ name: 'TestPage', ...application }), async (app) => {
      const latest = new Map<string, string>()
      app.discoverEvery(
        1000,
        { labels: ['measurements'] },
        async (containers) => {
          for (const container of containers)
            await app.subscribeContent(container, (value) => void latest.set(container, JSON.stringify(value)))
        },
        place,
      )
      const server = createServer((_incoming, outgoing) => {
        const lines = [...latest].map(([container, value]) => `${container} ${value}`)
        outgoing.setHeader('Content-Type', 'text/plain').end(`${lines.join('\n')}\n`)
      })
      app.signal.addEventListener('abort', () => server.close())
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const address = server.address()
      if (address !== null && typeof address !== 'string') print(`http://127.0.0.1:${address.port}/`)
    }),
}
