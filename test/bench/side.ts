/** One side of a comparison: servers in processes of their own, their processor time, memory and writes as the kernel counts them. */

import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

export interface SideOptions {
  readonly name: string
  /** Arguments of node. */
  readonly command: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** A program that starts node, with its arguments. */
  readonly prefix?: readonly string[]
  /** Processes that belong to this side as well, and end with it. */
  readonly companions?: readonly ChildProcess[]
}

export class Side {
  readonly name: string
  readonly mqttPort: number
  readonly httpPort: number
  /** From spawn to the line that says that it is ready. */
  readonly startMs: number
  readonly #processes: readonly ChildProcess[]

  private constructor(name: string, processes: readonly ChildProcess[], ready: ReadyLine, startMs: number) {
    this.name = name
    this.#processes = processes
    this.mqttPort = portOf(ready.mqtt[0])
    this.httpPort = portOf(ready.http[0])
    this.startMs = startMs
  }

  static start({ name, command, environment = {}, prefix = [], companions = [] }: SideOptions): Promise<Side> {
    const startedAt = performance.now()
    const [program = process.execPath, ...args] = [...prefix, process.execPath, ...command]
    const child = spawn(program, args, {
      env: { ...process.env, FIELDGATE_LOG_FORMAT: 'json', ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    // Whoever interrupts the benchmark leaves nothing behind.
    const children = [child, ...companions]
    process.once('exit', () => {
      for (const each of children) each.kill()
    })
    return new Promise((resolve, reject) => {
      const lines = createInterface({ input: child.stderr })
      const seen: string[] = []
      lines.on('line', (line) => {
        if (seen.length < 20) seen.push(line)
        const ready = line.includes('"ready"') ? (JSON.parse(line) as ReadyLine) : undefined
        if (ready !== undefined) resolve(new Side(name, children, ready, performance.now() - startedAt))
      })
      child.once('exit', (code) => {
        for (const companion of companions) companion.kill()
        reject(new Error(`${name} ended with ${code} before it was ready:\n${seen.join('\n')}`))
      })
    })
  }

  /** Microseconds on a processor so far, of all threads of all its processes. */
  get cpuUs(): number {
    let nanoseconds = 0
    for (const { pid } of this.#processes)
      for (const task of readdirSync(`/proc/${pid}/task`))
        nanoseconds += scheduledNanoseconds(`/proc/${pid}/task/${task}`)
    return nanoseconds / 1000
  }

  get rssMiB(): number {
    const resident = this.#processes.map(({ pid }) => figureIn(`/proc/${pid}/status`, /VmRSS:\s+(\d+)/))
    return resident.reduce((sum, kibibytes) => sum + kibibytes, 0) / 1024
  }

  /** Bytes that its own process had written to the disk. */
  get writtenBytes(): number {
    return figureIn(`/proc/${this.#processes[0]?.pid}/io`, /^write_bytes: (\d+)/m)
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#processes.map(
        (child) =>
          new Promise<void>((resolve) => {
            child.removeAllListeners('exit')
            if (child.exitCode !== null || child.signalCode !== null) return resolve()
            child.once('exit', () => resolve())
            child.kill('SIGTERM')
          }),
      ),
    )
  }
}

/** A thread may end between being listed and being read. */
function scheduledNanoseconds(task: string): number {
  try {
    return Number(readFileSync(`${task}/schedstat`, 'utf8').split(' ')[0])
  } catch {
    return 0
  }
}

function figureIn(path: string, pattern: RegExp): number {
  return Number(pattern.exec(readFileSync(path, 'utf8'))?.[1] ?? Number.NaN)
}

interface ReadyLine {
  readonly mqtt: readonly string[]
  readonly http: readonly string[]
}

function portOf(address: string | undefined): number {
  return Number(address?.slice(address.lastIndexOf(':') + 1) ?? 0)
}
