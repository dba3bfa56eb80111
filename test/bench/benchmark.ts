/** What a benchmark is, what it is given, and the sides that several of them use. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'
import type { Load } from './load.ts'
import { Side } from './side.ts'
import type { Table } from './table.ts'

export interface BenchContext {
  /** Rounds of which medians are taken. */
  readonly rounds: number
  /** Multiplies how much is done in each round. */
  readonly scale: number
  /** The long variants as well. */
  readonly isFull: boolean
  /** A new directory, deleted at the end. */
  directory(name: string): string
  progress(text: string): void
}

export interface Benchmark {
  readonly name: string
  /** For --help: one line. */
  readonly about: string
  run(context: BenchContext): Promise<readonly Table[]>
}

const root = join(import.meta.dirname, '../..')

export const programPath = join(root, 'dist/fieldgate.cjs')

/** The built gateway, without adapters. */
export function startGateway(
  directory: string,
  options: {
    readonly name?: string
    readonly environment?: Readonly<Record<string, string>>
    readonly flags?: readonly string[]
    readonly prefix?: readonly string[]
  } = {},
): Promise<Side> {
  const { name = 'ours', environment = {}, flags = [], prefix = [] } = options
  const listen = ['--mqtt', '127.0.0.1:0', '--http', '127.0.0.1:0']
  return Side.start({
    name,
    command: [...flags, programPath, 'gateway', '--data-dir', directory, ...listen],
    environment: {
      FIELDGATE_ADAPTERS_SYSTEM_ENABLED: 'false',
      FIELDGATE_ADAPTERS_NODE_ENABLED: 'false',
      FIELDGATE_CSE_MAX_RESOURCES: '1000000',
      ...environment,
    },
    prefix,
  })
}

export function startFloor(): Promise<Side> {
  return Side.start({ name: 'floor', command: [serverPath('floor')] })
}

export function startGenericPath(directory: string): Promise<Side> {
  return Side.start({ name: 'generic path', command: [serverPath('generic-path'), directory] })
}

/** mosquitto and, behind it, the same CSE in a process of its own; undefined where there is no mosquitto. */
export async function startBrokerAndCse(directory: string): Promise<Side | undefined> {
  const port = await freePort()
  mkdirSync(directory, { recursive: true })
  const path = join(directory, 'mosquitto.conf')
  writeFileSync(path, `listener ${port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\n`)
  const broker = spawn('/usr/sbin/mosquitto', ['-c', path], { stdio: 'ignore' })
  if (!(await isListening(broker, port))) return undefined
  const command = [serverPath('client-cse'), String(port), join(directory, 'store')]
  return Side.start({ name: 'broker and CSE', command, companions: [broker] })
}

export function serverPath(name: string): string {
  return join(import.meta.dirname, 'server', `${name}.ts`)
}

async function isListening(child: ChildProcess, port: number): Promise<boolean> {
  const failed = new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false))
    child.once('exit', () => resolve(false))
  })
  const listening = (async () => {
    for (let attempt = 0; attempt < 100; attempt++) {
      const isOpen = await new Promise<boolean>((resolve) => {
        const socket = connect({ port, host: '127.0.0.1' }, () => {
          socket.destroy()
          resolve(true)
        })
        socket.once('error', () => resolve(false))
      })
      if (isOpen) return true
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return false
  })()
  return Promise.race([failed, listening])
}

export const createAe = (name: string) =>
  ({ op: 1, to: 'onem2m', ty: 2, pc: { 'm2m:ae': { rn: name, api: 'Nbench', rr: true, srv: ['3'] } } }) as const

export const createContainer = (parent: string, name: string, attributes: object = {}) => ({
  op: 1,
  to: parent,
  ty: 3,
  pc: { 'm2m:cnt': { rn: name, ...attributes } },
})

export const createInstance = (to: string, bytes = 64) => ({
  op: 1,
  to,
  ty: 4,
  pc: { 'm2m:cin': { con: 'x'.repeat(bytes) } },
})

/** The AE `bench` with the container `values`, which holds one instance. */
export async function prepare(load: Load): Promise<void> {
  await load.ask(createAe('bench'))
  await load.ask(createContainer('onem2m/bench', 'values'))
  await load.ask(createInstance('onem2m/bench/values'))
}
