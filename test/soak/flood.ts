/**
 * Clients that each misbehave in their own way, from many addresses of a network that exists for this run alone, while an application on the
 * gateway's own machine does its work: what that costs the application, what the gateway refuses, and what is left of it afterwards.
 */

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants, setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { connectAsync } from 'mqtt'
import { runtimeFlags } from '../../build/runtime-flags.ts'
import { createChance } from '../../src/adapters/virtual/waveform.ts'
import { startGateway } from '../integration/gateway-process.ts'
import type { Experience } from './honest.ts'
import { misbehaviours, Troublemaker } from './misbehaviour.ts'

const { values: options } = parseArgs({
  options: {
    connections: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    inside: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (options.help) {
  process.stdout.write(`npm run soak:flood -- [--connections 1000] [--seconds 30] [--seed 1] [--only TEXT]

  --connections N  clients that make trouble
  --seconds N      how long they do
  --seed N         of what they do, which is the same for the same seed
  --only TEXT      only the kinds of trouble whose names contain it

Needs Linux and unshare, which makes the network. Exits with 1 when the application lost something, was five times slower, or memory did not come back.
`)
  process.exit(0)
}
if (!options.inside) {
  const script = 'ip link set lo up && ip addr add 10.9.0.1/16 dev lo && exec "$0" "$@" --inside'
  const words = ['--net', '--map-root-user', '--', 'sh', '-c', script, process.execPath, ...process.argv.slice(1)]
  const child = spawn('unshare', words, { stdio: 'inherit' })
  child.on('error', () =>
    process.stderr.write('npm run soak:flood: there is no unshare on this machine (package util-linux)\n'),
  )
  const [code] = (await once(child, 'close')) as [number | null]
  process.exit(code ?? 1)
}

const say = (line: string) => process.stdout.write(`${line}\n`)
const seconds = Number(options.seconds)
const connections = Number(options.connections)
const random = createChance(Number(options.seed))

const directory = mkdtempSync(join(tmpdir(), 'fieldgate-flood-'))
const program = fileURLToPath(new URL('../../dist/fieldgate.cjs', import.meta.url))
const configuration = join(directory, 'fieldgate.toml')
const [host, password] = ['10.9.0.1', 'a stolen password']
const ports = { mqtt: 1883, http: 8080, websocket: 8083 }
writeFileSync(
  configuration,
  `[mqtt]\nlisten = ["127.0.0.1:${ports.mqtt}", "${host}:${ports.mqtt}"]\nwebsocket_listen = ["${host}:${ports.websocket}"]\n` +
    `[http]\nlisten = ["127.0.0.1:${ports.http}", "${host}:${ports.http}"]\n`,
)
function command(words: readonly string[], input = ''): void {
  const { status, stderr } = spawnSync(process.execPath, [program, ...words, '--data-dir', directory], {
    input,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr}`)
}
command(['provision', '--config', configuration])
const accounts = ['mallory0', 'mallory1', 'mallory2', 'mallory3']
for (const name of accounts)
  command(['account', 'add', name, '--topic', 'mallory/#=readwrite', '--stdin'], `${password}\n`)

let isEnding = false
/** As a service, which is asked now and then how it is; nobody reads the answers. */
const unit = readFileSync(new URL('../../systemd/fieldgate.service', import.meta.url), 'utf8')
const environment = {
  ...Object.fromEntries(
    [...unit.matchAll(/^Environment=(MALLOC_\w+)=(\S+)$/gm)].map(([, name, value]) => [name, value]),
  ),
  NOTIFY_SOCKET: join(directory, 'nobody'),
  WATCHDOG_USEC: '15000000',
}
const gateway = await startGateway({
  dataDirectory: directory,
  configuration,
  program: [...runtimeFlags, program],
  environment,
})
gateway.process.once('exit', (code, signal) => {
  if (isEnding) return
  say(`the gateway ended with ${code ?? signal}:\n${gateway.lines.slice(-20).join('\n')}`)
  process.exit(1)
})
const residentMiB = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.process.pid}/status`, 'utf8'))?.[1]) / 1024
const worker = new Worker(new URL('honest-worker.ts', import.meta.url), {
  workerData: { url: `mqtt://127.0.0.1:${ports.mqtt}#mn-cse-1`, originator: 'Chonest' },
})
await once(worker, 'message')
async function work(title: string, durationSeconds: number): Promise<Experience> {
  worker.postMessage({ durationMs: durationSeconds * 1000, periodMs: 10 })
  const [experience] = (await once(worker, 'message')) as [Experience]
  const { requests, failures, missing, latenciesMs } = experience
  const part = (share: number) => (latenciesMs[Math.floor(latenciesMs.length * share)] ?? 0).toFixed(2)
  say(
    `${title}: ${requests} requests, ${failures.length} failed, ${missing} notifications missing; ` +
      `p50 ${part(0.5)} ms, p99 ${part(0.99)} ms; ${residentMiB().toFixed(1)} MiB resident`,
  )
  return experience
}
const p99 = ({ latenciesMs }: Experience) =>
  latenciesMs[Math.floor(latenciesMs.length * 0.99)] ?? Number.POSITIVE_INFINITY

await work('beginning', 5)
const quiet = await work('quiet', 10)
const beforeMiB = residentMiB()
const kinds = Object.entries(misbehaviours).flatMap(([name, kind]) => (name.includes(options.only) ? [kind] : []))
const victim = { clientId: 'Chonest', originator: 'Chonest' }
// They would come from other machines: here they take what the gateway and the application leave of the processors.
setPriority(constants.priority.PRIORITY_LOW)
const troublemakers = Array.from({ length: connections }, (_, index) => {
  // Every second one has stolen an account; the others are nobody.
  const username = accounts[index % (2 * accounts.length)]
  const account = username === undefined ? undefined : { username, password }
  const target = { host, localAddress: `10.9.1.${1 + (index % 20)}`, ports, account, victim, random }
  return new Troublemaker(target, kinds[index % kinds.length] as (typeof kinds)[number])
})
for (const [index, troublemaker] of troublemakers.entries()) setTimeout(() => troublemaker.start(), index)
await wait(connections)
let mostMiB = 0
const look = setInterval(() => {
  mostMiB = Math.max(mostMiB, residentMiB())
}, 500)
const flooded = await work('flooded', seconds)
clearInterval(look)
for (const troublemaker of troublemakers) troublemaker.stop()
const visits = troublemakers.reduce((sum, { visits: some }) => sum + some, 0)
say(
  `${connections} troublemakers of ${kinds.length} kinds came ${visits} times; ${mostMiB.toFixed(1)} MiB resident at most`,
)
await wait(15_000)
const after = await work('afterwards', 10)

const bounds = await connectAsync(`mqtt://127.0.0.1:${ports.mqtt}`)
bounds.on('message', (topic, payload) => {
  if (String(payload) !== '0') say(`  ${topic.replace('$SYS/broker/', '')} ${payload}`)
})
await bounds.subscribeAsync(['$SYS/broker/bounds/#', '$SYS/broker/clients/connected'])
await wait(500)
await bounds.endAsync()
const errors = gateway.events.filter(({ level }) => level === 'error')
const afterMiB = residentMiB()
await worker.terminate()
isEnding = true
const exit = await gateway.end('SIGTERM')
rmSync(directory, { recursive: true })

const ratio = p99(flooded) / p99(quiet)
const lost = [quiet, flooded, after].reduce((sum, { failures, missing }) => sum + failures.length + missing, 0)
const faults = [
  ...(lost === 0 ? [] : [`${lost} requests or notifications of the application failed (${flooded.failures[0]})`]),
  ...(ratio <= 5 ? [] : ['the application was more than five times slower']),
  ...(afterMiB <= beforeMiB * 1.25 ? [] : ['memory did not come back']),
  ...(errors.length === 0 ? [] : [`${errors.length} errors in the log: ${errors[0]?.message}`]),
  ...(exit === 0 ? [] : [`the gateway ended with ${exit}`]),
]
say(
  `p99 ${ratio.toFixed(1)} times that of quiet; resident ${beforeMiB.toFixed(1)} MiB before, ${afterMiB.toFixed(1)} after: ` +
    `${faults.length === 0 ? 'sound' : faults.join('; ')}`,
)
process.exit(faults.length === 0 ? 0 : 1)
