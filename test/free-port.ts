/** Ports for what must know its own before it listens, or listens on it again: programs, and gateways that restart. */

import { createServer } from 'node:net'

/** Below what the kernel gives away by itself, so that no connection of another test can take one in between. */
const lowest = 10_000
const count = 20_000
let next = (process.pid * 61) % count

/** A port of 127.0.0.1 on which nothing listens, and which this process has not been given before. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < count; tries++) {
    const port = lowest + (next++ % count)
    if (await isFree(port)) return port
  }
  throw new Error('no port of 127.0.0.1 is free')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
