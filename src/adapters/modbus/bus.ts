/** A line or connection that devices share: one request at a time, opened with the first of them, and again after it broke. */

import { connect } from 'node:net'
import { SerialPort, type SerialSettings } from '../serial-port.ts'
import { type Framing, RtuFraming, TcpFraming } from './framing.ts'

/** What bytes go through. */
interface Link {
  write(bytes: Buffer): void
  close(): void
}

interface LinkEvents {
  readonly onData: (chunk: Buffer) => void
  readonly onEnd: (reason: string) => void
}

export interface BusOptions {
  /** `host:port`, or the path of a serial port. */
  readonly address: string
  readonly serial: SerialSettings
  /** Ends the bus. */
  readonly signal: AbortSignal
}

/** Between two frames on a serial line, at the least: 3.5 characters, 1.75 ms above 19200 baud. */
const serialGapMs = 4

export class Bus {
  readonly #options: BusOptions
  readonly #framing: Framing
  readonly #isSerial: boolean
  #link: Promise<Link> | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #received: Buffer = Buffer.alloc(0)
  #onReceived: (() => void) | undefined
  #onEnd: ((error: Error) => void) | undefined

  constructor(options: BusOptions) {
    this.#options = options
    this.#isSerial = options.address.startsWith('/')
    this.#framing = this.#isSerial ? new RtuFraming() : new TcpFraming()
    options.signal.addEventListener('abort', () => this.#drop(), { once: true })
  }

  /** Resolves with the answer; rejects after `timeoutMs` without one, and with why the bus can't be opened. In the order of the calls. */
  request(unit: number, request: Buffer, timeoutMs: number): Promise<Buffer> {
    const asked = this.#turn.then(() => this.#ask(unit, request, timeoutMs))
    this.#turn = asked.catch(() => {})
    return asked
  }

  async #ask(unit: number, request: Buffer, timeoutMs: number): Promise<Buffer> {
    const { signal, address } = this.#options
    signal.throwIfAborted()
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise<Buffer>((resolve, reject) => {
        timer = setTimeout(
          () => reject(new Error(`unit ${unit} at ${address} does not answer in ${timeoutMs} ms`)),
          timeoutMs,
        )
        this.#onEnd = reject
        this.#exchange(unit, request, resolve, reject).catch(reject)
      })
    } catch (error) {
      // What comes late must not be taken for the answer to something else; on a serial line nothing tells them apart.
      if (!this.#isSerial) this.#drop()
      throw error
    } finally {
      clearTimeout(timer)
      this.#onReceived = undefined
      this.#onEnd = undefined
      if (this.#isSerial) await new Promise((resolve) => setTimeout(resolve, serialGapMs))
    }
  }

  async #exchange(
    unit: number,
    request: Buffer,
    resolve: (answer: Buffer) => void,
    reject: (error: Error) => void,
  ): Promise<void> {
    const link = await this.#open()
    this.#received = Buffer.alloc(0)
    this.#onReceived = () => {
      try {
        const answer = this.#framing.unframe(this.#received)
        if (answer !== undefined) resolve(answer)
      } catch (error) {
        reject(error as Error)
      }
    }
    link.write(this.#framing.frame(unit, request))
  }

  #open(): Promise<Link> {
    const { address, serial, signal } = this.#options
    const events: LinkEvents = {
      onData: (chunk) => {
        this.#received = Buffer.concat([this.#received, chunk]).subarray(0, 1024)
        this.#onReceived?.()
      },
      onEnd: (reason) => {
        this.#link = undefined
        this.#onEnd?.(new Error(reason))
      },
    }
    if (this.#link === undefined) {
      const opening = this.#isSerial ? openSerial(address, serial, signal, events) : openTcp(address, events)
      this.#link = opening
      opening.catch(() => {
        this.#link = undefined
      })
    }
    return this.#link
  }

  #drop(): void {
    void this.#link?.then((link) => link.close()).catch(() => {})
    this.#link = undefined
  }
}

function openTcp(address: string, { onData, onEnd }: LinkEvents): Promise<Link> {
  const colon = address.lastIndexOf(':')
  const socket = connect({
    host: address.slice(0, colon).replace(/^\[|\]$/g, ''),
    port: Number(address.slice(colon + 1)),
    noDelay: true,
  })
  return new Promise((resolve, reject) => {
    let isClosed = false
    const end = (reason: string) => {
      if (!isClosed) onEnd(reason)
      isClosed = true
    }
    socket.on('error', (error) => {
      reject(error)
      end(`${address}: ${error.message}`)
    })
    socket.on('close', () => end(`${address} closed the connection`))
    socket.on('data', onData)
    const close = () => {
      isClosed = true
      socket.destroy()
    }
    socket.on('connect', () => resolve({ write: (bytes) => socket.write(bytes), close }))
  })
}

async function openSerial(
  path: string,
  settings: SerialSettings,
  signal: AbortSignal,
  { onData, onEnd }: LinkEvents,
): Promise<Link> {
  const port = await SerialPort.open(path, settings, signal)
  port.onData(onData)
  void port.closed.then(onEnd)
  return port
}
