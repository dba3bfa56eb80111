/** A whole gateway with WebSockets switched on: an AE that has nothing but its connection registers, subscribes and is notified. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { WebSocket } from 'ws'
import { startGateway } from './gateway-process.ts'

test('an AE without point of access is notified over its WebSocket, and the gateway ends cleanly under it', async (t) => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'fieldgate-websocket-'))
  t.after(() => rm(dataDirectory, { recursive: true, force: true }))
  const gateway = await startGateway({ dataDirectory, environment: { FIELDGATE_HTTP_WEBSOCKET: 'true' } })
  t.after(() => gateway.process.kill('SIGKILL'))
  const client = new WebSocket(`ws://${gateway.http}`, ['oneM2M.json'])
  const received: Record<string, unknown>[] = []
  client.on('message', (data) => received.push(JSON.parse(String(data))))
  await once(client, 'open')
  const expect = async (isIt: (one: Record<string, unknown>) => boolean) => {
    for (let found = received.find(isIt); ; found = received.find(isIt)) {
      if (found !== undefined) return found
      await once(client, 'message')
    }
  }
  const create = async (rqi: string, to: string, ty: number, pc: object, fr = 'CAE01') => {
    client.send(JSON.stringify({ op: 1, to, fr, rqi, rvi: '3', ty, pc }))
    assert.equal((await expect((one) => one['rqi'] === rqi))['rsc'], 2001)
  }
  await create('1', 'onem2m', 2, { 'm2m:ae': { rn: 'ae', api: 'N.ws', rr: true, srv: ['3'] } })
  await create('2', 'onem2m/ae', 3, { 'm2m:cnt': { rn: 'temp' } })
  await create('3', 'onem2m/ae/temp', 23, { 'm2m:sub': { rn: 'sub', nu: ['onem2m/ae'], enc: { net: [3] }, nct: 1 } })
  await create('4', 'onem2m/ae/temp', 4, { 'm2m:cin': { con: '21.5' } })
  const { rqi, pc } = await expect((one) => one['op'] === 5)
  client.send(JSON.stringify({ rsc: 2000, rqi, rvi: '3' }))
  assert.match(JSON.stringify(pc), /"con":"21\.5"/)

  const closed = once(client, 'close')
  assert.equal(await gateway.end('SIGTERM'), 0)
  assert.equal((await closed)[0], 1001)
})
