/** Clients as people have them: mosquitto_pub and mosquitto_sub, Debian's python3-paho-mqtt, curl. */

import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { type GatewayProcess, startGateway } from './gateway-process.ts'

const run = promisify(execFile)
const python = '/usr/bin/python3'

/** In CI the clients must be there; elsewhere a machine without them says so. */
function without(command: string, ...probe: string[]): string | false {
  const isThere = spawnSync(command, probe).error === undefined
  return isThere || process.env['CI'] !== undefined ? false : `${command} is not installed`
}

const withoutMosquitto = without('mosquitto_pub', '--help')
const withoutCurl = without('curl', '--version')
const withoutPaho =
  spawnSync(python, ['-c', 'import paho.mqtt.client']).status === 0 || process.env['CI'] !== undefined
    ? false
    : "Debian's python3-paho-mqtt is not installed"

describe('real clients', { timeout: 60_000 }, () => {
  let directory: string
  let gateway: GatewayProcess
  let host: string
  let port: string

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'fieldgate-client-'))
    gateway = await startGateway({ dataDirectory: directory })
    ;[host, port] = gateway.mqtt.split(':') as [string, string]
  })

  after(async () => {
    await gateway.end('SIGTERM')
    rmSync(directory, { recursive: true })
  })

  const publish = (topic: string, message: object | string, ...options: string[]) =>
    run('mosquitto_pub', [
      ...['-h', host, '-p', port, '-t', topic, ...options],
      ...['-m', typeof message === 'string' ? message : JSON.stringify(message)],
    ])

  /** Lines of mosquitto_sub as they come. */
  const subscribe = async (...topics: string[]): Promise<{ next(): Promise<string>; end(): void }> => {
    const child: ChildProcess = spawn('stdbuf', [
      ...['-oL', 'mosquitto_sub', '-h', host, '-p', port, '-q', '1', '-v', '-d'],
      ...topics.flatMap((topic) => ['-t', topic]),
    ])
    const lines: string[] = []
    let wake = () => {}
    const subscribed = new Promise<void>((resolve) => {
      createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> }).on('line', (line) => {
        if (line.startsWith('Subscribed')) resolve()
        else if (line.startsWith('/') || line.startsWith('plain/')) lines.push(line)
        wake()
      })
    })
    await subscribed
    return {
      async next() {
        while (lines.length === 0)
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        return lines.shift() as string
      },
      end: () => child.kill(),
    }
  }

  it('mosquitto_pub and mosquitto_sub: register, push, be notified, at each quality of service', {
    skip: withoutMosquitto,
  }, async () => {
    const listener = await subscribe('/oneM2M/resp/Cmos/#', '/oneM2M/req/+/Cmos/#')
    const ask = async (qos: string, request: object) => {
      await publish('/oneM2M/req/Cmos/mn-cse-1/json', { fr: 'Cmos', rvi: '3', ...request }, '-q', qos)
      const [topic, ...rest] = (await listener.next()).split(' ')
      assert.equal(topic, '/oneM2M/resp/Cmos/mn-cse-1/json')
      return JSON.parse(rest.join(' ')) as { rsc: number; rqi: string }
    }
    const ae = { 'm2m:ae': { rn: 'mos', api: 'Nmos', rr: true, srv: ['3'] } }
    assert.equal((await ask('0', { op: 1, to: 'onem2m', rqi: '1', ty: 2, pc: ae })).rsc, 2001)
    assert.equal(
      (await ask('1', { op: 1, to: 'onem2m/mos', rqi: '2', ty: 3, pc: { 'm2m:cnt': { rn: 'c' } } })).rsc,
      2001,
    )
    const subscription = { 'm2m:sub': { rn: 's', nu: ['Cmos'], enc: { net: [3] } } }
    assert.equal((await ask('2', { op: 1, to: 'onem2m/mos/c', rqi: '3', ty: 23, pc: subscription })).rsc, 2001)
    assert.equal(
      (await ask('1', { op: 1, to: 'onem2m/mos/c', rqi: '4', ty: 4, pc: { 'm2m:cin': { con: '21.4' } } })).rsc,
      2001,
    )
    const notification = await listener.next()
    assert.match(notification, /^\/oneM2M\/req\/mn-cse-1\/Cmos\/json .*"m2m:sgn".*"con":"21.4"/)
    assert.equal((await ask('1', { op: 7, to: 'onem2m', rqi: '5' })).rsc, 4000)
    listener.end()
  })

  it('an answer waits for a client that subscribes after it has asked', { skip: withoutMosquitto }, async () => {
    await publish('/oneM2M/req/Clate/mn-cse-1/json', { op: 2, to: 'onem2m', fr: 'Clate', rqi: 'l', rvi: '3' })
    const listener = await subscribe('/oneM2M/resp/Clate/#')
    assert.match(await listener.next(), /"rsc":2000,"rqi":"l"/)
    listener.end()
  })

  it('retained messages are there for those who come later, and after a restart', {
    skip: withoutMosquitto,
  }, async () => {
    await publish('plain/state', 'on', '-r', '-q', '1')
    await gateway.end('SIGKILL')
    gateway = await startGateway({ dataDirectory: directory })
    ;[host, port] = gateway.mqtt.split(':') as [string, string]
    const listener = await subscribe('plain/#')
    assert.equal(await listener.next(), 'plain/state on')
    listener.end()
  })

  it('paho: clean and persistent sessions at QoS 0, 1 and 2, offline messages in order and once', {
    skip: withoutPaho,
  }, async () => {
    const { stdout } = await run(python, [join(import.meta.dirname, 'paho-client.py'), host, port], { timeout: 30_000 })
    assert.equal(stdout.trim().split('\n').at(-1), 'ok')
  })

  it('curl: the same resources over HTTP', { skip: withoutCurl }, async () => {
    const curl = async (...words: string[]) => {
      const { stdout } = await run('curl', ['-s', '-i', '-H', 'X-M2M-Origin: Ccurl', '-H', 'X-M2M-RI: 9', ...words])
      return stdout
    }
    const base = `http://${gateway.http}`
    const created = await curl(
      ...['-H', 'Content-Type: application/json;ty=2'],
      ...['-d', '{"m2m:ae":{"rn":"curl","api":"Ncurl","rr":false,"srv":["3"]}}', `${base}/onem2m`],
    )
    assert.match(created, /^HTTP\/1.1 201 [\s\S]*X-M2M-RSC: 2001[\s\S]*Content-Location: \/onem2m\/curl/)
    assert.match(await curl(`${base}/onem2m/curl`), /^HTTP\/1.1 200 [\s\S]*X-M2M-RI: 9[\s\S]*"aei":"Ccurl"/)
    assert.match(await curl(`${base}/~/mn-cse-1/onem2m/curl`), /^HTTP\/1.1 200 /)
    assert.match(await curl(`${base}/_/openmtc.org/mn-cse-1/onem2m/curl`), /^HTTP\/1.1 200 /)
    assert.match(await curl('-X', 'DELETE', `${base}/onem2m/curl`), /X-M2M-RSC: 2002/)
    assert.match(await curl(`${base}/onem2m/curl`), /^HTTP\/1.1 404 [\s\S]*"m2m:dbg"/)
  })
})
