import assert from 'node:assert/strict'
import { type EventEmitter, once } from 'node:events'
import test from 'node:test'
import { WebSocketServer } from 'ws'
import { WebSocketBinding } from '../../src/bindings/websocket.ts'
import { decodeCbor, encodeCbor } from '../../src/onem2m/cbor.ts'
import type { JsonObject } from '../../src/onem2m/content.ts'
import { FakeCse, ManualClock, own, silent } from '../bindings/fixture.ts'

const notification = {
  operation: 5 as const,
  to: 'CAE01',
  originator: '/mn-cse-1',
  requestIdentifier: 'n1',
  content: { 'm2m:sgn': { sur: 'x' } },
}
const unreachable = { status: 5103 }

test('a target whose point of access is a WebSocket is called, and called again when the connection is gone (TS-0020)', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: (names) => [...names][0] ?? false })
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const received: { readonly protocol: string; readonly request: JsonObject }[] = []
  server.on('connection', (client) =>
    client.on('message', (data: Buffer) => {
      const isCbor = client.protocol === 'oneM2M.cbor'
      const request = (isCbor ? decodeCbor(data, 'request') : JSON.parse(data.toString())) as JsonObject
      received.push({ protocol: client.protocol, request })
      const answer = { rsc: 2000, rqi: request['rqi'] as string }
      client.send(isCbor ? encodeCbor(answer) : JSON.stringify(answer))
    }),
  )
  const binding = new WebSocketBinding({ handler: new FakeCse(), own, clock: new ManualClock(), log: silent })
  binding.start()
  const call = (over: object) =>
    binding.send({
      pointOfAccess: `ws://127.0.0.1:${port}/`,
      target: 'CAE01',
      request: notification,
      timeoutMs: 1000,
      ...over,
    })
  try {
    assert.equal((await call({})).responseStatusCode, 2000)
    assert.equal((await call({ request: { ...notification, requestIdentifier: 'n2' } })).responseStatusCode, 2000)
    assert.equal(server.clients.size, 1, 'one connection serves both')
    const isClosed = once([...server.clients][0] as NonNullable<unknown> as EventEmitter, 'close')
    for (const client of server.clients) client.close()
    await isClosed
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal((await call({})).responseStatusCode, 2000)
    const cbor = await call({ pointOfAccess: `ws://127.0.0.1:${port}/?ct=cbor`, target: undefined })
    assert.equal(cbor.responseStatusCode, 2000, 'nobody has to answer a plain URL')
    while (received.length < 4) await new Promise((resolve) => setTimeout(resolve, 1))
    assert.deepEqual(
      received.map(({ protocol, request }) => [protocol, request['op']]),
      [
        ['oneM2M.json', 5],
        ['oneM2M.json', 5],
        ['oneM2M.json', 5],
        ['oneM2M.cbor', 5],
      ],
    )
  } finally {
    await binding.stop()
    for (const client of server.clients) client.terminate()
    server.close()
  }
  await assert.rejects(call({}), unreachable)
  await assert.rejects(call({ pointOfAccess: 'ws://' }), unreachable)
})
