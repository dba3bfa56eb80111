/** A gateway as a process of its own, on free ports: what tests of its whole life start, talk to, and end. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const source = [fileURLToPath(new URL('../../src/main.ts', import.meta.url))]

export interface LogEvent {
  readonly level: string
  readonly message: string
  readonly [field: string]: unknown
}

export interface GatewayProcess {
  readonly process: ChildProcess
  /** `127.0.0.1:43211` */
  readonly mqtt: string
  readonly http: string
  /** Events logged so far. */
  readonly events: readonly LogEvent[]
  /** What was said so far, events included. */
  readonly lines: readonly string[]
  /** Sends a signal and resolves with the exit code, or the signal that ended the process. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>
}

export interface GatewayProcessOptions {
  /** What the program runs as; a gateway by default. */
  readonly command?: 'gateway' | 'backend'
  readonly dataDirectory: string
  /** Where a configuration file is looked for; the data directory by default. */
  readonly workingDirectory?: string
  /** A configuration file that says where to listen; `mqtt` and `http` are not for these. */
  readonly configuration?: string
  /** Free ones by default. */
  readonly mqtt?: string
  readonly http?: string
  readonly environment?: Readonly<Record<string, string>>
  /** What Node is given to run; the source by default. */
  readonly program?: readonly string[]
}

function spawnGateway({
  command = 'gateway',
  dataDirectory,
  workingDirectory,
  mqtt,
  http,
  environment,
  configuration,
  program = source,
}: GatewayProcessOptions): ChildProcess {
  const listeners = ['--mqtt', mqtt ?? '127.0.0.1:0', '--http', http ?? '127.0.0.1:0']
  const words = [
    '--data-dir',
    dataDirectory,
    ...(configuration === undefined ? listeners : ['--config', configuration]),
  ]
  return spawn(process.execPath, [...program, command, ...words], {
    cwd: workingDirectory ?? dataDirectory,
    env: { PATH: process.env['PATH'], FIELDGATE_LOG_FORMAT: 'json', ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

/** Resolves when the gateway listens; rejects with what it said when it ends instead. */
export async function startGateway(options: GatewayProcessOptions): Promise<GatewayProcess> {
  const child = spawnGateway(options)
  const events: LogEvent[] = []
  const lines: string[] = []
  const ready = Promise.withResolvers<LogEvent>()
  if (!child.stderr) throw new Error('no standard error')
  createInterface(child.stderr)
    .on('line', (line) => {
      lines.push(line)
      if (!line.startsWith('{')) return
      const event = JSON.parse(line) as LogEvent
      events.push(event)
      if (event.message === 'ready') ready.resolve(event)
    })
    .on('close', () => ready.reject(new Error(`the gateway ended: ${lines.join('\n')}`)))
  const { mqtt, http } = await ready.promise
  const first = (addresses: unknown): string => String((addresses as readonly string[])[0])
  return {
    process: child,
    mqtt: first(mqtt),
    http: first(http),
    events,
    lines,
    async end(signal) {
      const exited = once(child, 'exit')
      child.kill(signal)
      const [code, by] = (await exited) as [number | null, NodeJS.Signals]
      return code ?? by
    },
  }
}

/** For gateways that are not to start: the exit code and what was said. */
export async function failToStart(
  options: GatewayProcessOptions,
): Promise<{ readonly exitCode: number; readonly text: string }> {
  const child = spawnGateway(options)
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const [exitCode] = (await once(child, 'close')) as [number]
  return { exitCode, text }
}
