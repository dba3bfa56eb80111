/** A WebSocket to a server of the HTTP binding over a pair of streams, no port; what it receives is kept until it is asked for. */

import { once } from 'node:events'
import { type Duplex, duplexPair } from 'node:stream'
import { WebSocket } from 'ws'
import type { HttpBinding } from '../../src/bindings/http.ts'
import type { JsonObject } from '../../src/onem2m/content.ts'

export interface WebSocketClient {
  readonly client: WebSocket
  next(): Promise<Buffer>
  nextJson(): Promise<JsonObject>
  /** Sends JSON and resolves with what comes next. */
  ask(wire: unknown): Promise<JsonObject>
}

/** Rejects with the status when it is refused. */
export async function openWebSocket(
  server: HttpBinding,
  protocols: readonly string[] = ['oneM2M.json'],
  headers: Readonly<Record<string, string>> = {},
  /** What the server's socket knows of the client's. */
  remote: object = {},
): Promise<WebSocketClient> {
  const [near, far] = duplexPair().map(deferred) as [Duplex, Duplex]
  Object.assign(far, remote)
  server.createServer().emit('connection', far)
  far.once('close', () => near.destroy())
  const client = new WebSocket('ws://gateway', [...protocols], { createConnection: () => near as never, headers })
  const received: Buffer[] = []
  const waiting: ((data: Buffer) => void)[] = []
  client.on('message', (data: Buffer) => {
    const next = waiting.shift()
    if (next === undefined) received.push(data)
    else next(data)
  })
  await once(client, 'open')
  const next = async (): Promise<Buffer> => received.shift() ?? new Promise((resolve) => waiting.push(resolve))
  const nextJson = async () => JSON.parse((await next()).toString()) as JsonObject
  const ask = (wire: unknown) => {
    client.send(JSON.stringify(wire))
    return nextJson()
  }
  return { client, next, nextJson, ask }
}

/** What is written arrives later, as with a socket: not while it is written. */
function deferred(side: Duplex): Duplex {
  const [write, final] = [side._write.bind(side), side._final.bind(side)]
  side._write = (...chunk) => void setImmediate(write, ...chunk)
  side._final = (done) => void setImmediate(final, done)
  return side
}
