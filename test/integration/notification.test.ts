/** Notifications that were promised outlast the process: its target is away, the gateway is killed, and both come back. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after } from 'node:test'
import { type GatewayProcess, startGateway } from './gateway-process.ts'

const dataDirectory = mkdtempSync(join(tmpdir(), 'fieldgate-notification-'))
after(() => rmSync(dataDirectory, { recursive: true, force: true }))
const environment = { FIELDGATE_ADAPTERS_SYSTEM_ENABLED: 'false' }

/** A web hook that keeps what it is told. */
async function listen(told: string[], port = 0): Promise<Server> {
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      for (const [, con] of body.matchAll(/"con":"(\w+)"/g)) told.push(con as string)
      response.end()
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function create({ http }: GatewayProcess, to: string, type: number, content: object): Promise<number> {
  const response = await fetch(`http://${http}/${to}`, {
    method: 'POST',
    headers: { 'X-M2M-Origin': 'Capp', 'X-M2M-RVI': '3', 'Content-Type': `application/json;ty=${type}` },
    body: JSON.stringify(content),
  })
  await response.text()
  return Number(response.headers.get('x-m2m-rsc'))
}

test('what a subscription with pendingNotification was to be told arrives after SIGKILL', async () => {
  const told: string[] = []
  const hook = await listen(told)
  const { port } = hook.address() as AddressInfo
  const first = await startGateway({ dataDirectory, environment })
  const subscription = { rn: 's', nu: [`http://127.0.0.1:${port}/hook`], enc: { net: [3] }, pn: 2 }
  assert.deepEqual(
    [
      await create(first, 'onem2m', 2, { 'm2m:ae': { rn: 'app', api: 'Napp', rr: true, srv: ['3'] } }),
      await create(first, 'onem2m/app', 3, { 'm2m:cnt': { rn: 'temp' } }),
      await create(first, 'onem2m/app/temp', 23, { 'm2m:sub': subscription }),
    ],
    [2001, 2001, 2001],
  )
  hook.closeAllConnections()
  hook.close()
  const values = Array.from({ length: 20 }, (_, n) => `v${n}`)
  for (const con of values) assert.equal(await create(first, 'onem2m/app/temp', 4, { 'm2m:cin': { con } }), 2001)
  await first.end('SIGKILL')
  assert.deepEqual(told, [])

  const again = await listen(told, port)
  const second = await startGateway({ dataDirectory, environment })
  for (let tries = 0; tries < 500 && told.length < values.length; tries++)
    await new Promise((resolve) => setTimeout(resolve, 10))
  await second.end('SIGTERM')
  again.close()
  // Several are under way at a time, each over a connection of its own.
  assert.deepEqual(told.toSorted(), values.toSorted())
})
