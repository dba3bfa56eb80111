/** The loads: one MQTT connection, or keep-alive HTTP connections, that keep a number of requests in flight, and how long each took. */

import { Agent, request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import mqtt from 'mqtt-packet'
import { quantile } from './table.ts'

export interface Request {
  readonly op: number
  /** The originator of the load, if not given. */
  readonly fr?: string
  readonly to: string
  readonly ty?: number
  readonly fc?: Readonly<Record<string, unknown>>
  readonly pc?: unknown
}

export interface Result {
  readonly count: number
  readonly wallMs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** What can be asked, one request or many. */
export interface Load {
  /** One request; rejects unless the response status is 2xxx. */
  ask(request: Request): Promise<void>
  /** `count` requests with `inFlight` of them under way at any time. */
  run(count: number, inFlight: number, make: (index: number) => Request): Promise<Result>
  close(): void
}

export interface MqttLoadOptions {
  readonly port: number
  readonly qos?: 0 | 1
  readonly originator?: string
  readonly credentials?: { readonly username: string; readonly password: string }
  /** Called for each notification, which is answered then. */
  readonly onNotification?: (payload: Buffer) => void
}

function summary(took: Float64Array, wallMs: number): Result {
  const sorted = took.sort()
  return { count: took.length, wallMs, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) }
}

export class MqttLoad implements Load {
  readonly #socket: Socket
  readonly #waiting = new Map<string, (response: { readonly rsc: number }) => void>()
  readonly #qos: 0 | 1
  readonly #originator: string
  readonly #onNotification: (payload: Buffer) => void
  /** Another connection that starts to count again would be taken to resend. */
  readonly #run = Math.round(performance.now() * 1000).toString(36)
  #next = 1
  #unsent: Buffer[] = []

  private constructor(socket: Socket, { qos = 0, originator = 'Cbench', onNotification = () => {} }: MqttLoadOptions) {
    this.#socket = socket
    this.#qos = qos
    this.#originator = originator
    this.#onNotification = onNotification
  }

  static async open(options: MqttLoadOptions): Promise<MqttLoad> {
    const { port, credentials } = options
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const load = new MqttLoad(socket, options)
    const parser = mqtt.parser()
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      parser.on('packet', (packet) => {
        if (packet.cmd === 'suback') resolve()
        else if (packet.cmd === 'publish') load.#take(packet)
      })
      socket.on('data', (chunk) => parser.parse(chunk))
      load.#send({
        cmd: 'connect',
        clientId: `bench-${process.pid}-${port}-${performance.now()}`,
        clean: true,
        keepalive: 0,
        protocolId: 'MQTT',
        protocolVersion: 4,
        ...(credentials === undefined
          ? {}
          : { username: credentials.username, password: Buffer.from(credentials.password) }),
      })
      const own = load.#originator
      const subscriptions = [`/oneM2M/resp/${own}/#`, `/oneM2M/req/+/${own}/#`].map((topic) => ({
        topic,
        qos: load.#qos,
      }))
      load.#send({ cmd: 'subscribe', messageId: 1, subscriptions })
    })
    return load
  }

  close(): void {
    this.#socket.destroy()
  }

  async ask(request: Request): Promise<void> {
    const response = await new Promise<{ readonly rsc: number }>((resolve) => this.#request(request, resolve))
    if (response.rsc >= 3000) throw new Error(`${JSON.stringify(request)}: ${JSON.stringify(response)}`)
  }

  run(count: number, inFlight: number, make: (index: number) => Request): Promise<Result> {
    const took = new Float64Array(count)
    const startedAt = performance.now()
    return new Promise((resolve, reject) => {
      let sent = 0
      let done = 0
      const next = () => {
        const index = sent++
        const at = performance.now()
        this.#request(make(index), ({ rsc }) => {
          took[index] = performance.now() - at
          if (rsc >= 3000) return reject(new Error(`request ${index}: ${rsc}`))
          if (++done === count) resolve(summary(took, performance.now() - startedAt))
          else if (sent < count) next()
        })
      }
      while (sent < Math.min(inFlight, count)) next()
    })
  }

  #request(request: Request, resolve: (response: { readonly rsc: number }) => void): void {
    const rqi = `${this.#run}-${this.#next++}`
    this.#waiting.set(rqi, resolve)
    this.#publish(`/oneM2M/req/${this.#originator}/mn-cse-1/json`, {
      op: request.op,
      to: request.to,
      fr: request.fr ?? this.#originator,
      rqi,
      rvi: '3',
      ty: request.ty,
      fc: request.fc,
      pc: request.pc,
    })
  }

  #publish(topic: string, payload: object): void {
    this.#send({
      cmd: 'publish',
      topic,
      payload: JSON.stringify(payload),
      qos: this.#qos,
      retain: false,
      dup: false,
      ...(this.#qos > 0 ? { messageId: (this.#next++ % 65_535) + 1 } : {}),
    })
  }

  #take(packet: mqtt.IPublishPacket): void {
    if (packet.qos > 0) this.#send({ cmd: 'puback', messageId: packet.messageId ?? 0 })
    const payload = packet.payload as Buffer
    if (packet.topic.startsWith('/oneM2M/req/')) {
      this.#onNotification(payload)
      const { rqi } = JSON.parse(payload.toString()) as { rqi: string }
      this.#publish(`/oneM2M/resp/mn-cse-1/${this.#originator}/json`, { rsc: 2000, rqi, rvi: '3' })
      return
    }
    // The two members that are needed come first; parsing the rest would load the machine that is measured.
    const match = /"rsc":(\d+),"rqi":"([^"]+)"/.exec(payload.toString('latin1', 0, 80))
    const rqi = match?.[2] ?? ''
    const resolve = this.#waiting.get(rqi)
    this.#waiting.delete(rqi)
    resolve?.({ rsc: Number(match?.[1]) })
  }

  #send(packet: mqtt.Packet): void {
    if (this.#unsent.length === 0)
      setImmediate(() => {
        this.#socket.write(Buffer.concat(this.#unsent))
        this.#unsent = []
      })
    this.#unsent.push(mqtt.generate(packet))
  }
}

export class HttpLoad implements Load {
  readonly #port: number
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })
  readonly #run = Math.round(performance.now() * 1000).toString(36)
  #next = 1

  constructor(port: number) {
    this.#port = port
  }

  async ask(request: Request): Promise<void> {
    await this.#request(request)
  }

  async run(count: number, inFlight: number, make: (index: number) => Request): Promise<Result> {
    const took = new Float64Array(count)
    const startedAt = performance.now()
    let next = 0
    const worker = async () => {
      for (let index = next++; index < count; index = next++) {
        const at = performance.now()
        await this.#request(make(index))
        took[index] = performance.now() - at
      }
    }
    await Promise.all(Array.from({ length: inFlight }, worker))
    return summary(took, performance.now() - startedAt)
  }

  close(): void {
    this.#agent.destroy()
  }

  #request({ op, to, ty, pc }: Request): Promise<void> {
    const body = pc === undefined ? undefined : JSON.stringify(pc)
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        {
          port: this.#port,
          host: '127.0.0.1',
          agent: this.#agent,
          path: `/${to}`,
          method: op === 1 ? 'POST' : 'GET',
          headers: {
            'X-M2M-Origin': 'Cbench',
            'X-M2M-RI': `${this.#run}-${this.#next++}`,
            'X-M2M-RVI': '3',
            ...(body === undefined
              ? {}
              : { 'Content-Type': `application/json;ty=${ty}`, 'Content-Length': Buffer.byteLength(body) }),
          },
        },
        (response) => {
          response.resume()
          response.once('end', () =>
            (response.statusCode ?? 500) < 300 ? resolve() : reject(new Error(`${to}: ${response.statusCode}`)),
          )
        },
      )
      request.once('error', reject)
      request.end(body)
    })
  }
}
