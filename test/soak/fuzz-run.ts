/**
 * A gateway between two parties: one sends it bytes that are no protocol's, the other asks, is notified, publishes and subscribes as it should.
 * Tells what the second lost by the first, and what it did to the gateway.
 */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectAsync, type MqttClient } from 'mqtt'
import { runtimeFlags } from '../../build/runtime-flags.ts'
import { freePort } from '../free-port.ts'
import { type GatewayProcess, startGateway } from '../integration/gateway-process.ts'
import { HonestApplication } from './honest.ts'
import { type Attack, attackOf } from './mutation.ts'

const source = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const [mallory, honest] = ['mallory', 'honest'].map((username) => ({ username, password: 'a stolen password' })) as [
  { readonly username: string; readonly password: string },
  { readonly username: string; readonly password: string },
]
const lanes = 8
/** What the gateway's resident memory may grow by, once it has worked for a moment; it settles at 60 more. */
const marginMiB = 128

export interface FuzzOptions {
  readonly dataDirectory: string
  readonly seed: number
}

export interface FuzzFigures {
  readonly connections: number
  readonly bytesSent: number
  /** MQTT connections that were accepted, and others that were answered. */
  readonly answered: number
  readonly requests: number
  readonly publications: number
  readonly residentMiB: number
  readonly mostMiB: number
}

/** Numbered messages at QoS 1 from one client to another. */
class HonestStream {
  readonly #publisher: MqttClient
  readonly #subscriber: MqttClient
  readonly #arrived = new Set<number>()
  sent = 0

  private constructor(publisher: MqttClient, subscriber: MqttClient) {
    this.#publisher = publisher
    this.#subscriber = subscriber
    subscriber.on('message', (_, payload) => this.#arrived.add(Number(payload)))
  }

  static async start(url: string): Promise<HonestStream> {
    const stream = new HonestStream(await connectAsync(url), await connectAsync(url))
    await stream.#subscriber.subscribeAsync('honest/stream', { qos: 1 })
    return stream
  }

  /** Publishes until the time is over, and resolves with how many have not arrived some seconds after. */
  async work(durationMs: number, periodMs: number): Promise<number> {
    const endMs = performance.now() + durationMs
    while (performance.now() < endMs) {
      await this.#publisher.publishAsync('honest/stream', String(++this.sent), { qos: 1 })
      await wait(periodMs)
    }
    for (let tries = 0; tries < 100 && this.#arrived.size < this.sent; tries++) await wait(100)
    return this.sent - this.#arrived.size
  }

  async stop(): Promise<void> {
    await Promise.all([this.#publisher.endAsync(true), this.#subscriber.endAsync(true)])
  }
}

export class FuzzRun {
  readonly #options: FuzzOptions
  readonly #gateway: GatewayProcess
  readonly #ports: Readonly<Record<Attack['port'], number>>
  readonly #application: HonestApplication
  readonly #stream: HonestStream
  readonly #faults: string[] = []
  readonly #underWay = new Set<number>()
  readonly #ended: Promise<void>
  #attackers: readonly Promise<void>[] = []
  #stopping: Promise<readonly string[]> | undefined
  #isOver = false
  #next = 0
  #bytesSent = 0
  #answered = 0
  #requests = 0
  #firstMiB: number | undefined
  #mostMiB = 0

  private constructor(
    options: FuzzOptions,
    gateway: GatewayProcess,
    ports: Readonly<Record<Attack['port'], number>>,
    application: HonestApplication,
    stream: HonestStream,
  ) {
    this.#options = options
    this.#gateway = gateway
    this.#ports = ports
    this.#application = application
    this.#stream = stream
    this.#ended = new Promise((resolve) => {
      gateway.process.once('exit', (code, signal) => {
        if (!this.#isOver)
          this.#faults.push(
            `the gateway ended with ${code ?? signal} during the attacks ${[...this.#underWay].join(', ')}: ${gateway.lines.slice(-10).join('\n')}`,
          )
        this.#isOver = true
        resolve()
      })
    })
  }

  /** The gateway is there and both honest ones are at work; nobody attacks yet. */
  static async start(options: FuzzOptions): Promise<FuzzRun> {
    const { dataDirectory } = options
    addAccount(dataDirectory, mallory.username, '--topic', 'mallory/#=readwrite')
    // Whoever is on this machine without an account may speak for all that have none.
    addAccount(dataDirectory, honest.username, '--originator', 'Chonest', '--topic', 'honest/#=readwrite')
    const websocket = await freePort()
    const environment = {
      FIELDGATE_MQTT_WEBSOCKET_LISTEN: `127.0.0.1:${websocket}`,
      FIELDGATE_HTTP_WEBSOCKET: 'true',
      FIELDGATE_ADAPTERS_SYSTEM_ENABLED: 'false',
    }
    const gateway = await startGateway({ dataDirectory, environment, program: [...runtimeFlags, source] })
    const portOf = (address: string) => Number(address.slice(address.lastIndexOf(':') + 1))
    const ports = { mqtt: portOf(gateway.mqtt), http: portOf(gateway.http), websocket }
    const url = `mqtt://${honest.username}:${encodeURIComponent(honest.password)}@${gateway.mqtt}`
    try {
      const application = await HonestApplication.start(`${url}#mn-cse-1`, 'Chonest')
      return new FuzzRun(options, gateway, ports, application, await HonestStream.start(url))
    } catch (error) {
      await gateway.end('SIGKILL')
      throw error
    }
  }

  /** One more stretch of it, in which the attackers go on from where they were. Ends early when the gateway does. */
  async work(durationMs: number): Promise<void> {
    this.#firstMiB ??= this.#residentMiB()
    if (this.#attackers.length === 0) this.#attackers = Array.from({ length: lanes }, () => this.#attack())
    const look = setInterval(() => this.#residentMiB(), 100)
    await Promise.race([this.#ended, this.#work(durationMs)])
    clearInterval(look)
  }

  async #work(durationMs: number): Promise<void> {
    const [{ requests, failures, missing }, lost] = await Promise.all([
      this.#application.work(durationMs, 20),
      this.#stream.work(durationMs, 10),
    ])
    this.#requests += requests
    if (failures.length > 0) this.#faults.push(`${failures.length} requests failed: ${failures[0]}`)
    if (missing > 0) this.#faults.push(`${missing} notifications are missing`)
    if (lost > 0) this.#faults.push(`${lost} messages are missing`)
  }

  /** Whether the gateway has ended, or been ended. */
  get isOver(): boolean {
    return this.#isOver
  }

  figures(): FuzzFigures {
    return {
      connections: this.#next,
      bytesSent: this.#bytesSent,
      answered: this.#answered,
      requests: this.#requests,
      publications: this.#stream.sent,
      residentMiB: this.#residentMiB(),
      mostMiB: this.#mostMiB,
    }
  }

  /** Ends everything, and resolves with what was not as it should be. May be called twice. */
  stop(): Promise<readonly string[]> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<readonly string[]> {
    const hadEnded = this.#isOver
    this.#isOver = true
    await Promise.all(this.#attackers)
    await Promise.all([this.#application.stop(), this.#stream.stop()])
    if (hadEnded) return this.#faults
    const grownMiB = this.#mostMiB - (this.#firstMiB ?? this.#mostMiB)
    if (grownMiB > marginMiB) this.#faults.push(`memory grew by ${grownMiB.toFixed(1)} MiB, more than ${marginMiB}`)
    const exit = await this.#gateway.end('SIGTERM')
    if (exit !== 0) this.#faults.push(`the gateway ended with ${exit}`)
    for (const { level, message } of this.#gateway.events)
      if (level === 'error') this.#faults.push(`logged: ${message}`)
    return this.#faults
  }

  #residentMiB(): number {
    if (this.#gateway.process.exitCode !== null) return 0
    const status = readFileSync(`/proc/${this.#gateway.process.pid}/status`, 'utf8')
    const residentMiB = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
    this.#mostMiB = Math.max(this.#mostMiB, residentMiB)
    return residentMiB
  }

  async #attack(): Promise<void> {
    while (!this.#isOver) {
      const index = this.#next++
      this.#underWay.add(index)
      await this.#visit(attackOf(this.#options.seed, index, mallory))
      this.#underWay.delete(index)
    }
  }

  async #visit({ port, chunks, patienceMs, isReset }: Attack): Promise<void> {
    const socket = connect({ host: '127.0.0.1', port: this.#ports[port], noDelay: true })
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => {})
    socket.once('data', (bytes) => {
      if (port !== 'mqtt' || (bytes[0] === 0x20 && bytes[3] === 0)) this.#answered++
    })
    socket.resume()
    for (const chunk of chunks) {
      if (socket.destroyed) break
      socket.write(chunk)
      this.#bytesSent += chunk.length
      await wait(1)
    }
    await Promise.race([closed, wait(patienceMs)])
    if (isReset) socket.resetAndDestroy()
    else socket.end()
    // Who waits for the rest of a request does not close at once.
    await Promise.race([closed, wait(50)])
    socket.destroy()
  }
}

function addAccount(dataDirectory: string, name: string, ...rights: readonly string[]): void {
  const words = [source, 'account', 'add', name, ...rights, '--stdin', '--data-dir', dataDirectory]
  const { status, stderr } = spawnSync(process.execPath, words, { input: mallory.password, encoding: 'utf8' })
  if (status !== 0) throw new Error(`account add ${name}: ${stderr}`)
}
