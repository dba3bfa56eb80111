/** A gateway and a backend as processes of their own, on brokers of three kinds: registered, used across, killed and started again. */

import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, describe, it } from 'node:test'
import { openmtcConfiguration } from '../appliance/openmtc-file.ts'
import { freePort } from '../free-port.ts'
import { type GatewayProcess, type GatewayProcessOptions, startGateway } from './gateway-process.ts'
import { startMosquitto, until, withoutMosquitto } from './neighbour-process.ts'

const root = mkdtempSync(join(tmpdir(), 'fieldgate-federation-'))
after(() => rmSync(root, { recursive: true, force: true }))

interface Reply {
  readonly status: number
  readonly text: string
}

/** A request over HTTP, as an AE would make it. */
async function ask(http: string, method: string, path: string, content?: object, type?: number): Promise<Reply> {
  const response = await fetch(`http://${http}${path}`, {
    method,
    headers: {
      'X-M2M-Origin': 'Ctest',
      'X-M2M-RI': Math.random().toString(36).slice(2),
      'X-M2M-RVI': '3',
      ...(content === undefined
        ? {}
        : { 'Content-Type': `application/json${type === undefined ? '' : `;ty=${type}`}` }),
    },
    ...(content === undefined ? {} : { body: JSON.stringify(content) }),
  })
  return { status: Number(response.headers.get('x-m2m-rsc')), text: await response.text() }
}

const isRegistered = (http: string) => async () => (await ask(http, 'GET', '/onem2m/mn-cse-1')).status === 2000

describe('a gateway and a backend', { timeout: 60_000 }, () => {
  const running: (GatewayProcess | ChildProcess)[] = []
  afterEach(async () => {
    for (const each of running.splice(0)) {
      const child = 'end' in each ? each.process : each
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    }
  })

  const start = async (options: Partial<GatewayProcessOptions>): Promise<GatewayProcess> => {
    const dataDirectory = options.dataDirectory ?? mkdtempSync(join(root, 'data-'))
    const environment = {
      FIELDGATE_ADAPTERS_SYSTEM_ENABLED: 'false',
      FIELDGATE_ADAPTERS_NODE_ENABLED: 'false',
      ...options.environment,
    }
    const started = await startGateway({ ...options, dataDirectory, environment })
    running.push(started)
    return started
  }

  const registering = (poa: string): Readonly<Record<string, string>> => ({
    FIELDGATE_REGISTRATION_CSE_ID: '/in-cse-1',
    FIELDGATE_REGISTRATION_POA: poa,
    FIELDGATE_REGISTRATION_CHECK: '1s',
  })

  const startBroker = async (port: number, lines?: readonly string[]): Promise<ChildProcess> => {
    const child = startMosquitto(mkdtempSync(join(root, 'mosquitto-')), port, lines)
    running.push(child)
    return child
  }

  it('find each other whoever comes first, and again after each was killed', async () => {
    const [mqtt, http] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
    const dataDirectory = mkdtempSync(join(root, 'data-'))
    let gateway = await start({ dataDirectory, environment: registering(`mqtt://${mqtt}`) })
    await until(() => gateway.events.some(({ message }) => message.includes('unreachable')), 'the gateway says so')
    const backendDirectory = mkdtempSync(join(root, 'data-'))
    let backend = await start({ command: 'backend', dataDirectory: backendDirectory, mqtt, http })
    await until(isRegistered(http), 'registered')
    assert.equal((await ask(http, 'GET', '/~/mn-cse-1/onem2m')).status, 2000)
    assert.equal((await ask(gateway.http, 'GET', '/~/in-cse-1/onem2m')).status, 2000)
    const says = async () =>
      (await ask(gateway.http, 'GET', '/onem2m')).text.includes('"registration:in-cse-1:registered"')
    await until(says, 'the gateway shows it')

    await backend.end('SIGKILL')
    rmSync(backendDirectory, { recursive: true })
    assert.equal((await ask(gateway.http, 'GET', '/~/in-cse-1/onem2m')).status, 5103)
    backend = await start({ command: 'backend', mqtt, http })
    await until(isRegistered(http), 'registered with a backend that has lost its data')

    await gateway.end('SIGKILL')
    gateway = await start({ dataDirectory, environment: registering(`mqtt://${mqtt}`) })
    await until(() => gateway.events.some(({ message }) => message === 'registration: registered'), 'taken over')
    assert.equal((await ask(http, 'GET', '/~/mn-cse-1/onem2m')).status, 2000)
    assert.equal(await gateway.end('SIGTERM'), 0)
    assert.equal((await ask(http, 'GET', '/onem2m/mn-cse-1')).status, 4004)
    assert.equal(await backend.end('SIGTERM'), 0)
  })

  it('register over HTTP, and forward over it', async () => {
    const backend = await start({ command: 'backend' })
    const gateway = await start({ environment: registering(`http://${backend.http}`) })
    await until(isRegistered(backend.http), 'registered')
    assert.match(
      (await ask(backend.http, 'GET', '/onem2m/mn-cse-1')).text,
      new RegExp(`"poa":\\["http://${gateway.http}"\\]`),
    )
    assert.equal((await ask(backend.http, 'GET', '/~/mn-cse-1/onem2m')).status, 2000)
    assert.equal((await ask(gateway.http, 'GET', '/_/openmtc.org/in-cse-1/onem2m')).status, 2000)
  })

  it('register over HTTP with the accounts that they have at each other', async () => {
    const [backendDirectory, dataDirectory] = [mkdtempSync(join(root, 'data-')), mkdtempSync(join(root, 'data-'))]
    const [toBackend, toGateway] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
    const account = (name: string, originator: string, directory: string) =>
      /: (\S+)/.exec(
        execFileSync(
          process.execPath,
          ['src/main.ts', 'account', 'add', name, '--originator', originator, '--data-dir', directory],
          { encoding: 'utf8' },
        ),
      )?.[1]
    const password = account('barn-7', '/mn-cse-1', backendDirectory)
    const credentials = `http://backend:${account('backend', '/in-cse-1', dataDirectory)}@${toGateway}`
    const backend = await start({
      command: 'backend',
      dataDirectory: backendDirectory,
      http: toBackend,
      environment: { FIELDGATE_HTTP_CREDENTIALS: credentials },
    })
    const environment = registering(`http://barn-7:${password}@${toBackend}`)
    const gateway = await start({ dataDirectory, http: toGateway, environment })
    await until(isRegistered(backend.http), 'registered')
    assert.equal((await ask(backend.http, 'GET', '/~/mn-cse-1/onem2m')).status, 2000)
    assert.equal((await ask(gateway.http, 'GET', '/~/in-cse-1/onem2m')).status, 2000)
    const stranger = await start({ environment: registering(`http://${toBackend}`) })
    await until(() => stranger.events.some(({ message }) => message.includes('refuses')), 'nobody else may be it')
    assert.doesNotMatch((await ask(backend.http, 'GET', '/onem2m/mn-cse-1')).text, /barn-7/)
  })

  it('meet on a mosquitto, and meet again when that was restarted', { skip: withoutMosquitto }, async () => {
    const port = await freePort()
    const broker = await startBroker(port)
    const environment = {
      FIELDGATE_BROKERS_URLS: `mqtt://127.0.0.1:${port}`,
      // A request may be with the broker before the other CSE is, and waits in vain.
      FIELDGATE_CSE_FORWARD_TIMEOUT: '500ms',
    }
    const backend = await start({ command: 'backend', environment })
    const gateway = await start({ environment: { ...environment, ...registering(`mqtt://localhost:${port}`) } })
    await until(isRegistered(backend.http), 'registered')
    broker.kill('SIGKILL')
    await until(() => gateway.events.some(({ message }) => message.includes('no connection to the broker')), 'noticed')
    assert.equal((await ask(backend.http, 'GET', '/~/mn-cse-1/onem2m')).status, 5103)
    await startBroker(port)
    await until(async () => (await ask(backend.http, 'GET', '/~/mn-cse-1/onem2m')).status === 2000, 'back')
  })

  it('meet on a mosquitto behind TLS and a password, below a prefix', { skip: withoutMosquitto }, async () => {
    const port = await freePort()
    const directory = mkdtempSync(join(root, 'tls-'))
    const [key, certificate, passwords] = ['key.pem', 'cert.pem', 'passwords'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    const files = ['-keyout', key, '-out', certificate]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...files, ...subject], {
      stdio: 'ignore',
    })
    execFileSync('mosquitto_passwd', ['-b', '-c', passwords, 'site', 'secret'])
    chmodSync(passwords, 0o644)
    chmodSync(key, 0o644)
    chmodSync(directory, 0o755)
    chmodSync(root, 0o755)
    await startBroker(port, [`password_file ${passwords}`, `certfile ${certificate}`, `keyfile ${key}`])
    const environment = {
      FIELDGATE_BROKERS_URLS: `mqtts://site@localhost:${port}/site-7`,
      FIELDGATE_BROKERS_PASSWORD: 'secret',
      FIELDGATE_BROKERS_CA_FILE: certificate,
    }
    const backend = await start({ command: 'backend', environment })
    const gateway = await start({ environment: { ...environment, ...registering(`mqtts://localhost:${port}/site-7`) } })
    await until(isRegistered(backend.http), 'registered')
    assert.equal((await ask(backend.http, 'GET', '/~/mn-cse-1/onem2m')).status, 2000)
    const { text } = await ask(backend.http, 'GET', '/onem2m/mn-cse-1')
    assert.match(text, new RegExp(`"poa":\\["mqtts://localhost:${port}/site-7"\\]`))
    assert.equal(JSON.stringify(gateway.events).includes('secret'), false)
  })

  it("run with OpenMTC's configuration files, its MQTT plugin switched on (the walk-through of its MQTT client)", async () => {
    const [mqtt, gatewayHttp, backendHttp] = [await freePort(), await freePort(), await freePort()]
    const files = {
      gateway: openmtcConfiguration({
        kind: 'gateway',
        http: { interface: '127.0.0.1', port: gatewayHttp },
        mqtt: { interface: 'localhost', port: mqtt },
        poa: [`mqtt://localhost:${mqtt}`],
        ownPoa: [`mqtt://localhost:${mqtt}`],
      }),
      backend: openmtcConfiguration({
        kind: 'backend',
        http: { interface: '127.0.0.1', port: backendHttp },
        mqtt: { interface: 'localhost', port: mqtt },
      }),
    }
    const startWith = async (command: 'gateway' | 'backend') => {
      const dataDirectory = mkdtempSync(join(root, 'data-'))
      writeFileSync(join(dataDirectory, 'config.json'), JSON.stringify(files[command]))
      return start({
        command,
        dataDirectory,
        configuration: 'config.json',
        environment: { FIELDGATE_LOG_LEVEL: 'info' },
      })
    }
    const gateway = await startWith('gateway')
    const backend = await startWith('backend')
    assert.ok(backend.events.some(({ message }) => message.startsWith('another broker listens already')))
    const said = gateway.events.find(({ message }) => message === "this is OpenMTC's configuration")
    assert.ok(JSON.stringify(said?.['keys']).includes('RegistrationHandler.interval is registration.interval'))
    await until(isRegistered(`127.0.0.1:${backendHttp}`), 'registered over MQTT')
    const { text } = await ask(`127.0.0.1:${backendHttp}`, 'GET', '/onem2m/mn-cse-1')
    assert.match(text, new RegExp(`"lbl":\\["openmtc"\\].*"poa":\\["mqtt://localhost:${mqtt}"\\]`))
    assert.equal((await ask(`127.0.0.1:${backendHttp}`, 'GET', '/~/mn-cse-1/onem2m')).status, 2000)
    assert.equal((await ask(`127.0.0.1:${gatewayHttp}`, 'GET', '/~/in-cse-1/onem2m')).status, 2000)
    assert.deepEqual(
      [gateway, backend].flatMap(({ events }) => events.filter(({ level }) => level === 'error')),
      [],
    )
  })
})
