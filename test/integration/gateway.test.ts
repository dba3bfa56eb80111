/** The life of the process: ready, used, ended by a signal, killed, started again, and the sentences of the starts that can't be. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runCommandLine } from '../../src/appliance/command-line.ts'
import { freePort } from '../free-port.ts'
import { failToStart, type GatewayProcess, startGateway } from './gateway-process.ts'

const root = mkdtempSync(join(tmpdir(), 'fieldgate-gateway-'))
after(() => rmSync(root, { recursive: true, force: true }))

function makeDirectory(): string {
  return mkdtempSync(join(root, 'data-'))
}

async function type(http: string, line: string, input = '') {
  const printed: string[] = []
  const complaints: string[] = []
  const exitCode = await runCommandLine(line.split(' '), {
    environment: { FIELDGATE_URL: `http://${http}` },
    isTerminal: false,
    print: (text) => printed.push(text),
    complain: (text) => complaints.push(text),
    readInput: async () => input,
  })
  return { exitCode, printed: printed.join('\n'), complaints: complaints.join('\n') }
}

describe('a running gateway at the command line', () => {
  let gateway: GatewayProcess
  before(async () => {
    gateway = await startGateway({
      dataDirectory: makeDirectory(),
      environment: { FIELDGATE_ADAPTERS_SYSTEM_ENABLED: 'false', FIELDGATE_ADAPTERS_NODE_ENABLED: 'false' },
    })
  })
  after(() => gateway.end('SIGTERM'))
  const run = (line: string, input?: string) => type(gateway.http, line, input)

  it('creates, reads, changes, finds and deletes resources', async () => {
    const ae = await run('create onem2m ae rn=myapp api=Nmyapp rr=false srv=2a,3')
    assert.equal(ae.exitCode, 0, ae.complaints)
    assert.equal(JSON.parse(ae.printed)['m2m:ae'].aei, 'Ccli')
    const container = await run('create onem2m/myapp container rn=temp maxNrOfInstances=100 lbl=indoor,attic --json')
    const { mni, lbl } = JSON.parse(container.printed)['m2m:cnt']
    assert.deepEqual([mni, lbl, container.printed.includes('\n')], [100, ['indoor', 'attic'], false])

    await run('create onem2m/myapp/temp contentInstance con=21.4')
    assert.equal((await run('get onem2m/myapp/temp/la --value')).printed, '21.4')
    await run('create onem2m/myapp/temp cin -', '{"con": {"t": 22}}')
    assert.equal((await run('get onem2m/myapp/temp/la/ -v')).printed, '{"t":22}')

    const updated = await run('set onem2m/myapp/temp mni=50 lbl=')
    assert.equal(JSON.parse(updated.printed)['m2m:cnt'].mni, 50)
    assert.equal(JSON.parse(updated.printed)['m2m:cnt'].lbl, undefined)

    assert.equal((await run('discover --type container')).printed, 'onem2m/myapp/temp')
    assert.equal((await run('discover --tree')).printed, 'onem2m\n└── myapp\n    └── temp')
    assert.equal((await run('delete onem2m/myapp')).printed, 'deleted onem2m/myapp')
    assert.equal((await run('discover')).printed, '')
  })

  it('says what was refused, and exits with 1', async () => {
    const { exitCode, printed, complaints } = await run('get onem2m/absent')
    assert.deepEqual([exitCode, printed], [1, ''])
    assert.match(complaints, /^fieldgate: 4004 NOT_FOUND .*onem2m\/absent/)
  })

  it('says when nobody answers, and exits with 69', async () => {
    const { exitCode, complaints } = await type('127.0.0.1:1', 'get onem2m')
    assert.equal(exitCode, 69)
    assert.match(
      complaints,
      /^fieldgate: no gateway answers at http:\/\/127\.0\.0\.1:1 .* Start one with: fieldgate gateway$/,
    )
  })

  it('keeps a second gateway from its port and from its store, each with a sentence', async () => {
    const port = await failToStart({ dataDirectory: makeDirectory(), mqtt: gateway.mqtt })
    assert.equal(port.exitCode, 69)
    assert.match(port.text, /^fieldgate: another program listens on 127\.0\.0\.1:\d+ already .*--mqtt HOST:PORT/)
    assert.equal(port.text.trim().includes('\n'), false)
  })
})

describe('the process', () => {
  it('finishes on SIGTERM with 0, and keeps what was acknowledged, also over SIGKILL', async () => {
    const dataDirectory = makeDirectory()
    const first = await startGateway({ dataDirectory })
    await type(first.http, 'create onem2m ae rn=kept api=Nkept rr=false srv=3')
    const locked = await failToStart({ dataDirectory })
    assert.equal(locked.exitCode, 69)
    assert.match(locked.text, /^fieldgate: another gateway uses the state in .* --data-dir DIR\.$/m)
    assert.equal(await first.end('SIGKILL'), 'SIGKILL')

    const second = await startGateway({ dataDirectory })
    assert.equal((await type(second.http, 'get onem2m/kept')).exitCode, 0)
    assert.equal(await second.end('SIGTERM'), 0)
    assert.deepEqual(
      second.events.slice(-2).map(({ message }) => message),
      ['stopping', 'stopped'],
    )
    assert.deepEqual(
      second.events.filter(({ level }) => level === 'warn' || level === 'error'),
      [],
    )
  })

  it('once provisioned listens with TLS too, says so, and knows the administrator who was shown a password', async () => {
    const dataDirectory = makeDirectory()
    const { printed, exitCode } = await type('', `provision --data-dir ${dataDirectory}`)
    assert.equal(exitCode, 0)
    const port = await freePort()
    const environment = {
      FIELDGATE_MQTT_TLS_LISTEN: `127.0.0.1:${await freePort()}`,
      FIELDGATE_HTTP_TLS_LISTEN: `127.0.0.1:${port}`,
    }
    const gateway = await startGateway({ dataDirectory, environment })
    const ready = gateway.events.find(({ message }) => message === 'ready')
    assert.deepEqual(
      [ready?.['mqtts'], ready?.['https']],
      [[environment.FIELDGATE_MQTT_TLS_LISTEN], [`127.0.0.1:${port}`]],
    )
    const [authority = ''] = /\S+ca\.pem/.exec(printed) ?? []
    const password = /password, shown this once: (\S+)/.exec(printed)?.[1]
    const ask = (auth: string) =>
      new Promise((resolve, reject) =>
        request(
          `https://localhost:${port}/onem2m/gateway`,
          { auth, family: 4, ca: readFileSync(authority), headers: { 'X-M2M-Origin': 'CAdmin', 'X-M2M-RI': auth } },
          (incoming) => resolve(incoming.resume().statusCode),
        )
          .on('error', reject)
          .end(),
      )
    assert.deepEqual([await ask(`admin:${password}`), await ask('admin:guess')], [200, 401])
    assert.equal(await gateway.end('SIGTERM'), 0)
  })

  it('refuses a bad configuration with 78, all of it at once', async () => {
    const dataDirectory = makeDirectory()
    writeFileSync(join(dataDirectory, 'fieldgate.toml'), '[mqtt]\nlisen = []\n\n[store]\ndurability = 1\n')
    const { exitCode, text } = await failToStart({ dataDirectory })
    assert.equal(exitCode, 78)
    assert.deepEqual(text.trim().split('\n'), [
      './fieldgate.toml:2: mqtt.lisen: no such key; did you mean mqtt.listen?',
      './fieldgate.toml:5: store.durability = 1: must be "power-cut" or "process"',
    ])
  })

  it('says why the state can not be kept where it should, and exits with 73', async () => {
    const dataDirectory = makeDirectory()
    const file = join(dataDirectory, 'file')
    writeFileSync(file, '')
    const { exitCode, text } = await failToStart({ dataDirectory: file, workingDirectory: dataDirectory })
    assert.equal(exitCode, 73)
    assert.match(
      text,
      /^fieldgate: the state can't be kept in .*file: it, or a part of that path, is a file\. .*--data-dir DIR\.$/m,
    )
  })
})
