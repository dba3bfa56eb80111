/** Speaks to a server of the HTTP binding over a pair of streams: bytes in, the parsed answer out, no port. */

import { duplexPair } from 'node:stream'
import { HttpBinding, type HttpBindingOptions } from '../../src/bindings/http.ts'
import type { RequestHandler } from '../../src/cse/handler.ts'
import { ManualClock, silent } from './fixture.ts'

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The same body before it was read as text. */
  readonly bytes: Buffer
  /** How many writes it came in. */
  readonly writes: number
}

export function httpBinding(handler: RequestHandler, options: Partial<HttpBindingOptions> = {}): HttpBinding {
  return new HttpBinding({
    listeners: [],
    handler,
    clock: new ManualClock(),
    log: silent,
    newRequestIdentifier: () => 'generated',
    ...options,
  })
}

/** Sends bytes on a new connection and resolves when the server has closed it: ask for `Connection: close`, or send what makes it close. */
export async function sendRaw(binding: HttpBinding, bytes: string | Buffer): Promise<RawAnswer> {
  const [near, far] = duplexPair()
  binding.createServer().emit('connection', far)
  const chunks: Buffer[] = []
  near.on('data', (chunk: Buffer) => chunks.push(chunk))
  const closed = new Promise((resolve) => near.once('end', resolve))
  near.write(bytes)
  await closed
  near.destroy()
  const all = Buffer.concat(chunks)
  // Of a head, each byte is a character.
  const text = all.toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  const [first = '', ...fields] = text.slice(0, end).split('\r\n')
  return {
    status: Number(first.split(' ')[1]),
    headers: Object.fromEntries(
      fields.map((field) => [
        field.slice(0, field.indexOf(':')).toLowerCase(),
        field.slice(field.indexOf(':') + 1).trim(),
      ]),
    ),
    body: all.toString('utf8', end + 4),
    bytes: all.subarray(end + 4),
    writes: chunks.length,
  }
}

export function message(
  method: string,
  path: string,
  headers: Readonly<Record<string, string | undefined>> = {},
  body: Buffer | string = '',
): Buffer {
  const all = {
    Host: 'x',
    ...headers,
    ...(body.length === 0 ? {} : { 'Content-Length': Buffer.byteLength(body) }),
    Connection: 'close',
  }
  const fields = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}\r\n`]))
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${fields.join('')}\r\n`), Buffer.from(body)])
}
