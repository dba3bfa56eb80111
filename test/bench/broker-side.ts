/** Brokers that are compared, each in a process of its own, and what the kernel says that it used. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runtimeFlags } from '../../build/runtime-flags.ts'
import { freePort } from '../free-port.ts'
import { Peer } from './broker-load.ts'

export type SideName = 'ours' | 'mosquitto' | 'mosquitto-nodelay' | 'aedes'

export interface ServerFacts {
  readonly heapMiB: number
  readonly sockets: number
  /** Of events of the process, its servers and sockets, together. */
  readonly listeners: number
  /** Node warns of an emitter with too many listeners. */
  readonly warnings: number
}

export class BrokerSide {
  readonly name: SideName
  readonly port: number
  readonly #child: ChildProcess
  readonly #directory: string

  private constructor(name: SideName, port: number, child: ChildProcess, directory: string) {
    this.name = name
    this.port = port
    this.#child = child
    this.#directory = directory
  }

  /** `flags` are those of Node. */
  static async start(name: SideName, flags: readonly string[] = runtimeFlags): Promise<BrokerSide> {
    const directory = mkdtempSync(join(tmpdir(), 'fieldgate-broker-bench-'))
    const port = await freePort()
    const child = name.startsWith('mosquitto')
      ? spawn('/usr/sbin/mosquitto', ['-c', mosquittoConfiguration(name, port, directory)], { stdio: 'ignore' })
      : spawn(
          process.execPath,
          [
            ...(name === 'ours' ? flags : []),
            '--expose-gc',
            join(import.meta.dirname, 'broker-server.ts'),
            name,
            String(port),
            directory,
          ],
          { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
        )
    const side = new BrokerSide(name, port, child, directory)
    for (let attempt = 0; ; attempt++) {
      try {
        await (await Peer.open({ port, clientId: 'probe' })).close()
        return side
      } catch (error) {
        if (attempt > 100) throw error
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }

  /** Processor time of all threads so far. */
  get cpuUs(): number {
    const tasks = `/proc/${this.#child.pid}/task`
    let ns = 0
    for (const task of readdirSync(tasks)) {
      try {
        ns += Number(readFileSync(join(tasks, task, 'schedstat'), 'utf8').split(' ')[0])
      } catch {
        // The thread ended in between.
      }
    }
    return ns / 1000
  }

  get rssKiB(): number {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.#child.pid}/status`, 'utf8'))?.[1] ?? 0)
  }

  /** Asks the process itself; not of mosquitto. Garbage is collected before. */
  async facts(): Promise<ServerFacts> {
    const answer = new Promise<ServerFacts>((resolve) =>
      this.#child.once('message', (facts) => resolve(facts as never)),
    )
    this.#child.send('facts')
    return answer
  }

  async collectGarbage(): Promise<void> {
    if (!this.name.startsWith('mosquitto')) await this.facts()
    await new Promise((resolve) => setTimeout(resolve, 500))
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await ended
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

function mosquittoConfiguration(name: SideName, port: number, directory: string): string {
  const path = join(directory, 'mosquitto.conf')
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'log_type none',
    'max_connections -1',
    `set_tcp_nodelay ${name === 'mosquitto-nodelay'}`,
    'persistence false',
    // With its default of 1,000 it drops most of what it has acknowledged at QoS 1 in a fan-in.
    'max_queued_messages 0',
    'user root',
  ]
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}
