/** Three ways for one request to reach a CSE: handed over, over MQTT and over HTTP; the wires are the bindings' own, without a port. */

import { request as httpRequest } from 'node:http'
import { type Duplex, duplexPair } from 'node:stream'
import { MqttBinding } from '../../src/bindings/mqtt.ts'
import type { RequestHandler } from '../../src/cse/handler.ts'
import { decodeHttpResponse, encodeHttpRequest } from '../../src/onem2m/http-mapping.ts'
import { identifierToLevel } from '../../src/onem2m/mqtt-mapping.ts'
import { decodeResponse, encodeRequest } from '../../src/onem2m/parameter.ts'
import type { RequestPrimitive, ResponsePrimitive } from '../../src/onem2m/primitive.ts'
import { FakeBroker, ManualClock, own, silent } from '../bindings/fixture.ts'
import { httpBinding } from '../bindings/http-client.ts'

/** Brings a request to the CSE and resolves with its response. */
export type Exchange = (request: RequestPrimitive) => Promise<ResponsePrimitive>
export type Connect = (handler: RequestHandler) => Exchange

const loopback = '127.0.0.1'

/** Without a wire. */
export const handOver: Connect = (handler) => (request) =>
  new Promise((resolve) => handler.handle(request, { source: 'local', remoteAddress: loopback }, resolve))

export const overMqtt: Connect = (handler) => {
  const broker = new FakeBroker()
  new MqttBinding({ broker, handler, own, clock: new ManualClock(), log: silent }).start()
  const waiting = new Map<string, (response: ResponsePrimitive) => void>()
  const route = broker.send.bind(broker)
  broker.send = (message) => {
    const response = decodeResponse(JSON.parse(String(message.payload)))
    waiting.get(response.requestIdentifier)?.(response)
    waiting.delete(response.requestIdentifier)
    return route(message)
  }
  return (request) =>
    new Promise((resolve) => {
      waiting.set(request.requestIdentifier, resolve)
      const { originator } = request
      const parties = originator === undefined ? 'reg_req/device-7' : `req/${identifierToLevel(originator)}`
      broker.publish(`/oneM2M/${parties}/mn-cse-1/json`, encodeRequest(request), {
        connection: { clientId: 'any', remoteAddress: loopback, isLocal: true, principal: undefined },
      })
    })
}

export const overHttp: Connect = (handler) => {
  const server = httpBinding(handler).createServer()
  return (request) =>
    new Promise((resolve, reject) => {
      const [near, far] = duplexPair() as [Duplex, Duplex]
      server.emit('connection', Object.assign(far, { remoteAddress: loopback }))
      const { method, path, headers, body } = encodeHttpRequest(request)
      const outgoing = httpRequest({ method, path, headers, createConnection: () => near as never }, (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('end', () => {
          const { statusCode = 0, headers: fields } = incoming
          const message = { status: statusCode, headers: fields, body: Buffer.concat(chunks) }
          resolve(decodeHttpResponse(message, request.requestIdentifier))
        })
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    })
}
