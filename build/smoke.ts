/**
 * Tries what `npm run build` has made, as it would be installed: alone in a directory, without node_modules. Starts it, writes over MQTT's
 * neighbour HTTP with its own command line, kills it, starts it again and finds what was acknowledged.
 */

import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

interface Ready {
  readonly mqtt: readonly string[]
  readonly http: readonly string[]
  readonly startMs: number
}

const directory = mkdtempSync(join(tmpdir(), 'fieldgate-smoke-'))
const program = join(directory, 'dist', 'fieldgate.cjs')
cpSync(fileURLToPath(new URL('../dist', import.meta.url)), join(directory, 'dist'), { recursive: true })

async function start(): Promise<{ gateway: ChildProcess; ready: Ready }> {
  const words = ['gateway', '--data-dir', join(directory, 'data'), '--mqtt', '127.0.0.1:0', '--http', '127.0.0.1:0']
  const gateway = spawn(process.execPath, [program, ...words], {
    cwd: directory,
    env: { ...process.env, FIELDGATE_LOG_FORMAT: 'json' },
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  assert.ok(gateway.stderr)
  for await (const line of createInterface(gateway.stderr)) {
    const event = JSON.parse(line) as Ready & { readonly message: string }
    if (event.message === 'ready') {
      gateway.stderr.resume()
      return { gateway, ready: event }
    }
    console.log(line)
  }
  throw new Error('the gateway ended before it was ready')
}

function type(ready: Ready, ...words: readonly string[]): string {
  return execFileSync(process.execPath, [program, ...words, '--url', `http://${ready.http[0]}`], {
    encoding: 'utf8',
  }).trim()
}

/** An MQTT CONNECT with a clean session, and the CONNACK that must come back. */
async function greet(address: string): Promise<void> {
  const [host = '', port = ''] = address.split(':')
  const socket = createConnection(Number(port), host)
  socket.write(Buffer.from('101100044d5154540402003c0005736d6f6b65', 'hex'))
  const [answer] = (await once(socket, 'data')) as [Buffer]
  assert.equal(answer.toString('hex'), '20020000')
  socket.destroy()
}

function residentKibibytes({ pid }: ChildProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

try {
  const first = await start()
  await greet(first.ready.mqtt[0] ?? '')
  type(first.ready, 'create', 'onem2m', 'ae', 'rn=smoke', 'api=Nsmoke', 'rr=false', 'srv=3')
  type(first.ready, 'create', 'onem2m/smoke', 'container', 'rn=temp')
  type(first.ready, 'create', 'onem2m/smoke/temp', 'cin', 'con=21.4')
  first.gateway.kill('SIGKILL')
  await once(first.gateway, 'exit')

  const second = await start()
  assert.equal(type(second.ready, 'get', 'onem2m/smoke/temp/la', '--value'), '21.4')
  const mebibytes = Math.round(residentKibibytes(second.gateway) / 1024)
  second.gateway.kill('SIGTERM')
  assert.deepEqual(await once(second.gateway, 'exit'), [0, null])
  console.log(`smoke test passed: ready after ${second.ready.startMs} ms, ${mebibytes} MiB resident`)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
