import { MqttBinding } from '../../src/bindings/mqtt.ts'
import { WebSocketBinding } from '../../src/bindings/websocket.ts'
import { decodeCbor, encodeCbor } from '../../src/onem2m/cbor.ts'
import type { Json, JsonObject } from '../../src/onem2m/content.ts'
import { type BindingUnderTest, testBinding } from '../conformance/binding.ts'
import { FakeBroker, ManualClock, own, silent } from './fixture.ts'
import { httpBinding, message, sendRaw } from './http-client.ts'
import { openWebSocket } from './websocket-client.ts'

const reasonIn = (content: unknown): string => (content as Record<string, string> | undefined)?.['m2m:dbg'] ?? ''

function overMqtt(type: string, write: (value: Json) => Buffer, read: (payload: Buffer) => Json): BindingUnderTest {
  return {
    async exchange(cse, one) {
      const broker = new FakeBroker()
      new MqttBinding({ broker, handler: cse, own, clock: new ManualClock(), log: silent }).start()
      broker.publish(`/oneM2M/req/CAE01/mn-cse-1/${type}`, one.payload ?? write(one.request as Json))
      const { rsc, rqi, pc } = read(Buffer.from(broker.sent.at(-1)?.payload ?? '')) as JsonObject
      return { status: Number(rsc), requestIdentifier: rqi as string | undefined, reason: reasonIn(pc) }
    },
  }
}

function overHttp(write: (value: Json) => Buffer, read: (payload: Buffer) => Json, type?: string): BindingUnderTest {
  return {
    async exchange(cse, one) {
      const { method, path, headers, body, text } = one.http
      const fields: Record<string, string | undefined> = { ...headers }
      if (type !== undefined) {
        fields['Accept'] = type
        fields['Content-Type'] = (fields['Content-Type'] ?? 'application/json').replace(/application\/[\w.+-]+/, type)
      }
      const sent = text === undefined ? (body === undefined ? '' : write(body as Json)) : text
      const answer = await sendRaw(httpBinding(cse), message(method, path, fields, sent))
      return {
        status: Number(answer.headers['x-m2m-rsc']),
        requestIdentifier: answer.headers['x-m2m-ri'],
        reason: answer.body === '' ? '' : reasonIn(read(answer.bytes)),
      }
    },
  }
}

function overWebSocket(
  type: string,
  write: (value: Json) => Buffer,
  read: (payload: Buffer) => Json,
): BindingUnderTest {
  return {
    async exchange(cse, one) {
      const upgrade = new WebSocketBinding({ handler: cse, own, clock: new ManualClock(), log: silent })
      upgrade.start()
      const { client, next } = await openWebSocket(httpBinding(cse, { upgrade }), [`oneM2M.${type}`])
      client.send(one.payload ?? write(one.request as Json))
      const { rsc, rqi, pc } = read(await next()) as JsonObject
      await upgrade.stop()
      return { status: Number(rsc), requestIdentifier: rqi as string | undefined, reason: reasonIn(pc) }
    },
  }
}

const writeJson = (value: Json) => Buffer.from(JSON.stringify(value))
const readJson = (payload: Buffer) => JSON.parse(payload.toString()) as Json
const readCbor = (payload: Buffer) => decodeCbor(payload, 'answer')

testBinding('MQTT', overMqtt('json', writeJson, readJson))
testBinding('MQTT, CBOR', overMqtt('cbor', encodeCbor, readCbor), false)
testBinding('HTTP', overHttp(writeJson, readJson))
testBinding('HTTP, CBOR', overHttp(encodeCbor, readCbor, 'application/cbor'), false)
testBinding('HTTP, oneM2M media type', overHttp(encodeCbor, readCbor, 'application/vnd.onem2m-res+cbor'), false)
testBinding('WebSocket', overWebSocket('json', writeJson, readJson))
testBinding('WebSocket, CBOR', overWebSocket('cbor', encodeCbor, readCbor), false)
