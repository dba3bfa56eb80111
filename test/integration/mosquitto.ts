/** A real mosquitto for tests: started on a free port of loopback, killed, started again. */

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Accepting } from '../broker/client.ts'
import { freePort } from '../free-port.ts'

const program = '/usr/sbin/mosquitto'

/** Why a test is skipped; never where everything has to run. */
export const withoutMosquitto =
  existsSync(program) || process.env.CI !== undefined ? false : 'mosquitto is not installed'

export class Mosquitto implements Accepting {
  readonly port: number
  /** Its working directory: what the configuration names lies there. */
  readonly directory: string
  #child: ChildProcess | undefined

  private constructor(port: number, directory: string) {
    this.port = port
    this.directory = directory
  }

  /** Without a process yet; ends with the test. */
  static async prepare(t: TestContext): Promise<Mosquitto> {
    const mosquitto = new Mosquitto(await freePort(), mkdtempSync(join(tmpdir(), 'fieldgate-mosquitto-')))
    t.after(async () => {
      await mosquitto.stop()
      rmSync(mosquitto.directory, { recursive: true, force: true })
    })
    return mosquitto
  }

  /** Resolves when it answers. `lines` are of its configuration. */
  async start(lines: readonly string[] = []): Promise<void> {
    const all = [
      `listener ${this.port} 127.0.0.1`,
      'allow_anonymous true',
      'set_tcp_nodelay true',
      'user root',
      ...lines,
    ]
    writeFileSync(join(this.directory, 'mosquitto.conf'), `${all.join('\n')}\n`)
    this.#child = spawn(program, ['-c', 'mosquitto.conf'], { cwd: this.directory, stdio: 'ignore' })
    // mosquitto does not say when it is ready.
    while (!(await isAnswered(this.port))) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  async stop(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined) return
    const exit = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await exit
  }

  handle(stream: Parameters<Accepting['handle']>[0]): void {
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true })
    stream.pipe(socket).pipe(stream)
    socket.on('error', () => {}).once('close', () => stream.destroy())
    stream.on('error', () => {}).once('close', () => socket.destroy())
  }
}

function isAnswered(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
