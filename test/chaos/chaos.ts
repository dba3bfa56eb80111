/**
 * A gateway, a backend and a broker between them, killed and started again at random while two applications use them; and what must hold when all
 * is quiet again. One application measures at the gateway; the other has subscribed to that from the backend, and keeps what it is told there.
 */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createChance } from '../../src/adapters/virtual/waveform.ts'
import { OneM2MClient } from '../../src/client/client.ts'
import { OneM2MMQTTClient } from '../../src/client/connect.ts'
import { HttpTransport } from '../../src/client/http-transport.ts'
import { OneM2MResponseError } from '../../src/client/transport.ts'
import type { JsonObject } from '../../src/onem2m/content.ts'
import { freePort } from '../free-port.ts'
import { type GatewayProcess, startGateway } from '../integration/gateway-process.ts'
import { startMosquitto } from '../integration/neighbour-process.ts'

export interface ChaosOptions {
  /** Longer when not each of the three was killed once by then. */
  readonly durationMs: number
  /** Of the schedule of kills: the same seed kills in the same order. */
  readonly seed: number
  /** Time between two kills, on average. */
  readonly everyMs: number
  readonly report: (line: string) => void
}

export interface ChaosResult {
  readonly kills: Readonly<Record<string, number>>
  readonly acknowledged: number
  /** Contents that were acknowledged at the gateway, and did not arrive; by the way that they went. */
  readonly missing: Readonly<Record<string, readonly string[]>>
  /** Contents that are at the backend more than once. */
  readonly repeated: Readonly<Record<string, readonly string[]>>
  /** From the last kill until everything had arrived. */
  readonly healedMs: number
}

type Part = 'gateway' | 'backend' | 'broker'

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Repeats a request under one identifier until it is answered with success, or with a status that is as good. */
async function insist(
  send: (requestIdentifier: string) => Promise<unknown>,
  accepted: readonly number[],
  isOver: () => boolean,
) {
  const requestIdentifier = globalThis.crypto.randomUUID()
  for (;;) {
    try {
      await send(requestIdentifier)
      return true
    } catch (error) {
      if (!(error instanceof OneM2MResponseError)) throw error
      if (accepted.includes(error.responseStatusCode)) return true
      if (isOver()) return false
      await sleep(100)
    }
  }
}

/** The three processes, each with its own directory and ports that stay. */
class Site {
  readonly kills: Record<Part, number> = { gateway: 0, backend: 0, broker: 0 }
  readonly root = mkdtempSync(join(tmpdir(), 'fieldgate-chaos-'))
  gatewayMqtt = ''
  backendHttp = ''
  #brokerPort = 0
  #gateway: GatewayProcess | undefined
  #backend: GatewayProcess | undefined
  #broker: ChildProcess | undefined

  async start(): Promise<void> {
    this.#brokerPort = await freePort()
    this.gatewayMqtt = `127.0.0.1:${await freePort()}`
    this.backendHttp = `127.0.0.1:${await freePort()}`
    for (const name of ['gateway', 'backend']) mkdirSync(join(this.root, name))
    for (const part of ['broker', 'backend', 'gateway'] as const) await this.bring(part)
  }

  async bring(part: Part): Promise<void> {
    const environment = {
      FIELDGATE_ADAPTERS_SYSTEM_ENABLED: 'false',
      FIELDGATE_CSE_FORWARD_TIMEOUT: '2s',
      FIELDGATE_NOTIFICATION_TIMEOUT: '2s',
      FIELDGATE_BROKERS_URLS: `mqtt://127.0.0.1:${this.#brokerPort}`,
    }
    if (part === 'broker') {
      this.#broker = startMosquitto(this.root, this.#brokerPort)
    } else if (part === 'backend') {
      const [dataDirectory, http] = [join(this.root, 'backend'), this.backendHttp]
      this.#backend = await startGateway({ command: 'backend', dataDirectory, http, environment })
    } else {
      const registration = {
        FIELDGATE_REGISTRATION_CSE_ID: '/in-cse-1',
        FIELDGATE_REGISTRATION_POA: `mqtt://127.0.0.1:${this.#brokerPort}`,
        FIELDGATE_REGISTRATION_CHECK: '1s',
      }
      const [dataDirectory, mqtt] = [join(this.root, 'gateway'), this.gatewayMqtt]
      this.#gateway = await startGateway({ dataDirectory, mqtt, environment: { ...environment, ...registration } })
    }
  }

  async kill(part: Part): Promise<void> {
    this.kills[part]++
    await this.#end(part)
  }

  async #end(part: Part): Promise<void> {
    const child = { gateway: this.#gateway?.process, backend: this.#backend?.process, broker: this.#broker }[part]
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  async end(): Promise<void> {
    for (const part of ['gateway', 'backend', 'broker'] as const) await this.#end(part)
    rmSync(this.root, { recursive: true, force: true })
  }
}

/** An AE at the gateway, over MQTT: measures, and announces what it measures at the backend. */
class Sensor {
  readonly acknowledged: string[] = []
  readonly #client: OneM2MClient
  #isOver = false

  constructor(mqtt: string) {
    this.#client = new OneM2MMQTTClient(`mqtt://${mqtt}#mn-cse-1`, { originator: 'Csensor', timeoutMs: 3000 })
  }

  async start(): Promise<void> {
    const ae = { rn: 'sensor', api: 'Nsensor', rr: false, srv: ['3'], at: ['/in-cse-1'] }
    await this.#client.create('onem2m', 2, { 'm2m:ae': ae })
    await this.#client.create('onem2m/sensor', 3, { 'm2m:cnt': { rn: 'temp', at: ['/in-cse-1'] } })
  }

  async run(): Promise<void> {
    for (let count = 0; !this.#isOver; count++) {
      const con = `value-${count}`
      // The name makes a repetition one: after a kill nobody remembers the identifier of the request.
      const content = { 'm2m:cin': { rn: con, con, at: ['/in-cse-1'], aa: ['con'] } }
      const isDone = await insist(
        (requestIdentifier) => this.#client.create('onem2m/sensor/temp', 4, content, { requestIdentifier }),
        [4105],
        () => this.#isOver,
      )
      if (isDone) this.acknowledged.push(con)
      await sleep(10)
    }
    await this.#client.close()
  }

  stop(): void {
    this.#isOver = true
  }
}

/** An AE at the backend: subscribes to what lies at the gateway, and keeps at the backend what it is told. */
class Display {
  readonly #client: OneM2MClient
  readonly #server: Server
  #isOver = false

  constructor(http: string) {
    const transport = new HttpTransport(new URL(`http://${http}`))
    this.#client = new OneM2MClient({ transport, originator: 'Cdisplay', timeoutMs: 3000 })
    this.#server = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        const answer = (status: number) =>
          outgoing
            .writeHead(status === 2000 ? 200 : 500, {
              'X-M2M-RSC': String(status),
              'X-M2M-RI': String(incoming.headers['x-m2m-ri']),
            })
            .end()
        this.#keep(JSON.parse(Buffer.concat(chunks).toString()) as JsonObject).then(
          (isKept) => answer(isKept ? 2000 : 5103),
          () => answer(5103),
        )
      })
    })
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const { port } = this.#server.address() as { port: number }
    const ae = { rn: 'display', api: 'Ndisplay', rr: true, srv: ['3'], poa: [`http://127.0.0.1:${port}`] }
    await this.#client.create('onem2m', 2, { 'm2m:ae': ae })
    await this.#client.create('onem2m/display', 3, { 'm2m:cnt': { rn: 'log' } })
    const sub = { rn: 'display', nu: ['/in-cse-1/Cdisplay'], enc: { net: [3] } }
    await insist(
      (requestIdentifier) =>
        this.#client.create('/mn-cse-1/onem2m/sensor/temp', 23, { 'm2m:sub': sub }, { requestIdentifier }),
      [4105],
      () => this.#isOver,
    )
  }

  async #keep(notification: JsonObject): Promise<boolean> {
    const con = /"con":"([^"]+)"/.exec(JSON.stringify(notification))?.[1]
    if (con === undefined) return true
    return insist(
      (requestIdentifier) =>
        this.#client.create('onem2m/display/log', 4, { 'm2m:cin': { rn: con, con } }, { requestIdentifier }),
      [4105],
      () => true,
    )
  }

  async stop(): Promise<void> {
    this.#isOver = true
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    await this.#client.close()
  }
}

/** Contents below a container at the backend, each as often as it is there. */
async function contentsAt(http: string, type: number): Promise<readonly string[]> {
  const transport = new HttpTransport(new URL(`http://${http}`))
  const client = new OneM2MClient({ transport, originator: 'Cauditor', timeoutMs: 10_000 })
  try {
    const found = await client.discover('onem2m', { resourceType: [type] })
    const contents: string[] = []
    for (let at = 0; at < found.length; at += 50) {
      const slice = await Promise.all(found.slice(at, at + 50).map((address) => client.retrieve(address)))
      contents.push(...slice.map((content) => (Object.values(content)[0] as JsonObject)['con'] as string))
    }
    return contents
  } finally {
    await client.close()
  }
}

const ways = { notified: 4, announced: 10_004 } as const

export async function runChaos({ durationMs, seed, everyMs, report }: ChaosOptions): Promise<ChaosResult> {
  const random = createChance(seed)
  const site = new Site()
  await site.start()
  const sensor = new Sensor(site.gatewayMqtt)
  const display = new Display(site.backendHttp)
  try {
    await sensor.start()
    await display.start()
    const measuring = sensor.run()
    const parts: Part[] = []
    const endMs = performance.now() + durationMs
    const isComplete = () => Object.values(site.kills).every((count) => count > 0)
    while (performance.now() < endMs || !isComplete()) {
      await sleep(everyMs * (0.5 + random()))
      // Each in turn, in an order that chance decides.
      if (parts.length === 0)
        parts.push(
          ...(['gateway', 'backend', 'broker'] as const)
            .map((part) => [random(), part] as const)
            .toSorted(([a], [b]) => a - b)
            .map(([, part]) => part),
        )
      const part = parts.pop() as Part
      await site.kill(part)
      await sleep(everyMs * random() * 0.5)
      await site.bring(part)
    }
    const lastKillMs = performance.now()
    sensor.stop()
    await measuring
    report(
      `${sensor.acknowledged.length} acknowledged, ${JSON.stringify(site.kills)} killed; waiting until all has arrived`,
    )
    const missing: Record<string, readonly string[]> = {}
    const repeated: Record<string, readonly string[]> = {}
    const patienceMs = performance.now() + 90_000
    for (;;) {
      for (const [way, type] of Object.entries(ways)) {
        // The backend has contents of its own as well, such as the states of its adapters.
        const contents = (await contentsAt(site.backendHttp, type)).filter((con) => String(con).startsWith('value-'))
        const there = new Set(contents)
        missing[way] = sensor.acknowledged.filter((con) => !there.has(con))
        repeated[way] = [...there].filter((con) => contents.indexOf(con) !== contents.lastIndexOf(con))
      }
      const left = Object.values(missing).reduce((sum, list) => sum + list.length, 0)
      if (left === 0 || performance.now() > patienceMs) break
      await sleep(250)
    }
    assert.ok(sensor.acknowledged.length > 0, 'nothing was measured')
    return {
      kills: site.kills,
      acknowledged: sensor.acknowledged.length,
      missing,
      repeated,
      healedMs: Math.round(performance.now() - lastKillMs),
    }
  } finally {
    sensor.stop()
    await display.stop()
    await site.end()
  }
}
