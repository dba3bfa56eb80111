/** The little HTTP server through which an AE is sent notifications and other requests (TS-0009), at a point of access of its own. */

import { createServer, type IncomingMessage, type Server } from 'node:http'
import { decodeHttpRequest, encodeHttpResponse } from '../onem2m/http-mapping.ts'
import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts'
import { OneM2MError, Status } from '../onem2m/status.ts'
import { Reception, type RequestReceiver } from './reception.ts'

export interface HttpListenerOptions {
  /** `127.0.0.1` by default; `0.0.0.0` for CSEs on other machines. */
  readonly host?: string
  /** 0, the default, takes any free port. */
  readonly port?: number
  /** How the CSE reaches this machine, when not under `host`: `http://192.0.2.7:8080`. */
  readonly pointOfAccess?: string
  readonly maxBodyBytes?: number
}

export class HttpListener {
  readonly #options: HttpListenerOptions
  readonly #receptions = new Map<string, Reception>()
  #server: Server | undefined
  #address: Promise<string> | undefined

  constructor(options: HttpListenerOptions = {}) {
    this.#options = options
  }

  /** Resolves with the point of access. Rejects with the system's error when the port can't be had. */
  serve(identity: string, receive: RequestReceiver): Promise<string> {
    this.#receptions.set(identity, new Reception(receive))
    this.#address ??= this.#start()
    return this.#address
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = this.#address = undefined
    if (server === undefined) return
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }

  async #start(): Promise<string> {
    const { host = '127.0.0.1', port = 0, pointOfAccess } = this.#options
    const server = createServer((incoming, outgoing) => {
      void this.#answer(incoming).then((response) => {
        const { status, headers, body } = encodeHttpResponse(response)
        // One write of known length: the answer leaves as one packet.
        outgoing.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body)
      })
    })
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port }, resolve)
    })
    const address = server.address()
    const used = address === null || typeof address === 'string' ? port : address.port
    return pointOfAccess ?? `http://${host.includes(':') ? `[${host}]` : host}:${used}`
  }

  async #answer(incoming: IncomingMessage): Promise<ResponsePrimitive> {
    const fallback = globalThis.crypto.randomUUID()
    try {
      const body = await this.#read(incoming)
      const { method = '', url = '/', headers } = incoming
      const request = decodeHttpRequest({ method, target: url, headers }, body, fallback)
      return await this.#receptionOf(request).take(request)
    } catch (error) {
      const status = error instanceof OneM2MError ? error.status : Status.INTERNAL_SERVER_ERROR
      const requestIdentifier = String(incoming.headers['x-m2m-ri'] ?? fallback)
      const content = { 'm2m:dbg': error instanceof Error ? error.message : String(error) }
      return { responseStatusCode: status, requestIdentifier, content }
    }
  }

  /** Some peers send to the bare URL, which then names nobody: with one identity here there is no doubt. */
  #receptionOf({ to }: RequestPrimitive): Reception {
    const [first] = this.#receptions.values()
    const found = this.#receptions.get(to) ?? (this.#receptions.size === 1 ? first : undefined)
    if (found === undefined) throw new OneM2MError(Status.NOT_FOUND, `to: got ${to}, which is nobody here`)
    return found
  }

  async #read(incoming: IncomingMessage): Promise<Buffer> {
    const { maxBodyBytes = 1024 * 1024 } = this.#options
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > maxBodyBytes) throw new OneM2MError(Status.BAD_REQUEST, `body: longer than ${maxBodyBytes} bytes`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }
}
