/**
 * Tries a program as it would be installed, alone in a directory: starts it, asks it over MQTT and HTTP, kills it, starts it again, finds
 * what was acknowledged, and sees that a binary holds no more memory than it should. `node build/smoke.ts` tries the bundle,
 * `node build/smoke.ts FILE [EMULATOR ...]` a binary, under an emulator where it is for another processor.
 */

import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectAsync } from 'mqtt'
import { explain } from './script.ts'

explain(`npm run smoke [-- FILE [EMULATOR ...]]

Tries the bundle in dist/, or a binary, alone in a directory: starts it, asks it over MQTT and HTTP, kills it, starts it again, and finds what was
acknowledged. With an emulator where it is for another processor.`)

interface Ready {
  readonly mqtt: readonly string[]
  readonly http: readonly string[]
  readonly startMs: number
}

/** The promise is 64 MiB; a start on a slow or busy machine leaves 69, and some more is not to fail a build. */
const idleKibibytes = 78 * 1024

const directory = mkdtempSync(join(tmpdir(), 'fieldgate-smoke-'))
const [file, ...emulator] = process.argv.slice(2)
const program = [...emulator, ...(file === undefined ? installBundle() : installBinary(file))]
const [command = '', ...leading] = program

function installBundle(): readonly string[] {
  cpSync(fileURLToPath(new URL('../dist', import.meta.url)), directory, {
    recursive: true,
    filter: (path) => !basename(path).startsWith('fieldgate-linux'),
  })
  return [process.execPath, join(directory, 'fieldgate.cjs')]
}

/** In a folder of its own, which nothing is written to; what it unpacks goes to the cache directory. */
function installBinary(path: string): readonly string[] {
  mkdirSync(join(directory, 'bin'))
  mkdirSync(join(directory, 'cache'))
  copyFileSync(path, join(directory, 'bin', 'fieldgate'))
  return [join(directory, 'bin', 'fieldgate')]
}

async function start(): Promise<{ gateway: ChildProcess; ready: Ready }> {
  const words = ['gateway', '--data-dir', join(directory, 'data'), '--mqtt', '127.0.0.1:0', '--http', '127.0.0.1:0']
  const gateway = spawn(command, [...leading, ...words], {
    cwd: directory,
    env: { PATH: process.env['PATH'], FIELDGATE_LOG_FORMAT: 'json', CACHE_DIRECTORY: join(directory, 'cache') },
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

/** A command of the program's own, over HTTP. */
function type(ready: Ready, ...words: readonly string[]): string {
  return execFileSync(command, [...leading, ...words, '--url', `http://${ready.http[0]}`], {
    encoding: 'utf8',
    env: { CACHE_DIRECTORY: join(directory, 'cache') },
  }).trim()
}

/** The response status code and the content of the latest instance, over MQTT. */
async function askOverMqtt(ready: Ready): Promise<readonly unknown[]> {
  const client = await connectAsync(`mqtt://${ready.mqtt[0]}`, { reconnectPeriod: 0 })
  await client.subscribeAsync('/oneM2M/resp/Csmoke/+/json')
  const answered = new Promise<Buffer>((resolve) => client.once('message', (_, payload) => resolve(payload)))
  const request = { op: 2, to: 'onem2m/smoke/temp/la', fr: 'Csmoke', rqi: 'smoke1', rvi: '3' }
  await client.publishAsync('/oneM2M/req/Csmoke/mn-cse-1/json', JSON.stringify(request), { qos: 1 })
  const response = JSON.parse((await answered).toString()) as {
    readonly rsc: number
    readonly pc?: { readonly 'm2m:cin'?: { readonly con: string } }
  }
  await client.endAsync()
  return [response.rsc, response.pc?.['m2m:cin']?.con]
}

function residentKibibytes({ pid }: ChildProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

/** Resolves when the gateway holds no more than it may; rejects when it does not come to that. */
async function settle(gateway: ChildProcess): Promise<void> {
  const giveUpMs = performance.now() + 10_000
  while (residentKibibytes(gateway) > idleKibibytes) {
    if (performance.now() > giveUpMs)
      throw new Error(`${residentKibibytes(gateway)} KiB resident; an idle gateway may have ${idleKibibytes}`)
    await pause(100)
  }
}

try {
  const first = await start()
  type(first.ready, 'create', 'onem2m', 'ae', 'rn=smoke', 'api=Nsmoke', 'rr=false', 'srv=3')
  type(first.ready, 'create', 'onem2m/smoke', 'container', 'rn=temp')
  type(first.ready, 'create', 'onem2m/smoke/temp', 'cin', 'con=warm')
  assert.deepEqual(await askOverMqtt(first.ready), [2000, 'warm'])
  first.gateway.kill('SIGKILL')
  await once(first.gateway, 'exit')

  const second = await start()
  assert.equal(type(second.ready, 'get', 'onem2m/smoke/temp/la', '--value'), 'warm')
  assert.deepEqual(await askOverMqtt(second.ready), [2000, 'warm'])
  assert.match(execFileSync(command, [...leading, 'licenses'], { encoding: 'utf8' }).slice(0, 200), /fieldgate/)
  // Without a binary V8 has other flags, and under an emulator its memory is counted.
  if (file !== undefined && emulator.length === 0) await settle(second.gateway)
  const mebibytes = Math.round(residentKibibytes(second.gateway) / 1024)
  second.gateway.kill('SIGTERM')
  assert.deepEqual(await once(second.gateway, 'exit'), [0, null])
  if (file !== undefined) assert.deepEqual(readdirSync(join(directory, 'bin')), ['fieldgate'])
  const name = file === undefined ? 'the bundle' : basename(file)
  console.log(
    `smoke test of ${name} passed: ready after ${second.ready.startMs} ms, ${mebibytes} MiB resident${emulator.length > 0 ? ' under emulation' : ''}`,
  )
} finally {
  rmSync(directory, { recursive: true, force: true })
}
