/** The short version of `npm run soak:flood`: clients of every kind of trouble at once, and an application that does its work beside them. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import '../property.ts'
import { freePort } from '../free-port.ts'
import { HonestApplication } from '../soak/honest.ts'
import { misbehaviours, Troublemaker } from '../soak/misbehaviour.ts'
import { startGateway } from './gateway-process.ts'

const program = new URL('../../src/main.ts', import.meta.url).pathname

test('an application loses nothing beside clients that misbehave in every known way', {
  timeout: 60_000,
}, async (t) => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'fieldgate-flood-'))
  const account = { username: 'mallory', password: 'a stolen password' }
  const add = (name: string, ...right: readonly string[]) => {
    const words = ['account', 'add', name, ...right, '--stdin', '--data-dir', dataDirectory]
    const { status, stderr } = spawnSync(process.execPath, [program, ...words], {
      input: account.password,
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
  }
  add(account.username, '--topic', 'mallory/#=readwrite')
  // Whoever is on this machine without an account may speak for all that have none.
  add('honest', '--originator', 'Chonest')
  const websocket = await freePort()
  const environment = {
    FIELDGATE_MQTT_WEBSOCKET_LISTEN: `127.0.0.1:${websocket}`,
    FIELDGATE_ADAPTERS_SYSTEM_ENABLED: 'false',
  }
  const gateway = await startGateway({ dataDirectory, environment })
  const honest = await HonestApplication.start(
    `mqtt://honest:${encodeURIComponent(account.password)}@${gateway.mqtt}#mn-cse-1`,
    'Chonest',
  )
  const troublemakers: Troublemaker[] = []
  t.after(async () => {
    for (const troublemaker of troublemakers) troublemaker.stop()
    await honest.stop()
    if (gateway.process.exitCode === null) await gateway.end('SIGKILL')
    rmSync(dataDirectory, { recursive: true })
  })
  const portOf = (address: string) => Number(address.slice(address.lastIndexOf(':') + 1))
  const ports = { mqtt: portOf(gateway.mqtt), http: portOf(gateway.http), websocket }
  const seed = Number(fc.readConfigureGlobal()?.seed ?? 1)
  t.diagnostic(`FIELDGATE_SEED=${seed}`)
  let drawn = seed
  /** A linear congruence is random enough to be different for everybody. */
  const random = () => {
    drawn = (drawn * 48_271) % 2_147_483_647
    return drawn / 2_147_483_647
  }
  const victim = { clientId: 'Chonest', originator: 'Chonest' }
  for (const misbehaviour of Object.values(misbehaviours))
    for (const whose of [undefined, account])
      troublemakers.push(new Troublemaker({ host: '127.0.0.1', ports, account: whose, victim, random }, misbehaviour))
  for (const troublemaker of troublemakers) troublemaker.start()
  const { requests, failures, missing } = await honest.work(1500, 20)
  for (const troublemaker of troublemakers) troublemaker.stop()
  assert.ok(requests > 10)
  assert.deepEqual(failures, [])
  assert.equal(missing, 0)
  assert.deepEqual(
    gateway.events.filter(({ level }) => level === 'error'),
    [],
  )
  assert.equal(await gateway.end('SIGTERM'), 0)
})
