/** The client over real sockets: HTTP, a mosquitto with TLS and passwords, and the training applications as processes while a gateway is killed. */

import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, afterEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { HttpBinding } from '../../src/bindings/http.ts'
import { HttpRequester } from '../../src/bindings/http-requester.ts'
import { OneM2MHTTPClient, OneM2MMQTTClient } from '../../src/client/connect.ts'
import { HttpExchange } from '../../src/client/http-exchange.ts'
import { HttpTransport } from '../../src/client/http-transport.ts'
import { ManualClock, silent } from '../bindings/fixture.ts'
import { testTransport } from '../conformance/transport.ts'
import { freePort } from '../free-port.ts'
import { type GatewayProcess, startGateway } from './gateway-process.ts'

const root = mkdtempSync(join(tmpdir(), 'fieldgate-client-'))
after(() => rmSync(root, { recursive: true, force: true }))

testTransport('HTTP', async (cse) => {
  const binding = new HttpBinding({
    listeners: [{ host: '127.0.0.1', port: 0 }],
    handler: cse,
    clock: new ManualClock(),
    log: silent,
    newRequestIdentifier: () => 'fallback',
  })
  await binding.start()
  const exchange = new HttpExchange()
  const requester = new HttpRequester({ exchange })
  return {
    transport: new HttpTransport(`http://127.0.0.1:${binding.addresses[0]?.port}`),
    deliver: (pointOfAccess, target, request) => requester.send({ pointOfAccess, target, request, timeoutMs: 1000 }),
    async end() {
      exchange.close()
      // Requests that were never answered are cut.
      const stopped = binding.stop()
      await stopped
    },
  }
})

const mosquitto = '/usr/sbin/mosquitto'
const withoutMosquitto = existsSync(mosquitto) || process.env['CI'] !== undefined ? false : 'mosquitto is not installed'

/** An authority, and what it has signed for a broker on this machine and for a client. */
function makeCertificates(): { readonly file: (name: string) => string; readonly text: (name: string) => string } {
  const directory = mkdtempSync(join(root, 'certificates-'))
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: directory, stdio: 'ignore' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=test authority')
  for (const [name, extension] of [
    ['broker', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
    ['client', 'subjectAltName=URI://openmtc.org/mn-cse-1/CAE01'],
  ] as const) {
    writeFileSync(join(directory, `${name}.ext`), extension)
    openssl('req', ...key.slice(0, -2), '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    const signed = ['-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2']
    openssl('x509', ...signed, '-out', `${name}.crt`, '-extfile', `${name}.ext`)
  }
  const file = (name: string) => join(directory, name)
  return { file, text: (name) => readFileSync(file(name), 'utf8') }
}

describe('clients on a broker of somebody else', { timeout: 30_000, skip: withoutMosquitto }, () => {
  const children: ChildProcess[] = []
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
  })

  it('answer each other over TLS with certificates, and with user and password; who lacks them is told so', async () => {
    const { file, text } = makeCertificates()
    const [plain, secure] = [await freePort(), await freePort()]
    const passwords = join(root, 'passwords')
    execFileSync('mosquitto_passwd', ['-b', '-c', passwords, 'user', 'p@ss'], { stdio: 'ignore' })
    const configuration = join(root, 'mosquitto.conf')
    writeFileSync(
      configuration,
      [
        // Started as root it would become a user who may not read what lies here.
        'user root\nper_listener_settings true',
        `listener ${plain} 127.0.0.1\nallow_anonymous false\npassword_file ${passwords}`,
        `listener ${secure} 127.0.0.1\nallow_anonymous true\nrequire_certificate true`,
        `cafile ${file('ca.crt')}\ncertfile ${file('broker.crt')}\nkeyfile ${file('broker.key')}`,
        '',
      ].join('\n'),
    )
    children.push(spawn(mosquitto, ['-c', configuration], { stdio: 'ignore' }))
    const [ca, cert, key] = [text('ca.crt'), text('client.crt'), text('client.key')]

    // A CSE of a few lines: whoever can serve requests can be one.
    const server = new OneM2MMQTTClient(`mqtt://user:p%40ss@127.0.0.1:${plain}`, { originator: '/mn-cse-1' })
    await server.serve(({ to }) => ({ responseStatusCode: 2000, content: { 'm2m:cb': { rn: to } } }))
    for (const client of [
      new OneM2MMQTTClient(`mqtts://localhost:${secure}#mn-cse-1`, { originator: 'CAE01', ca, cert, key }),
      new OneM2MMQTTClient(`secure-mqtt://127.0.0.1:${secure}#mn-cse-1`, {
        originator: 'CAE02',
        cert,
        key,
        insecure: true,
      }),
      new OneM2MMQTTClient(`mqtt://user:p%40ss@localhost:${plain}#mn-cse-1`, { originator: 'CAE03' }),
    ]) {
      assert.deepEqual(await client.retrieve('onem2m'), { 'm2m:cb': { rn: 'onem2m' } })
      await client.close()
    }

    const refused: readonly (readonly [OneM2MMQTTClient, RegExp])[] = [
      [
        new OneM2MMQTTClient(`mqtt://user:wrong@127.0.0.1:${plain}#mn-cse-1`, { originator: 'CAE01' }),
        /may not connect|are wrong/,
      ],
      [new OneM2MMQTTClient(`mqtts://127.0.0.1:${secure}#mn-cse-1`, { originator: 'CAE01', cert, key }), /certificate/],
    ]
    for (const [client, reason] of refused) {
      await assert.rejects(client.retrieve('onem2m', { timeoutMs: 1500 }), {
        responseStatusCode: 5103,
        message: reason,
      })
      await client.close()
    }
    await server.close()
  })
})

const training = fileURLToPath(new URL('../../src/training/main.ts', import.meta.url))

describe('training applications', { timeout: 60_000 }, () => {
  const children: ChildProcess[] = []
  const gateways: GatewayProcess[] = []
  afterEach(() => {
    for (const child of [...children.splice(0), ...gateways.splice(0).map((each) => each.process)])
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  })

  const gatewayAt = async (options: Partial<Parameters<typeof startGateway>[0]>): Promise<GatewayProcess> => {
    const dataDirectory = options.dataDirectory ?? mkdtempSync(join(root, 'data-'))
    const environment = {
      FIELDGATE_ADAPTERS_SYSTEM_ENABLED: 'false',
      FIELDGATE_ACCESS_UNPROTECTED: 'open',
      ...options.environment,
    }
    const gateway = await startGateway({ ...options, dataDirectory, environment })
    gateways.push(gateway)
    return gateway
  }

  /** A training application as a process, and the lines that it has printed. */
  const play = (name: string, ...words: string[]) => {
    const child = spawn(process.execPath, [training, name, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
    children.push(child)
    const lines: string[] = []
    for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', (line) => lines.push(line))
    return {
      lines,
      async prints(pattern: RegExp, since = 0): Promise<void> {
        const deadline = performance.now() + 15_000
        while (!lines.slice(since).some((line) => pattern.test(line))) {
          assert.ok(performance.now() < deadline && child.exitCode === null, `${name}: ${pattern}\n${lines.join('\n')}`)
          await new Promise((resolve) => setTimeout(resolve, 25))
        }
      },
      async end(): Promise<unknown> {
        const exited = once(child, 'exit')
        child.kill('SIGTERM')
        return (await exited)[0]
      },
    }
  }

  it('run over MQTT, HTTP and both, and go on after the gateway was killed', async () => {
    const [mqtt, http] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
    const dataDirectory = mkdtempSync(join(root, 'data-'))
    const overMqtt = ['--url', `mqtt://${mqtt}#mn-cse-1`]
    const overHttp = ['--url', `http://${http}`]
    // The first comes before the gateway does.
    const ipe = play('actuator-ipe', ...overMqtt, '--originator-prefix', '//openmtc.org/mn-cse-1')
    const gateway = await gatewayAt({ dataDirectory, mqtt, http })
    await ipe.prints(/Temp-1: \d/)
    const guis = [
      play('actuator-gui', ...overHttp),
      play('sensor-gui', ...overMqtt, '--poa', 'http://127.0.0.1:0', '--name', 'Mixed'),
    ]
    for (const gui of guis) await gui.prints(/temperature/)
    await ipe.prints(/Switch-AirCon: command O(N|FF)/)

    await gateway.end('SIGKILL')
    const since = [ipe, ...guis].map(({ lines }) => lines.length)
    const again = await gatewayAt({ dataDirectory, mqtt, http })
    await ipe.prints(/Temp-1: \d/, since[0])
    for (const [index, gui] of guis.entries()) await gui.prints(/temperature/, since[index + 1])
    await ipe.prints(/Switch-AirCon: command O(N|FF)/, since[0])

    for (const each of [...guis, ipe]) assert.equal(await each.end(), 0, each.lines.join('\n'))
    const client = new OneM2MHTTPClient(`http://${http}`, { originator: 'Ctest' })
    const applications = await client.discover('onem2m', { resourceType: [2] })
    assert.deepEqual(
      applications.filter((address) => /Test|Mixed/.test(address)),
      [],
    )
    await client.close()
    assert.equal(await again.end('SIGTERM'), 0)
  })

  it('run across two CSEs', async () => {
    const backend = await gatewayAt({ command: 'backend' })
    const gateway = await gatewayAt({
      environment: {
        FIELDGATE_REGISTRATION_CSE_ID: '/in-cse-1',
        FIELDGATE_REGISTRATION_POA: `mqtt://${backend.mqtt}`,
        FIELDGATE_REGISTRATION_CHECK: '1s',
      },
    })
    const ipe = play('actuator-ipe', '--url', `mqtt://${gateway.mqtt}#mn-cse-1`)
    const gui = play(
      'actuator-gui',
      ...['--url', `mqtt://${backend.mqtt}#in-cse-1`, '--place', '/mn-cse-1/onem2m'],
      ...['--originator-prefix', '//openmtc.org/in-cse-1'],
    )
    await ipe.prints(/Temp-1: \d/)
    await gui.prints(/temperature/)
    await ipe.prints(/Switch-AirCon: command O(N|FF)/)
    for (const each of [gui, ipe]) assert.equal(await each.end(), 0)
  })
})
