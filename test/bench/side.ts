/** One side of a comparison: a server in a process of its own, its processor time and memory as the kernel counts them. */

import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

export interface SideOptions {
  readonly name: string
  /** Arguments of node. */
  readonly command: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

export class Side {
  readonly name: string
  readonly mqttPort: number
  readonly httpPort: number
  /** From spawn to the line that says that it is ready. */
  readonly startMs: number
  readonly #process: ChildProcess

  private constructor(name: string, child: ChildProcess, ready: ReadyLine, startMs: number) {
    this.name = name
    this.#process = child
    this.mqttPort = portOf(ready.mqtt[0])
    this.httpPort = portOf(ready.http[0])
    this.startMs = startMs
  }

  static start({ name, command, environment = {} }: SideOptions): Promise<Side> {
    const startedAt = performance.now()
    const child = spawn(process.execPath, command, {
      env: { ...process.env, FIELDGATE_LOG_FORMAT: 'json', ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return new Promise((resolve, reject) => {
      const lines = createInterface({ input: child.stderr })
      const seen: string[] = []
      lines.on('line', (line) => {
        seen.push(line)
        const ready = line.includes('"ready"') ? (JSON.parse(line) as ReadyLine) : undefined
        if (ready !== undefined) resolve(new Side(name, child, ready, performance.now() - startedAt))
      })
      child.once('exit', (code) =>
        reject(new Error(`${name} ended with ${code} before it was ready:\n${seen.join('\n')}`)),
      )
    })
  }

  /** Microseconds on a processor so far, of all threads. */
  get cpuUs(): number {
    const tasks = `/proc/${this.#process.pid}/task`
    let nanoseconds = 0
    for (const task of readdirSync(tasks))
      nanoseconds += Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0])
    return nanoseconds / 1000
  }

  get rssMiB(): number {
    const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.#process.pid}/status`, 'utf8'))
    return Number(match?.[1] ?? Number.NaN) / 1024
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#process.removeAllListeners('exit')
      this.#process.once('exit', () => resolve())
      this.#process.kill('SIGTERM')
    })
  }
}

interface ReadyLine {
  readonly mqtt: readonly string[]
  readonly http: readonly string[]
}

function portOf(address: string | undefined): number {
  return Number(address?.slice(address.lastIndexOf(':') + 1) ?? 0)
}
