/** The load: one MQTT connection that keeps a number of requests in flight, and how long each took. */

import { connect, type Socket } from 'node:net'
import mqtt from 'mqtt-packet'

export interface Request {
  readonly op: number
  readonly to: string
  readonly ty?: number
  readonly pc?: unknown
}

export interface Result {
  readonly count: number
  readonly wallMs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const originator = 'Cbench'

export class MqttLoad {
  readonly #socket: Socket
  readonly #waiting = new Map<string, (response: { readonly rsc: number }) => void>()
  readonly #qos: 0 | 1
  #next = 1
  #unsent: Buffer[] = []
  /** Called for each request that the CSE sends: a notification. */
  onRequest: (payload: Buffer) => void = () => {}

  private constructor(socket: Socket, qos: 0 | 1) {
    this.#socket = socket
    this.#qos = qos
  }

  static async open(port: number, qos: 0 | 1 = 0): Promise<MqttLoad> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const load = new MqttLoad(socket, qos)
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
        clientId: `bench-${process.pid}-${port}-${qos}-${performance.now()}`,
        clean: true,
        keepalive: 0,
        protocolId: 'MQTT',
        protocolVersion: 4,
      })
      const subscriptions = [`/oneM2M/resp/${originator}/#`, `/oneM2M/req/+/${originator}/#`].map((topic) => ({
        topic,
        qos,
      }))
      load.#send({ cmd: 'subscribe', messageId: 1, subscriptions })
    })
    return load
  }

  close(): void {
    this.#socket.destroy()
  }

  /** One request; rejects unless the response status is 2xxx. */
  async ask(request: Request): Promise<void> {
    const response = await new Promise<{ readonly rsc: number }>((resolve) => this.#request(request, resolve))
    if (response.rsc >= 3000) throw new Error(`${JSON.stringify(request)}: ${JSON.stringify(response)}`)
  }

  /** `count` requests with `inFlight` of them under way at any time. */
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
          if (++done === count) {
            const sorted = took.sort()
            resolve({
              count,
              wallMs: performance.now() - startedAt,
              p50Ms: sorted[Math.floor(count * 0.5)] ?? 0,
              p99Ms: sorted[Math.floor(count * 0.99)] ?? 0,
            })
          } else if (sent < count) next()
        })
      }
      while (sent < Math.min(inFlight, count)) next()
    })
  }

  #request(request: Request, resolve: (response: { readonly rsc: number }) => void): void {
    const rqi = `q${this.#next++}`
    this.#waiting.set(rqi, resolve)
    this.#send({
      cmd: 'publish',
      topic: `/oneM2M/req/${originator}/mn-cse-1/json`,
      payload: JSON.stringify({
        op: request.op,
        to: request.to,
        fr: originator,
        rqi,
        rvi: '3',
        ty: request.ty,
        pc: request.pc,
      }),
      qos: this.#qos,
      retain: false,
      dup: false,
      ...(this.#qos > 0 ? { messageId: (this.#next % 65_535) + 1 } : {}),
    })
  }

  #take(packet: mqtt.IPublishPacket): void {
    if (packet.qos > 0) this.#send({ cmd: 'puback', messageId: packet.messageId ?? 0 })
    const payload = packet.payload as Buffer
    if (packet.topic.startsWith('/oneM2M/req/')) {
      this.onRequest(payload)
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
