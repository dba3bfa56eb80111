/** Sixteen writers on a gateway of its own process, eight over MQTT and eight over HTTP, and a book of what was acknowledged to them. */

import { Agent, request } from 'node:http'
import mqtt from 'mqtt'
import type { GatewayProcess } from '../integration/gateway-process.ts'

export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** An HTTP client of one gateway: few lines, so that a connection that breaks is nothing but a rejected promise. */
export class Http {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 })
  readonly #address: string
  #asked = 0

  constructor(address: string) {
    this.#address = address
  }

  get(path: string): Promise<Answer> {
    return this.#ask('GET', path)
  }

  create(path: string, resourceType: number, content: object): Promise<Answer> {
    return this.#ask('POST', path, resourceType, content)
  }

  delete(path: string): Promise<Answer> {
    return this.#ask('DELETE', path)
  }

  close(): void {
    this.#agent.destroy()
  }

  #ask(method: string, path: string, resourceType?: number, content?: object): Promise<Answer> {
    const [host, port] = this.#address.split(':')
    const headers = {
      'X-M2M-Origin': 'Cload',
      'X-M2M-RI': `h${this.#asked++}`,
      'X-M2M-RVI': '3',
      Accept: 'application/json',
      ...(resourceType === undefined ? {} : { 'Content-Type': `application/json;ty=${resourceType}` }),
    }
    return new Promise((resolve, reject) => {
      const question = request({ host, port, method, path: `/${path}`, headers, agent: this.#agent }, (response) => {
        let text = ''
        response
          .setEncoding('utf8')
          .on('data', (chunk: string) => {
            text += chunk
          })
          .on('end', () => {
            const status = Number(response.headers['x-m2m-rsc'])
            resolve({ status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) })
          })
          .on('error', reject)
      })
      question.on('error', reject)
      question.end(content === undefined ? undefined : JSON.stringify(content))
    })
  }
}

/** Instances by the identifier that the response gave, with their content. */
export type Book = Map<string, string>

const container = 'onem2m/load/data'
const perBinding = 8

/** An AE `load` with a container `data`; both may be there already. */
export async function prepare(gateway: GatewayProcess): Promise<void> {
  const http = new Http(gateway.http)
  await http.create('onem2m', 2, { 'm2m:ae': { rn: 'load', api: 'Nload', rr: false, srv: ['3'] } })
  await http.create('onem2m/load', 3, { 'm2m:cnt': { rn: 'data' } })
  http.close()
}

/** Creates instances until the gateway goes away. `enough` is called after every acknowledgement that was entered in the book. */
export async function pour(gateway: GatewayProcess, book: Book, round: string, enough: () => void): Promise<void> {
  const enter = (body: unknown, con: string) => {
    const instance = (body as { readonly 'm2m:cin'?: { readonly ri: string } } | undefined)?.['m2m:cin']
    if (instance === undefined) return
    book.set(instance.ri, con)
    enough()
  }
  await Promise.all([pourHttp(gateway.http, round, enter), pourMqtt(gateway.mqtt, round, enter)])
}

type Enter = (body: unknown, con: string) => void

async function pourHttp(address: string, round: string, enter: Enter): Promise<void> {
  const http = new Http(address)
  const writers = Array.from({ length: perBinding }, async (_, writer) => {
    for (let count = 0; ; count++) {
      const con = `${round} http ${writer} ${count}`
      const { status, body } = await http.create(container, 4, { 'm2m:cin': { con } })
      if (status === 2001) enter(body, con)
      else return
    }
  })
  await Promise.allSettled(writers)
  http.close()
}

async function pourMqtt(address: string, round: string, enter: Enter): Promise<void> {
  const client = await mqtt.connectAsync(`mqtt://${address}`, { reconnectPeriod: 0 })
  const gone = new Promise<void>((resolve) => client.once('close', () => resolve()))
  const waiting = new Map<string, string>()
  let count = 0
  const send = () => {
    const rqi = `${round}-${count}`
    const con = `${round} mqtt ${count++}`
    waiting.set(rqi, con)
    const request = { op: 1, fr: 'Cload', to: container, rqi, rvi: '3', ty: 4, pc: { 'm2m:cin': { con } } }
    client.publish('/oneM2M/req/Cload/mn-cse-1/json', JSON.stringify(request))
  }
  client.on('error', () => {})
  client.on('message', (_topic, payload) => {
    const { rqi, rsc, pc } = JSON.parse(payload.toString()) as {
      readonly rqi: string
      readonly rsc: number
      readonly pc: unknown
    }
    if (rsc === 2001) enter(pc, waiting.get(rqi) ?? '')
    waiting.delete(rqi)
    if (rsc === 2001) send()
  })
  await client.subscribeAsync('/oneM2M/resp/Cload/mn-cse-1/json')
  for (let writer = 0; writer < perBinding; writer++) send()
  await gone
  await client.endAsync(true)
}

/** What is in the book and not in the gateway, or there with another content. */
export async function missing(gateway: GatewayProcess, book: Book): Promise<readonly string[]> {
  const http = new Http(gateway.http)
  const lost: string[] = []
  const entries = book.entries()
  const readers = Array.from({ length: 16 }, async () => {
    for (const [identifier, con] of entries) {
      const { body } = await http.get(`~/mn-cse-1/${identifier}`)
      if ((body['m2m:cin'] as { readonly con?: string } | undefined)?.con !== con) lost.push(`${identifier}: ${con}`)
    }
  })
  await Promise.all(readers)
  http.close()
  return lost
}

/** Every resource below the CSEBase with its attributes, those of the CSEBase left out: it says when it was started. */
export async function dump(gateway: GatewayProcess): Promise<ReadonlyMap<string, unknown>> {
  const http = new Http(gateway.http)
  const { body } = await http.get('onem2m?fu=1')
  const addresses = (body['m2m:uril'] as readonly string[]).toSorted()
  const found = new Map<string, unknown>()
  for (const address of addresses) found.set(address, (await http.get(address.replace(/^\//, '~/'))).body)
  http.close()
  return found
}
